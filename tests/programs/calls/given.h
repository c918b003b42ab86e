/* What the rows of tests/support/src/calls/ are given: descriptors, variables, and somebody who receives. */

#include "../shared.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* The headers of older releases of libsystemd do not have these. */
int sd_pid_notifyf_with_fds(pid_t pid, int unset_environment, const int *fds, size_t n_fds, const char *format, ...);
int sd_pid_notify_barrier(pid_t pid, int unset_environment, uint64_t timeout);
int sd_pidfd_get_inode_id(int pidfd, uint64_t *ret);
int sd_id128_get_app_specific(sd_id128_t base, sd_id128_t app_id, sd_id128_t *ret);
int sd_id128_get_invocation_app_specific(sd_id128_t app_id, sd_id128_t *ret);
int sd_journal_stream_fd_with_namespace(const char *name_space, const char *identifier, int priority, int prefix);
int sd_pidfd_get_session(int pidfd, char **ret);
int sd_pidfd_get_owner_uid(int pidfd, uid_t *ret);
int sd_pidfd_get_unit(int pidfd, char **ret);
int sd_pidfd_get_user_unit(int pidfd, char **ret);
int sd_pidfd_get_slice(int pidfd, char **ret);
int sd_pidfd_get_user_slice(int pidfd, char **ret);
int sd_pidfd_get_machine_name(int pidfd, char **ret);
int sd_pidfd_get_cgroup(int pidfd, char **ret);
int sd_uid_get_login_time(uid_t uid, uint64_t *ret);
int sd_session_get_username(const char *session, char **ret);
int sd_session_get_start_time(const char *session, uint64_t *ret);
int sd_session_get_leader(const char *session, pid_t *ret);
int sd_session_get_extra_device_access(const char *session, char ***ret);

/* Where somebody receives, and at once closes all descriptors that come. */
#define RECEIVER "/run/receiver"

/* What is open in each case; `manager` receives what is sent to manager_path, `journal` and `streams` are the journal's. */
enum { null = 20, fifo, tcp, stream, queue, pidfd, closed, manager, journal, streams, peer };

static struct sockaddr_in inet = { .sin_family = AF_INET };
static const struct iovec fields[] = { { (char *) "MESSAGE=x", 9 }, { (char *) "A=b", 3 } };
static char manager_path[256];
static int many[254];
static pid_t self;

/* A journal's, whose socket has too long a path for an address. */
static char namespace[101];

/* What is written to. */
static uint64_t usec;
static char **names;
static sd_id128_t id;
static char digits[SD_ID128_UUID_STRING_MAX];

/* An ID in the first of its forms, and another one. */
#define ID "0123456789abcdef0123456789abcdef"
static const sd_id128_t some_id = SD_ID128_ARRAY(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97);
static char *word;
static uid_t uid, *uids;
static pid_t leader;
static int *ifindices;
static sd_login_monitor *monitor;

/* Whether the answer is a new stream to the journal. */
static int stream_expected;

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

/* Gives a descriptor the number that the rows know it by. */
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

static void watchdog(const char *pid) {
        setenv("WATCHDOG_USEC", "5", 1);
        if (pid)
                setenv("WATCHDOG_PID", pid, 1);
}

static void to(const char *address) {
        setenv("NOTIFY_SOCKET", address, 1);
}

/* Descriptor 30 takes the place of a socket that strace says has been opened; the other side closes, or talks first. */
static void connected(int talks) {
        int pair[2];

        check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        check(!talks || write(pair[1], "x", 1) == 1, "write");
        check(shutdown(pair[1], SHUT_WR) == 0, "shutdown");
        place(30, pair[0]);
        place(31, pair[1]);
}

/* A directory with nothing in it, for this process alone. */
static void empty(const char *directory) {
        check(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "unshare");
        check(mount("none", directory, "tmpfs", 0, NULL) == 0, "mount");
}

/* What /etc/machine-id says; NULL if there is no such file. */
static void machine(const char *line) {
        FILE *file;

        empty("/etc");
        if (!line)
                return;
        file = fopen("/etc/machine-id", "we");
        check(file && fprintf(file, "%s\n", line) > 0 && fclose(file) == 0, "/etc/machine-id");
}

/* The key that holds the ID of a service, with these permissions; 0 if there is none. Where there are no keyrings it is not looked
 * for. */
static void key(unsigned permissions) {
        long key;

        syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
        if (!permissions)
                return;
        key = syscall(SYS_add_key, "user", "invocation_id", ID, (size_t) 16, -3 /* KEY_SPEC_SESSION_KEYRING */);
        syscall(SYS_keyctl, 5 /* KEYCTL_SETPERM */, key, permissions);
}

static void write_file(const char *path, const char *content) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        check(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t) strlen(content), path);
        close(fd);
}

static void make_directories(void) {
        static const char *const directories[] = { "sessions", "users", "seats", "machines" };
        char path[64];

        for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
                snprintf(path, sizeof path, "/run/systemd/%s", directories[i]);
                check(mkdir(path, 0755) == 0 || errno == EEXIST, path);
        }
}

/* This process is in a session, whose user, seat and machine have their files. */
static void logged_in(void) {
        int pair[2];

        make_directories();
        write_file("/run/systemd/sessions/c1",
                   "UID=1000\nUSER=u\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=tty\nCLASS=user\nSEAT=seat0\nTTY=tty1\n"
                   "DISPLAY=:0\nSERVICE=login\nDESKTOP=D\nVTNR=1\nLEADER=1\nREALTIME=5\nEXTRA_DEVICE_ACCESS=a b\n");
        write_file("/run/systemd/users/1000",
                   "NAME=u\nSTATE=active\nDISPLAY=c1\nREALTIME=5\nSESSIONS=c1 c2\nONLINE_SESSIONS=c1 c2\n"
                   "SEATS=seat0\nONLINE_SEATS=seat0\n");
        write_file("/run/systemd/seats/seat0",
                   "CAN_TTY=1\nCAN_GRAPHICAL=0\nACTIVE=c1\nACTIVE_UID=1000\nSESSIONS=c1 c2\nUIDS=1000 1001\n");
        write_file("/run/systemd/machines/m", "CLASS=container\nNETIF=2 3\n");
        unlink("/run/systemd/machines/unit:session-c1.scope");
        check(symlink("m", "/run/systemd/machines/unit:session-c1.scope") == 0, "symlink");
        write_file("/run/init-cgroup", "0::/init.scope\n");
        write_file("/run/own-cgroup", "0::/user.slice/user-1000.slice/session-c1.scope\n");
        check(mount("/run/init-cgroup", "/proc/1/cgroup", NULL, MS_BIND, NULL) == 0, "mount");
        check(mount("/run/own-cgroup", "/proc/self/cgroup", NULL, MS_BIND, NULL) == 0, "mount");
        check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        place(peer, pair[0]);
}

static void monitoring(void) {
        make_directories();
        check(sd_login_monitor_new("session", &monitor) == 0, "sd_login_monitor_new");
}

/* The macros of the header would add where it stands. */
static void logged_before(void) {
        (sd_journal_print)(LOG_INFO, "before");
        check(recv(journal, NULL, 0, 0) >= 0, "recv");
}

static void open_all(void) {
        static const char queue_name[] = "/sdlite-traced";
        /* Of the memory that all queues of a user may take, as little as can be. */
        struct mq_attr smallest = { .mq_maxmsg = 1, .mq_msgsize = 1 };
        char link[200];
        int on = 1;

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
        check(setsockopt(manager, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
        check(getcwd(manager_path, sizeof manager_path - sizeof "/notify") != NULL, "getcwd");
        strcat(manager_path, "/notify");
        to(manager_path);
        place(journal, bound_to_path(SOCK_DGRAM, "/run/systemd/journal/socket"));
        place(streams, bound_to_path(SOCK_STREAM, "/run/systemd/journal/stdout"));
        check(fcntl(streams, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
        memset(namespace, 'n', sizeof namespace - 1);
        snprintf(link, sizeof link, "/run/systemd/journal.%s", namespace);
        check(symlink("journal", link) == 0 || errno == EEXIST, "symlink");
        for (size_t i = 0; i < sizeof many / sizeof *many; i++)
                many[i] = null;
        /* Three descriptors were passed, and no more. */
        for (int i = 0; i < 3; i++)
                check(dup2(null, SD_LISTEN_FDS_START + i) >= 0, "dup2");
        close(SD_LISTEN_FDS_START + 3);
}
