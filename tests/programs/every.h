/* Every function of the library, called, and everybody whom it talks to: sockets in place of the journal's and the service
 * manager's, below /run, which is a directory of the test's own. */

#define _GNU_SOURCE
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

static int complaints;

static void complain(const char *what, long number) {
        __atomic_store_n(&complaints, 1, __ATOMIC_RELAXED);
        dprintf(STDOUT_FILENO, "%s: %ld\n", what, number);
}

/* What arrives. Each different message is kept once, with how often it came and how often it comes of calling every(). */

enum { JOURNAL, STREAMS, MANAGER, RECEIVERS };
static int receivers[RECEIVERS];
static const char *const places[] = { "/run/systemd/journal/socket", "/run/systemd/journal/stdout", "/run/notify" };

static struct message {
        char *bytes;
        size_t length;
        long came, expected;
} messages[64];

static void count_message(const char *bytes, size_t length) {
        static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

        pthread_mutex_lock(&mutex);
        for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
                struct message *m = &messages[i];

                if (!m->bytes) {
                        m->bytes = malloc(length);
                        check(m->bytes != NULL, "malloc");
                        memcpy(m->bytes, bytes, length);
                        m->length = length;
                }
                if (m->length == length && memcmp(m->bytes, bytes, length) == 0) {
                        m->came++;
                        break;
                }
        }
        pthread_mutex_unlock(&mutex);
}

/* Takes one message, and what came with it. False if there is none, or if it is the end. */
static int receive(int receiver, int flags) {
        static char buffers[RECEIVERS][16 << 20];
        char *bytes = buffers[receiver];
        union {
                struct cmsghdr aligned;
                char bytes[CMSG_SPACE(253 * sizeof(int))];
        } control;
        struct iovec iov = { bytes, sizeof *buffers };
        struct msghdr message = { NULL, 0, &iov, 1, &control, sizeof control, 0 };
        struct pollfd polled = { receivers[receiver], POLLIN, 0 };
        struct cmsghdr *c;
        ssize_t length;
        int fd;

        if (!(flags & MSG_DONTWAIT))
                check(poll(&polled, 1, -1) == 1, "poll");
        if (receiver == STREAMS) {
                fd = accept4(receivers[STREAMS], NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0)
                        return 0;
                length = read(fd, bytes, sizeof *buffers);
                close(fd);
        } else {
                length = recvmsg(receivers[receiver], &message, flags | MSG_CMSG_CLOEXEC);
                if (length < 0)
                        return 0;
                c = CMSG_FIRSTHDR(&message);
                if (c && c->cmsg_type == SCM_RIGHTS) {
                        memcpy(&fd, CMSG_DATA(c), sizeof fd);
                        if (length == 0)
                                length = pread(fd, bytes, sizeof *buffers, 0);
                        close(fd);
                }
        }
        check(length >= 0, "read");
        if (length == 3 && memcmp(bytes, "end", 3) == 0)
                return 0;
        count_message(bytes, (size_t) length);
        return 1;
}

/* A thread for each receiver, as none may wait for another. */
static void *receive_all(void *place) {
        while (receive((int) ((const char *const *) place - places), 0))
                ;
        return NULL;
}

static pthread_t receiving[RECEIVERS];

static void start_receiving(void) {
        for (int i = 0; i < RECEIVERS; i++)
                check(pthread_create(&receiving[i], NULL, receive_all, (void *) &places[i]) == 0, "pthread_create");
}

/* Sees to it that everything that was sent is counted. */
static void stop_receiving(void) {
        for (int i = 0; i < RECEIVERS; i++) {
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                int fd = socket(AF_UNIX, (i == STREAMS ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

                strcpy(address.sun_path, places[i]);
                check(connect(fd, (void *) &address, sizeof address) == 0 && write(fd, "end", 3) == 3, "end");
                close(fd);
                check(pthread_join(receiving[i], NULL) == 0, "pthread_join");
        }
}

static int bound(int family, int type, const void *address, socklen_t size) {
        int fd = socket(family, type | SOCK_CLOEXEC, 0);

        check(fd >= 0 && bind(fd, address, size) == 0, "a socket");
        check((type & ~SOCK_NONBLOCK) == SOCK_DGRAM || listen(fd, 1000) == 0, "listen");
        return fd;
}

static int bound_at(const char *path, int type) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        strcpy(address.sun_path, path);
        return bound(AF_UNIX, type, &address, sizeof address);
}

/* What is called. */

enum { tcp = SD_LISTEN_FDS_START, stream };
static int fifo, queue, pidfd, inode_id_answer, machine_answer;
static const sd_id128_t app = SD_ID128_ARRAY(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97);
static pid_t self;
static uint16_t port;
static struct sockaddr_in inet = { .sin_family = AF_INET };
static char listen_pid[32], watchdog_pid[32];
static char long_text[300 * 1000], huge_field[9 << 20];

static void place(int number, int fd) {
        check(fd >= 0 && (fd == number || (dup3(fd, number, O_CLOEXEC) == number && close(fd) == 0)), "dup3");
}

static void set_variables(void) {
        static char fds[] = "LISTEN_FDS=2", names[] = "LISTEN_FDNAMES=a:b", notify[] = "NOTIFY_SOCKET=/run/notify";
        static char usec[] = "WATCHDOG_USEC=5000000", invocation[] = "INVOCATION_ID=0123456789abcdef0123456789abcdef";

        putenv(listen_pid);
        putenv(fds);
        putenv(names);
        putenv(notify);
        putenv(usec);
        putenv(watchdog_pid);
        putenv(invocation);
}

static void set_up_login(void);

static void set_up(void) {
        socklen_t size = sizeof inet;
        struct mq_attr attributes = { .mq_maxmsg = 1, .mq_msgsize = 1 };
        char queue_name[32];

        place(tcp, bound(AF_INET, SOCK_STREAM, &inet, sizeof inet));
        place(stream, bound_at("/run/stream", SOCK_STREAM));
        check(getsockname(tcp, (void *) &inet, &size) == 0, "getsockname");
        port = ntohs(inet.sin_port);
        check(mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/journal", 0755) == 0, "mkdir");
        receivers[JOURNAL] = bound_at(places[JOURNAL], SOCK_DGRAM);
        receivers[STREAMS] = bound_at(places[STREAMS], SOCK_STREAM | SOCK_NONBLOCK);
        receivers[MANAGER] = bound_at(places[MANAGER], SOCK_DGRAM);
        check(mkfifo("/run/fifo", 0600) == 0, "mkfifo");
        fifo = open("/run/fifo", O_RDWR | O_CLOEXEC);
        self = getpid();
        snprintf(queue_name, sizeof queue_name, "/sdlite-every-%d", self);
        queue = mq_open(queue_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600, &attributes);
        check(fifo >= 0 && queue >= 0 && mq_unlink(queue_name) == 0, "a fifo and a queue");
        pidfd = (int) syscall(SYS_pidfd_open, self, 0);
        /* Which depends on the kernel. */
        inode_id_answer = sd_pidfd_get_inode_id(pidfd, NULL);
        /* And on the machine. */
        machine_answer = sd_id128_get_machine(NULL);
        snprintf(listen_pid, sizeof listen_pid, "LISTEN_PID=%d", self);
        snprintf(watchdog_pid, sizeof watchdog_pid, "WATCHDOG_PID=%d", self);
        set_up_login();
        set_variables();
        memset(long_text, 'x', sizeof long_text - 1);
        memset(huge_field, 'x', sizeof huge_field);
        memcpy(huge_field, "MESSAGE=", 8);
}

static int names(int unset) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(unset, &names);

        for (int i = 0; i < n; i++)
                free(names[i]);
        free(names);
        return n;
}

static int closed(int fd) {
        return fd < 0 ? fd : close(fd);
}

/* Whether this is the only thread, which has to receive what it sends. */
static int alone;
static __thread long calls;

static void finish_call(const char *call, int answer, int expected, int receiver) {
        if (answer != expected)
                complain(call, answer);
        calls++;
        if (receiver < RECEIVERS && alone && !receive(receiver, MSG_DONTWAIT))
                complain("nothing arrived", receiver);
}

#define CALL(expected, call) finish_call(#call, (call), (expected), RECEIVERS)
#define LOGS(call) finish_call(#call, (call), 0, JOURNAL)
#define STREAMS(call) finish_call(#call, closed(call), 0, STREAMS)
#define NOTIFIES(call) finish_call(#call, (call), 1, MANAGER)
/* A barrier needs somebody who receives meanwhile. */
#define WAITS(timeout, function, ...) \
        finish_call(#function, function(__VA_ARGS__, alone ? 0 : (timeout)), alone ? -ETIMEDOUT : 1, MANAGER)

static void ask_everything(void) {
        /* What was passed was passed to this process, and not to its children. */
        const int mine = getpid() == self;
        char digits[SD_ID128_UUID_STRING_MAX];
        sd_id128_t id;
        uint64_t usec;

        CALL(mine ? 2 : 0, sd_listen_fds(0));
        CALL(mine ? 2 : 0, names(0));
        CALL(mine ? 1 : 0, sd_watchdog_enabled(0, &usec));
        CALL(0, sd_booted());
        CALL(1, sd_is_fifo(fifo, NULL));
        CALL(1, sd_is_fifo(fifo, "/run/fifo"));
        CALL(0, sd_is_fifo(tcp, NULL));
        CALL(0, sd_is_special(fifo, NULL));
        CALL(-EBADF, sd_is_special(-1, NULL));
        CALL(1, sd_is_socket(tcp, AF_INET, SOCK_STREAM, 1));
        CALL(0, sd_is_socket(fifo, AF_INET, SOCK_STREAM, 1));
        CALL(1, sd_is_socket_inet(tcp, AF_INET, SOCK_STREAM, 1, port));
        CALL(1, sd_is_socket_sockaddr(tcp, SOCK_STREAM, (struct sockaddr *) &inet, sizeof inet, 1));
        CALL(1, sd_is_socket_unix(stream, SOCK_STREAM, 1, "/run/stream", 0));
        CALL(1, sd_is_mq(queue, NULL));
        CALL(0, sd_is_mq(fifo, NULL));
        CALL(inode_id_answer, sd_pidfd_get_inode_id(pidfd, &usec));

        CALL(0, sd_id128_randomize(&id));
        CALL(1, sd_id128_to_string(id, digits) == digits);
        CALL(1, sd_id128_string_equal(digits, id));
        CALL(0, sd_id128_from_string(sd_id128_to_uuid_string(id, digits), &id));
        CALL(0, sd_id128_get_app_specific(id, id, &id));
        CALL(machine_answer, sd_id128_get_machine(&id));
        CALL(machine_answer, sd_id128_get_machine_app_specific(app, &id));
        CALL(0, sd_id128_get_boot(&id));
        CALL(0, sd_id128_get_boot_app_specific(app, &id));
        CALL(0, sd_id128_get_invocation(&id));
        CALL(0, sd_id128_get_invocation_app_specific(app, &id));
}

static void send_everything(void) {
        const struct iovec fields[] = { { (char *) "MESSAGE=x", 9 }, { (char *) "A=b\nc", 5 } };
        const int fds[] = { fifo };

        NOTIFIES(sd_notify(0, "READY=1"));
        NOTIFIES(sd_notifyf(0, "STATUS=%d of %s", 3, "five"));
        NOTIFIES(sd_notifyf(0, "STATUS=%.4000s", long_text));
        NOTIFIES(sd_pid_notify(1, 0, "READY=2"));
        NOTIFIES(sd_pid_notifyf(1, 0, "STATUS=%d", 4));
        NOTIFIES(sd_pid_notify_with_fds(0, 0, "FDSTORE=1", fds, 1));
        NOTIFIES(sd_pid_notifyf_with_fds(0, 0, fds, 1, "FDSTORE=%d", 2));
        WAITS(UINT64_MAX, sd_notify_barrier, 0);
        WAITS(UINT64_MAX, sd_pid_notify_barrier, 1, 0);

        LOGS((sd_journal_print)(LOG_INFO, "hello %d", 5));
        LOGS((sd_journal_print)(LOG_INFO, "%.4000s", long_text));
        LOGS(sd_journal_print_with_location(LOG_INFO, "CODE_FILE=a", "CODE_LINE=1", "b", "%s", "hello\nagain"));
        LOGS(printv(LOG_INFO, "%s", "list"));
        LOGS(printv_at("CODE_FILE=a", "CODE_LINE=2", "c", "%s", "list"));
        LOGS((sd_journal_send)("MESSAGE=%s", "sent", "PRIORITY=%d", LOG_INFO, NULL));
        LOGS((sd_journal_send)("MESSAGE=%.4000s", long_text, NULL));
        LOGS(sd_journal_send_with_location("CODE_FILE=a", "CODE_LINE=3", "d", "MESSAGE=%s", "sent", NULL));
        LOGS((sd_journal_sendv)(fields, 2));
        LOGS(sd_journal_sendv_with_location("CODE_FILE=a", "CODE_LINE=4", "e", fields, 2));
        LOGS((errno = ENOENT, (sd_journal_perror)("what")));
        LOGS((errno = ENOENT, sd_journal_perror_with_location("CODE_FILE=a", "CODE_LINE=5", "f", "what")));
        CALL(-EINVAL, (sd_journal_print)(8, "hello"));
        CALL(-EINVAL, (sd_journal_sendv)(fields, 0));
        STREAMS(sd_journal_stream_fd("me", LOG_INFO, 1));
        CALL(-ENOENT, sd_journal_stream_fd_with_namespace("no", "me", LOG_INFO, 1));
}

#include "every_login.h"

static void every(void) {
        ask_everything();
        ask_login();
        send_everything();
}

/* What takes memory, or a file: seldom. */
static void send_large(void) {
        const struct iovec huge = { huge_field, sizeof huge_field };

        NOTIFIES(sd_notify(0, long_text));
        LOGS((sd_journal_print)(LOG_INFO, "%s", long_text));
        LOGS((sd_journal_sendv)(&huge, 1));
}

/* What changes the environment, and so is for one thread. */
static void ask_and_unset(void) {
        CALL(2, sd_listen_fds(1));
        set_variables();
        CALL(2, names(1));
        CALL(0, sd_listen_fds(1));
        CALL(1, sd_watchdog_enabled(1, NULL));
        NOTIFIES(sd_notify(1, "READY=1"));
        CALL(0, sd_notify(1, "READY=1"));
        set_variables();
}
