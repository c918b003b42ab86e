/* Makes the calls of cases.h, which syscalls.rs writes, each between two system calls that show in a trace. */

#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define CASE(given, call)                       \
        do {                                    \
                int answer;                     \
                given;                          \
                mark("begin");                  \
                answer = (call);                \
                mark("end");                    \
                printf("%d\n", answer);         \
        } while (0)

static void check(int success, const char *what) {
        if (!success) {
                perror(what);
                exit(2);
        }
}

static void mark(const char *text) {
        ssize_t unused = write(-1, text, strlen(text));
        (void) unused;
}

static void passed(const char *fds, const char *names) {
        char pid[32];

        for (int i = 0; i < 3; i++)
                fcntl(SD_LISTEN_FDS_START + i, F_SETFD, 0);
        snprintf(pid, sizeof pid, "%ld", (long) getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", fds, 1);
        unsetenv("LISTEN_PIDFDID");
        if (names)
                setenv("LISTEN_FDNAMES", names, 1);
        else
                unsetenv("LISTEN_FDNAMES");
}

static void passed_to(int which, const char *fds) {
        char id[32];
        struct stat st;
        int pidfd = (int) syscall(434 /* pidfd_open */, getpid(), 0);

        passed(fds, NULL);
        check(pidfd >= 0 && fstat(pidfd, &st) == 0, "pidfd_open");
        close(pidfd);
        snprintf(id, sizeof id, "%llu", (unsigned long long) st.st_ino + (unsigned) which);
        setenv("LISTEN_PIDFDID", id, 1);
}

static const char *text(size_t length) {
        static char text[4096];

        memset(text, 'x', length);
        text[length] = 0;
        return text;
}

/* Gives a descriptor the number that cases.h knows it by. */
static void place(int number, int fd) {
        check(fd >= 0, "a descriptor");
        check(dup2(fd, number) == number && close(fd) == 0, "dup2");
}

static int bound(int family, const void *address, socklen_t size) {
        int fd = socket(family, SOCK_STREAM, 0);

        check(fd >= 0 && bind(fd, address, size) == 0 && listen(fd, 1) == 0, "a socket");
        return fd;
}

enum { null = 20, fifo, tcp, stream, queue, closed };

int main(void) {
        static const char queue_name[] = "/sdlite-syscalls";
        const struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        const struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "stream" };
        char **names;

        check(mkfifo("fifo", 0600) == 0, "mkfifo");
        place(null, open("/dev/null", O_RDWR));
        place(fifo, open("fifo", O_RDWR));
        place(tcp, bound(AF_INET, &inet, sizeof inet));
        place(stream, bound(AF_UNIX, &un, sizeof un));
        place(queue, mq_open(queue_name, O_RDWR | O_CREAT, 0600, NULL));
        mq_unlink(queue_name);
        /* Three descriptors were passed, and no more. */
        for (int i = 0; i < 3; i++)
                check(dup2(null, SD_LISTEN_FDS_START + i) >= 0, "dup2");
        close(SD_LISTEN_FDS_START + 3);
        /* From now on a few kilobytes more do not take a system call. */
        free(malloc(64 * 1024));
        setvbuf(stdout, NULL, _IOFBF, 16 * 1024);

#include "cases.h"

        return 0;
}
