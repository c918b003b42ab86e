/* A typical call of each function, as often as asked for, of a library that is loaded beside others. */

#define SD_JOURNAL_SUPPRESS_LOCATION
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#define FUNCTIONS(f)                                                                                                   \
        f(sd_listen_fds) f(sd_listen_fds_with_names) f(sd_is_fifo) f(sd_is_special) f(sd_is_socket)                    \
        f(sd_is_socket_inet) f(sd_is_socket_sockaddr) f(sd_is_socket_unix) f(sd_is_mq) f(sd_notify) f(sd_notifyf)      \
        f(sd_pid_notify) f(sd_pid_notifyf) f(sd_pid_notify_with_fds) f(sd_pid_notifyf_with_fds) f(sd_notify_barrier)   \
        f(sd_pid_notify_barrier) f(sd_booted) f(sd_watchdog_enabled) f(sd_pidfd_get_inode_id) f(sd_journal_print)      \
        f(sd_journal_print_with_location) f(sd_journal_printv) f(sd_journal_printv_with_location) f(sd_journal_send)   \
        f(sd_journal_send_with_location) f(sd_journal_sendv) f(sd_journal_sendv_with_location) f(sd_journal_perror)    \
        f(sd_journal_perror_with_location) f(sd_journal_stream_fd) f(sd_journal_stream_fd_with_namespace)

struct library {
#define MEMBER(name) __typeof__(name) *name;
        FUNCTIONS(MEMBER)
};

/* What the calls are about. */
enum { PASSED = 3, BATCH = 8 };
enum { PIDFD = STDIN_FILENO };
static int a_null, a_fifo, tcp, stream, queue, receiver, journal;
static struct sockaddr_in inet = { .sin_family = AF_INET };
static const char *const LOCATION[] = { "CODE_FILE=src/service.c", "CODE_LINE=42", "serve" };
static const struct iovec FIELDS[] = { { (char *) "MESSAGE=Listening on port 8080", 30 }, { (char *) "PRIORITY=6", 10 } };

/* What the calls leave behind until the next batch. */
static char **names[BATCH];
static int opened[BATCH];
static size_t n_names, n_opened;

static int call_printv(const struct library *l, const char *format, ...) {
        va_list ap;
        int answer;

        va_start(ap, format);
        answer = l->sd_journal_printv(LOG_INFO, format, ap);
        va_end(ap);
        return answer;
}

static int call_printv_with_location(const struct library *l, const char *format, ...) {
        va_list ap;
        int answer;

        va_start(ap, format);
        answer = l->sd_journal_printv_with_location(LOG_INFO, LOCATION[0], LOCATION[1], LOCATION[2], format, ap);
        va_end(ap);
        return answer;
}

/* Functions of the same name as what they call. */
#define CALL(name, ...)                                                                                                \
        static int call_##name(const struct library *l) {                                                              \
                return l->name(__VA_ARGS__);                                                                           \
        }

CALL(sd_listen_fds, 0)
CALL(sd_listen_fds_with_names, 0, &names[n_names++])
CALL(sd_is_fifo, a_fifo, "fifo")
CALL(sd_is_special, a_null, "/dev/null")
CALL(sd_is_socket, stream, AF_UNIX, SOCK_STREAM, 1)
CALL(sd_is_socket_inet, tcp, AF_INET, SOCK_STREAM, 1, ntohs(inet.sin_port))
CALL(sd_is_socket_sockaddr, tcp, SOCK_STREAM, (void *) &inet, sizeof inet, 1)
CALL(sd_is_socket_unix, stream, SOCK_STREAM, 1, "stream", 0)
CALL(sd_is_mq, queue, NULL)
CALL(sd_notify, 0, "READY=1")
CALL(sd_notifyf, 0, "STATUS=%d connections", 1000)
CALL(sd_pid_notify, 0, 0, "READY=1")
CALL(sd_pid_notifyf, 0, 0, "STATUS=%d connections", 1000)
CALL(sd_pid_notify_with_fds, 0, 0, "FDSTORE=1", (int[]) { a_null, a_fifo }, 2)
CALL(sd_pid_notifyf_with_fds, 0, 0, (int[]) { a_null, a_fifo }, 2, "FDSTORE=1\nFDNAME=%s", "a")
CALL(sd_notify_barrier, 0, 0)
CALL(sd_pid_notify_barrier, 0, 0, 0)
CALL(sd_booted, )
CALL(sd_watchdog_enabled, 0, &(uint64_t) { 0 })
CALL(sd_pidfd_get_inode_id, PIDFD, &(uint64_t) { 0 })
CALL(sd_journal_print, LOG_INFO, "Listening on port %d", 8080)
CALL(sd_journal_print_with_location, LOG_INFO, LOCATION[0], LOCATION[1], LOCATION[2], "Listening on port %d", 8080)
CALL(sd_journal_send, "MESSAGE=Listening on port %d", 8080, "PRIORITY=%d", LOG_INFO, NULL)
CALL(sd_journal_send_with_location, LOCATION[0], LOCATION[1], LOCATION[2], "MESSAGE=Listening on port %d", 8080,
     "PRIORITY=%d", LOG_INFO, NULL)
CALL(sd_journal_sendv, FIELDS, 2)
CALL(sd_journal_sendv_with_location, LOCATION[0], LOCATION[1], LOCATION[2], FIELDS, 2)
CALL(sd_journal_perror, "/etc/service.conf")
CALL(sd_journal_perror_with_location, LOCATION[0], LOCATION[1], LOCATION[2], "/etc/service.conf")

static int call_sd_journal_printv(const struct library *l) {
        return call_printv(l, "Listening on port %d", 8080);
}

static int call_sd_journal_printv_with_location(const struct library *l) {
        return call_printv_with_location(l, "Listening on port %d", 8080);
}

static int call_sd_journal_stream_fd(const struct library *l) {
        return opened[n_opened++] = l->sd_journal_stream_fd("service", LOG_INFO, 1);
}

static int call_sd_journal_stream_fd_with_namespace(const struct library *l) {
        return opened[n_opened++] = l->sd_journal_stream_fd_with_namespace("a", "service", LOG_INFO, 1);
}

static const struct {
        const char *name;
        size_t offset;
        int (*call)(const struct library *);
} CALLS[] = {
#define ROW(name) { #name, offsetof(struct library, name), call_##name },
        FUNCTIONS(ROW)
};

static void check(int success, const char *what) {
        if (!success) {
                perror(what);
                exit(2);
        }
}

static int bound(int family, int type, const void *address, socklen_t size) {
        int fd = socket(family, type | SOCK_CLOEXEC, 0);

        check(fd >= 0 && bind(fd, address, size) == 0, "a socket");
        check(type == SOCK_DGRAM || listen(fd, 2 * BATCH) == 0, "listen");
        return fd;
}

static int bound_unix(int type, const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        strcpy(address.sun_path, path);
        return bound(AF_UNIX, type, &address, sizeof address);
}

void calls_prepare(void) {
        static const char queue_name[] = "/sdlite-bench";
        char decimal[32];
        socklen_t size = sizeof inet;

        /* Descriptors 3, 4 and 5 were passed. */
        a_null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int i = 0; i < PASSED; i++)
                check(dup2(a_null, SD_LISTEN_FDS_START + i) >= 0, "dup2");
        a_null = open("/dev/null", O_RDWR | O_CLOEXEC);
        check(mkfifo("fifo", 0600) == 0, "mkfifo");
        a_fifo = open("fifo", O_RDWR | O_CLOEXEC);
        inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        tcp = bound(AF_INET, SOCK_STREAM, &inet, sizeof inet);
        check(getsockname(tcp, (void *) &inet, &size) == 0, "getsockname");
        stream = bound_unix(SOCK_STREAM, "stream");
        queue = mq_open(queue_name, O_RDWR | O_CREAT, 0600, &(struct mq_attr) { .mq_maxmsg = 1, .mq_msgsize = 1 });
        check(queue >= 0 && mq_unlink(queue_name) == 0, "mq_open");
        receiver = bound_unix(SOCK_DGRAM, "/run/systemd/journal/socket");
        journal = bound_unix(SOCK_STREAM, "/run/systemd/journal/stdout");
        check(link("/run/systemd/journal/stdout", "/run/systemd/journal.a/stdout") == 0, "link");
        snprintf(decimal, sizeof decimal, "%ld", (long) getpid());
        setenv("LISTEN_PID", decimal, 1);
        setenv("LISTEN_FDS", "3", 1);
        setenv("LISTEN_FDNAMES", "http:https:control", 1);
        setenv("WATCHDOG_PID", decimal, 1);
        setenv("WATCHDOG_USEC", "30000000", 1);
        setenv("NOTIFY_SOCKET", "/run/systemd/journal/socket", 1);
}

struct library *calls_open(const char *path) {
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        struct library *library = calloc(1, sizeof *library);

        if (!handle || !library) {
                fprintf(stderr, "%s\n", handle ? "no memory" : dlerror());
                exit(2);
        }
        for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
                void *symbol = dlsym(handle, CALLS[i].name);

                memcpy((char *) library + CALLS[i].offset, &symbol, sizeof symbol);
        }
        return library;
}

const char *calls_name(size_t i) {
        return i < sizeof CALLS / sizeof *CALLS ? CALLS[i].name : NULL;
}

int calls_has(const struct library *library, size_t i) {
        void *symbol;

        memcpy(&symbol, (const char *) library + CALLS[i].offset, sizeof symbol);
        return symbol != NULL;
}

/* Takes what the last batch has sent and opened, and makes everything as it was. */
static void clean(void) {
        int fd;

        while (recv(receiver, NULL, 0, MSG_DONTWAIT) >= 0)
                ;
        while (n_opened > 0)
                close(opened[--n_opened]);
        fcntl(journal, F_SETFL, O_NONBLOCK);
        while ((fd = accept(journal, NULL, NULL)) >= 0)
                close(fd);
        for (int i = 0; i < PASSED; i++)
                fcntl(SD_LISTEN_FDS_START + i, F_SETFD, 0);
        while (n_names > 0) {
                char **list = names[--n_names];

                for (char **name = list; *name; name++)
                        free(*name);
                free(list);
        }
        errno = ENOENT;
}

static int nothing(const struct library *library) {
        return library == NULL;
}

/* What callgrind counts, by its name. */
__attribute__((noinline)) int measured(int (*call)(const struct library *), const struct library *library) {
        return call(library);
}

static void mark(const char *text) {
        int before = errno;
        ssize_t unused = write(-1, text, strlen(text));

        (void) unused;
        errno = before;
}

int calls_once(const struct library *library, size_t i) {
        int answer;

        /* Once before, as what is done only the first time does not count. */
        CALLS[i].call(library);
        clean();
        measured(nothing, library);
        mark("begin");
        answer = measured(CALLS[i].call, library);
        mark("end");
        clean();
        return answer;
}

int calls_repeat(const struct library *library, size_t i, uint64_t times) {
        int answer = 0;

        while (times-- > 0 && answer >= 0)
                answer = CALLS[i].call(library);
        return answer;
}

static uint64_t now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (uint64_t) time.tv_sec * 1000000000 + (uint64_t) time.tv_nsec;
}

uint64_t calls_time(const struct library *library, size_t i, uint64_t times) {
        uint64_t time = 0;

        while (times > 0) {
                uint64_t batch = times < BATCH ? times : BATCH, start;

                clean();
                start = now();
                for (uint64_t j = 0; j < batch; j++)
                        CALLS[i].call(library);
                time += now() - start;
                times -= batch;
        }
        clean();
        return time;
}
