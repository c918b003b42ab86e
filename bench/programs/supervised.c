/* What a supervisor is given. It says what happens, each time in a line: what, and when, in nanoseconds. By its second argument:
 *
 *     REPORT execute COMMAND...   executes what follows
 *     REPORT wait                 until SIGTERM
 *     REPORT serve PATH COUNT     on a socket that is passed to it, or else one that it opens itself: sends each client back what it
 *                                 gets. After so many it kills itself, with 0 never
 *     REPORT orphans COUNT        upon SIGUSR1 leaves so many processes behind, has them end, and waits until none is a zombie
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 2500 };
static const char *report;

static void say(const char *what) {
        struct timespec time;
        char line[64];
        int fd;

        clock_gettime(CLOCK_MONOTONIC, &time);
        fd = open(report, O_WRONLY | O_CLOEXEC);
        /* One write, which others do not divide. */
        if (fd < 0 || write(fd, line, (size_t) snprintf(line, sizeof line, "%s %lld\n", what,
                                                         time.tv_sec * 1000000000LL + time.tv_nsec)) < 0)
                _exit(1);
        close(fd);
}

/* Signals are blocked, so that none is lost before there is somebody to wait for it. */
static void wait_for(int signal) {
        sigset_t signals;
        int number;

        sigemptyset(&signals);
        sigaddset(&signals, signal);
        sigwait(&signals, &number);
}

static int listening_on(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t length = sizeof(int);
        int accepts = 0, fd;

        if (getenv("LISTEN_FDS"))
                return 3;
        if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) == 0 && accepts)
                return STDIN_FILENO;
        strncpy(address.sun_path, path, sizeof address.sun_path - 1);
        unlink(path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof address) < 0 || listen(fd, 4096) < 0)
                _exit(1);
        return fd;
}

static int serve(int listening, long count) {
        char buffer[64];

        say("started");
        for (long served = 1;; served++) {
                int client = accept(listening, NULL, NULL);
                ssize_t length = client < 0 ? -1 : read(client, buffer, sizeof buffer);

                if (length < 0 || write(client, buffer, (size_t) length) != length)
                        return 1;
                close(client);
                if (served == count) {
                        kill(getpid(), SIGKILL);
                        /* Process 1 of a namespace does not die of that, but only if it comes from outside. */
                        return 1;
                }
        }
}

/* They wait until their pipe is closed, and for that until the one who had them has ended. */
static void leave_behind(pid_t *orphans, long count) {
        int pipe[2], status;
        pid_t parent;
        char byte;

        if (pipe2(pipe, O_CLOEXEC) < 0 || (parent = fork()) < 0)
                _exit(1);
        if (parent == 0) {
                for (long i = 0; i < count; i++) {
                        pid_t orphan = fork();

                        if (orphan < 0)
                                _exit(1);
                        if (orphan == 0) {
                                close(pipe[1]);
                                _exit(read(pipe[0], &byte, 1) != 0);
                        }
                        orphans[i] = orphan;
                }
                _exit(0);
        }
        if (waitpid(parent, &status, 0) != parent || status != 0)
                _exit(1);
        close(pipe[0]);
        close(pipe[1]);
        for (long i = 0; i < count; i++)
                while (kill(orphans[i], 0) == 0)
                        usleep(100);
}

static int orphans(long count) {
        pid_t *shared = mmap(NULL, BATCH * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (shared == MAP_FAILED)
                return 1;
        say("started");
        wait_for(SIGUSR1);
        for (; count > 0; count -= BATCH)
                leave_behind(shared, count < BATCH ? count : BATCH);
        say("reaped");
        wait_for(SIGTERM);
        return 0;
}

int main(int argc, char *argv[]) {
        const char *what = argc > 2 ? argv[2] : "";
        sigset_t signals;

        report = argv[1];
        if (strcmp(what, "execute") == 0 && argc > 3) {
                say("executed");
                execv(argv[3], argv + 3);
                perror(argv[3]);
                return 127;
        }
        if (strcmp(what, "serve") == 0 && argc == 5)
                return serve(listening_on(argv[3]), atol(argv[4]));
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGUSR1);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        if (strcmp(what, "orphans") == 0 && argc == 4)
                return orphans(atol(argv[3]));
        if (strcmp(what, "wait") != 0)
                return 2;
        say("started");
        wait_for(SIGTERM);
        say("signalled");
        return 0;
}
