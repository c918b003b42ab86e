/* What syscalls.c and faults.c have in common: calls between marks that show in a trace, and what they are called with. */

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdint.h>
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

static int bound_to_path(int type, const char *path) {
        struct sockaddr_un un = { .sun_family = AF_UNIX };

        strcpy(un.sun_path, path);
        unlink(path);
        return bound(AF_UNIX, type, &un, sizeof un);
}

/* What is open in each case; `manager` receives what is sent to manager_path. */
enum { null = 20, fifo, tcp, stream, queue, pidfd, closed, manager };

static struct sockaddr_in inet = { .sin_family = AF_INET };
static const struct iovec fields[] = { { (char *) "MESSAGE=x", 9 }, { (char *) "A=b", 3 } };
static char manager_path[256];
static int many[254];
static pid_t self;
static uint64_t usec;
static char **names;

static void open_all(void) {
        static const char queue_name[] = "/sdlite-traced";
        /* Of the memory that all queues of a user may take, as little as can be. */
        struct mq_attr smallest = { .mq_maxmsg = 1, .mq_msgsize = 1 };

        self = getpid();
        unlink("fifo");
        check(mkfifo("fifo", 0600) == 0, "mkfifo");
        place(null, open("/dev/null", O_RDWR));
        place(fifo, open("fifo", O_RDWR));
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        place(tcp, bound(AF_INET, SOCK_STREAM, &inet, sizeof inet));
        place(stream, bound_to_path(SOCK_STREAM, "stream"));
        place(queue, mq_open(queue_name, O_RDWR | O_CREAT, 0600, &smallest));
        mq_unlink(queue_name);
        place(pidfd, (int) syscall(434 /* pidfd_open */, self, 0));
        place(manager, bound_to_path(SOCK_DGRAM, "notify"));
        check(getcwd(manager_path, sizeof manager_path - sizeof "/notify") != NULL, "getcwd");
        strcat(manager_path, "/notify");
        for (size_t i = 0; i < sizeof many / sizeof *many; i++)
                many[i] = null;
        /* Three descriptors were passed, and no more. */
        for (int i = 0; i < 3; i++)
                check(dup2(null, SD_LISTEN_FDS_START + i) >= 0, "dup2");
        close(SD_LISTEN_FDS_START + 3);
}
