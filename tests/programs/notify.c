/* `notify cases` makes the calls of cases.h, which notify.rs writes: each twice, without and with `unset`, and with
 * $NOTIFY_SOCKET naming a socket of its own. For each call it prints a line: what was returned, what became of the
 * environment and the descriptors, and what was received.
 *
 * `notify connected PEER` notifies $NOTIFY_SOCKET once, by a socket that the caller sees to being number 20. What its
 * other end does until then: `closes` its writing side, `talks`, or is `gone`. */

#define _GNU_SOURCE
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <wchar.h>

/* Older releases of libsystemd do not have these, nor their headers. */
#pragma weak sd_pidfd_get_inode_id
int sd_pid_notifyf_with_fds(pid_t pid, int unset_environment, const int *fds, size_t n_fds, const char *format, ...);
int sd_pid_notify_barrier(pid_t pid, int unset_environment, uint64_t timeout);
int sd_pidfd_get_inode_id(int pidfd, uint64_t *ret);

#define CASE(given, call)                                          \
        for (unset = 0; unset <= 1; unset++) {                     \
                int answer, variables_before;                      \
                start();                                           \
                given;                                             \
                variables_before = variables();                    \
                answer = (call);                                   \
                finish(answer, variables_before);                  \
        }

int unset;
static char path[108], abstract[109];
/* A format that the compiler does not see through. */
const char *nothing = NULL;
/* Where messages arrive: at a path, at an abstract name. */
static int managers[2];
int null, a_pipe[2], pidfd, many[254], closed = 900;
static uid_t user;
static gid_t group;
static pid_t self, parent;
static struct rlimit files;
static uint64_t number;
static pthread_t helper;
static int helped, fds_before;
static char received[4096];

/* A text in memory of its own, all the same letter. */
static const char *text(size_t length) {
        static char *text;

        free(text);
        text = malloc(length + 1);
        check(text != NULL, "malloc");
        memset(text, 'x', length);
        text[length] = 0;
        return text;
}

static int variables(void) {
        return !!getenv("NOTIFY_SOCKET") + !!getenv("WATCHDOG_USEC") + !!getenv("WATCHDOG_PID");
}

static void say(const char *format, ...) {
        size_t length = strlen(received);
        va_list ap;

        va_start(ap, format);
        vsnprintf(received + length, sizeof received - length, format, ap);
        va_end(ap);
}

static const char *kind(int fd) {
        struct stat st;

        check(fstat(fd, &st) == 0, "fstat");
        if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
                return "null";
        if (!S_ISFIFO(st.st_mode))
                return "other";
        return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY ? "pipe-w" : "pipe-r";
}

static void say_fds(const int *fds, size_t n) {
        for (size_t i = 0, run; i < n; i += run) {
                const char *this = kind(fds[i]);

                for (run = 1; i + run < n && strcmp(kind(fds[i + run]), this) == 0; run++)
                        ;
                if (run > 1)
                        say(" %zu*", run);
                else
                        say(" ");
                say("%s", this);
        }
        for (size_t i = 0; i < n; i++)
                close(fds[i]);
}

/* Receives one message and says what it is: whose, with which descriptors, and its text. */
static int receive(int fd, int flags) {
        static char buffer[20 << 20];
        static char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(253 * sizeof(int))];
        struct iovec iov = { buffer, sizeof buffer - 1 };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
        ssize_t length = recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);

        if (length < 0)
                return 0;
        buffer[length] = 0;
        if (strcmp(buffer, "fill") == 0)
                return 1;
        say(" |");
        check((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0, "the message is cut");
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
                if (c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred credentials;

                        memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
                        if (credentials.pid != self)
                                say(credentials.pid == parent ? " parent" : " pid %d", credentials.pid);
                        if (credentials.uid != user || credentials.gid != group)
                                say(" %u:%u", credentials.uid, credentials.gid);
                } else {
                        int fds[253];
                        size_t size = c->cmsg_len - CMSG_LEN(0);

                        memcpy(fds, CMSG_DATA(c), size);
                        say_fds(fds, size / sizeof(int));
                }
        if (length > 100 && strspn(buffer, "x") == (size_t) length)
                say(" %zd*x", length);
        else if (length > 100)
                say(" %zd bytes", length);
        else
                say(" %s", buffer);
        return 1;
}

static void start(void) {
        received[0] = 0;
        helped = 0;
        number = 4711;
        setenv("NOTIFY_SOCKET", path, 1);
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        fds_before = open_descriptors();
}

static void timer(long microseconds) {
        const struct itimerval time = { { 0, microseconds }, { 0, microseconds } };

        check(setitimer(ITIMER_REAL, &time, NULL) == 0, "setitimer");
}

static void finish(int answer, int variables_before) {
        int variables_after = variables();

        timer(0);
        if (getuid() != user || geteuid() != user)
                check(setresuid(user, user, user) == 0, "setresuid");
        if (getgid() != group || getegid() != group)
                check(setresgid(group, group, group) == 0, "setresgid");
        check(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
        if (helped)
                check(pthread_join(helper, NULL) == 0, "pthread_join");
        for (int i = 0; i < 2; i++)
                while (receive(managers[i], MSG_DONTWAIT))
                        ;
        printf("%d", answer);
        if (number != 4711)
                printf(" %llu", (unsigned long long) number);
        if (variables_after != variables_before)
                printf(variables_after ? " partly unset" : " unset");
        if (open_descriptors() != fds_before)
                printf(" leaked");
        puts(received);
}

/* What the cases begin with. */

static void to(const char *address) {
        setenv("NOTIFY_SOCKET", address, 1);
}

/* An address that begins so and is so long. */
static void to_long(const char *start, size_t length) {
        char address[256];

        memset(address, 'n', sizeof address);
        memcpy(address, start, strlen(start));
        address[length] = 0;
        to(address);
}

/* A file in the same directory. */
static void to_file(const char *name) {
        char address[256];

        snprintf(address, sizeof address, "%.*s/%s", (int) (strrchr(path, '/') - path), path, name);
        to(address);
}

static void as(uid_t real, uid_t effective) {
        check(setresuid(real, effective, user) == 0, "setresuid");
}

static void as_group(gid_t real, gid_t effective) {
        check(setresgid(real, effective, group) == 0, "setresgid");
}

/* So many descriptors more can be had. */
static void spare_descriptors(int n) {
        const struct rlimit limit = { (rlim_t) (dup(null) + n), files.rlim_max };

        close((int) limit.rlim_cur - n);
        check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void fill(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int sent;

        strcpy(address.sun_path, path);
        /* Where systemd runs the queue is longer than what one sender may have in it. */
        do {
                int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

                for (sent = 0; sendto(fd, "fill", 4, MSG_DONTWAIT, (void *) &address, sizeof address) == 4; sent++)
                        ;
                check(errno == EAGAIN, "sendto");
                close(fd);
        } while (sent > 0);
}

/* Receives when the main thread waits. */
static void *receive_late(void *unused) {
        char stat[256], state = 'R';

        (void) unused;
        while (state != 'S') {
                char file[64];
                FILE *f;

                snprintf(file, sizeof file, "/proc/self/task/%d/stat", self);
                f = fopen(file, "r");
                check(f && fgets(stat, sizeof stat, f), file);
                fclose(f);
                state = strrchr(stat, ')')[2];
        }
        receive(managers[0], 0);
        return NULL;
}

static void *receive_one(void *unused) {
        (void) unused;
        receive(managers[0], 0);
        return NULL;
}

static void meanwhile(void *(*function)(void *)) {
        check(pthread_create(&helper, NULL, function, NULL) == 0, "pthread_create");
        helped = 1;
}

static void watchdog(const char *usec, const char *pid) {
        unsetenv("NOTIFY_SOCKET");
        setenv("WATCHDOG_USEC", usec, 1);
        if (pid)
                setenv("WATCHDOG_PID", pid, 1);
}

static const char *decimal(long value) {
        static char text[32];

        snprintf(text, sizeof text, "%ld", value);
        return text;
}

/* A process that is no more. */
static pid_t gone(void) {
        pid_t child = fork();

        if (child == 0)
                _exit(0);
        check(child > 0 && waitpid(child, NULL, 0) == child, "fork");
        return child;
}

/* sd_pidfd_get_inode_id(), and whether it is the inode's. */
static int inode_id(int fd) {
        uint64_t id = 0;
        struct stat st;
        int r = sd_pidfd_get_inode_id(fd, &id);

        if (r == 0)
                check(fstat(fd, &st) == 0 && id == st.st_ino, "the inode id");
        return r;
}

static void handle(int signal) {
        (void) signal;
}

static int bound(const char *name, int type, int unlinked) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name));
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), on = 1;

        memcpy(address.sun_path, name, strlen(name));
        if (name[0] == '@')
                address.sun_path[0] = 0;
        check(bind(fd, (void *) &address, size) == 0, name);
        check(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
        if (type == SOCK_STREAM)
                check(listen(fd, 1) == 0, "listen");
        if (unlinked)
                close(fd);
        return fd;
}

static void cases(void) {
        const struct sigaction action = { .sa_handler = handle };
        self = getpid();
        parent = getppid();
        user = getuid();
        group = getgid();
        check(getcwd(path, sizeof path - sizeof "/socket") != NULL, "getcwd");
        strcat(path, "/socket");
        snprintf(abstract, sizeof abstract, "@%s", path + 1);
        managers[0] = bound(path, SOCK_DGRAM, 0);
        managers[1] = bound(abstract, SOCK_DGRAM, 0);
        bound("stream", SOCK_STREAM, 0);
        bound("nobody", SOCK_DGRAM, 1);
        check(symlink("socket", "link") == 0, "symlink");
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        check(pipe2(a_pipe, O_CLOEXEC) == 0, "pipe2");
        pidfd = (int) syscall(434 /* pidfd_open */, self, 0);
        for (size_t i = 0; i < sizeof many / sizeof *many; i++)
                many[i] = null;
        check(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
        check(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
        setvbuf(stdout, NULL, _IOLBF, 0);

#include "cases.h"
}

static void connected(const char *peer) {
        int pair[2];
        char buffer[64] = "";
        int answer;

        check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        check(dup2(pair[0], 20) == 20, "dup2");
        close(pair[0]);
        if (strcmp(peer, "closes") == 0)
                check(shutdown(pair[1], SHUT_WR) == 0, "shutdown");
        if (strcmp(peer, "talks") == 0)
                check(write(pair[1], "x", 1) == 1, "write");
        if (strcmp(peer, "gone") == 0)
                close(pair[1]);
        answer = sd_notify(0, "READY=1");
        printf("%d", answer);
        if (strcmp(peer, "gone") != 0 && answer == 1) {
                check(read(pair[1], buffer, sizeof buffer - 1) >= 0, "read");
                printf(" %s", buffer);
                printf(" %zd", read(pair[1], buffer, sizeof buffer));
        }
        puts("");
}

int main(int argc, char **argv) {
        check(argc > 1, "an argument");
        if (strcmp(argv[1], "cases") == 0)
                cases();
        else
                connected(argv[2]);
        return 0;
}
