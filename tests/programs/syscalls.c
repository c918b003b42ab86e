/* Makes the calls of cases.h, which syscalls.rs writes, each between two system calls that show in a trace. */

#include <errno.h>
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
                notified();                     \
                given;                          \
                mark("begin");                  \
                answer = (call);                \
                mark("end");                    \
                printf("%d\n", answer);         \
                close(opened);                  \
                opened = -1;                    \
        } while (0)

/* Older releases of libsystemd do not have these. */
#pragma weak sd_pid_notifyf_with_fds
#pragma weak sd_pid_notify_barrier
#pragma weak sd_pidfd_get_inode_id
#pragma weak sd_journal_stream_fd_with_namespace
int sd_pid_notifyf_with_fds(pid_t pid, int unset_environment, const int *fds, size_t n_fds, const char *format, ...);
int sd_pid_notify_barrier(pid_t pid, int unset_environment, uint64_t timeout);
int sd_pidfd_get_inode_id(int pidfd, uint64_t *ret);
int sd_journal_stream_fd_with_namespace(const char *name_space, const char *identifier, int priority, int prefix);
#define IF_THERE(function, ...) (function ? function(__VA_ARGS__) : -ENOSYS)

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

/* What $NOTIFY_SOCKET is at the start of each case, and who listens there. */
static char manager_path[256];
static int manager;

static void notified(void) {
        while (recv(manager, NULL, 0, MSG_DONTWAIT) >= 0)
                ;
        setenv("NOTIFY_SOCKET", manager_path, 1);
}

static const char *text(size_t length) {
        static char text[512 * 1024];

        memset(text, 'x', length);
        text[length] = 0;
        return text;
}

/* Gives a descriptor the number that cases.h knows it by. */
static void place(int number, int fd) {
        check(fd >= 0, "a descriptor");
        check(dup2(fd, number) == number && close(fd) == 0, "dup2");
}

static int bound(int family, int type, const void *address, socklen_t size) {
        int fd = socket(family, type, 0);

        check(fd >= 0 && bind(fd, address, size) == 0, "a socket");
        check(type == SOCK_DGRAM || listen(fd, 1) == 0, "listen");
        return fd;
}

enum { null = 20, fifo, tcp, stream, queue, pidfd, closed };

int main(void) {
        static const char queue_name[] = "/sdlite-syscalls";
        const struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        const struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "stream" };
        const struct sockaddr_un notify = { .sun_family = AF_UNIX, .sun_path = "notify" };
        const struct iovec fields[] = { { (char *) "MESSAGE=x", 9 }, { (char *) "A=b", 3 } };
        const pid_t self = getpid();
        int many[254], opened = -1;
        uint64_t usec;
        char **names;

        check(mkfifo("fifo", 0600) == 0, "mkfifo");
        place(null, open("/dev/null", O_RDWR));
        place(fifo, open("fifo", O_RDWR));
        place(tcp, bound(AF_INET, SOCK_STREAM, &inet, sizeof inet));
        place(stream, bound(AF_UNIX, SOCK_STREAM, &un, sizeof un));
        place(queue, mq_open(queue_name, O_RDWR | O_CREAT, 0600, NULL));
        mq_unlink(queue_name);
        place(pidfd, (int) syscall(434 /* pidfd_open */, self, 0));
        manager = bound(AF_UNIX, SOCK_DGRAM, &notify, sizeof notify);
        place(closed + 1, manager);
        manager = closed + 1;
        check(getcwd(manager_path, sizeof manager_path - sizeof "/notify") != NULL, "getcwd");
        strcat(manager_path, "/notify");
        for (size_t i = 0; i < sizeof many / sizeof *many; i++)
                many[i] = null;
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
