/* Makes one of the calls of cases.h and tells everything that can be seen of it: `faults NUMBER`, between two marks while
 * strace lets a system call of it fail; `faults NUMBER N` with the Nth allocation failing instead.
 *
 * To be run where /run is the test's: the journal's sockets are made there. */

#define _GNU_SOURCE
#include "traced.h"

#include <limits.h>
#include <stdarg.h>

#define CASE(given, call)                       \
        do {                                    \
                if (number-- == 0) {            \
                        given;                  \
                        before();               \
                        report((call));         \
                }                               \
        } while (0)

/* Where somebody receives, and at once closes all descriptors that come. */
#define RECEIVER "/run/receiver"

/* What errno is before the call. */
enum { ERRNO = 77 };

/* A descriptor that is to be returned. */
static int stream_expected;

/* A journal's, whose socket has too long a path for an address. */
static char namespace[101];

static int journal, streams;
static char links[64][64];
static char **const no_names = (char **) &usec;
static const uint64_t no_number = 4711;

static const char *const variables[] = {
        "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
};

/* Memory. The C library's own allocations come here, too. */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static int watching;
static long allocations, failing_allocation;
static void *blocks[512];

static int fails(void) {
        return watching && ++allocations == failing_allocation;
}

static void *allocated(void *block) {
        for (size_t i = 0; watching && block && i < sizeof blocks / sizeof *blocks; i++)
                if (!blocks[i]) {
                        blocks[i] = block;
                        break;
                }
        return block;
}

static void freed(void *block) {
        for (size_t i = 0; block && i < sizeof blocks / sizeof *blocks; i++)
                if (blocks[i] == block)
                        blocks[i] = NULL;
}

static void *no_memory(void) {
        errno = ENOMEM;
        return NULL;
}

void *malloc(size_t size) {
        return fails() ? no_memory() : allocated(__libc_malloc(size));
}

void *calloc(size_t n, size_t size) {
        return fails() ? no_memory() : allocated(__libc_calloc(n, size));
}

void *realloc(void *old, size_t size) {
        void *block;

        if (fails())
                return no_memory();
        block = __libc_realloc(old, size);
        if (block)
                freed(old);
        return allocated(block);
}

void free(void *block) {
        freed(block);
        __libc_free(block);
}

/* What the cases begin with. */

static void watchdog(void) {
        setenv("WATCHDOG_USEC", "5", 1);
        setenv("WATCHDOG_PID", "1", 1);
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

/* The macros of the header would add where it stands. */
static void logged_before(void) {
        (sd_journal_print)(LOG_INFO, "before");
        check(recv(journal, NULL, 0, 0) >= 0, "recv");
}

static int printv(const char *format, ...) {
        va_list ap;
        int answer;

        va_start(ap, format);
        answer = (sd_journal_printv)(LOG_INFO, format, ap);
        va_end(ap);
        return answer;
}

static int printv_at(const char *format, ...) {
        va_list ap;
        int answer;

        va_start(ap, format);
        answer = sd_journal_printv_with_location(LOG_INFO, "CODE_FILE=f", "CODE_LINE=1", "func", format, ap);
        va_end(ap);
        return answer;
}

/* What is seen of a call. */

static void look(int fd, char link[64]) {
        char path[32];

        memset(link, 0, 64);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, link, 63) < 0)
                link[0] = 0;
}

/* The names of the variables that are set, in bits. */
static unsigned environment(void) {
        unsigned set = 0;

        for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
                set |= (unsigned) (getenv(variables[i]) != NULL) << i;
        return set;
}

static unsigned environment_before;

static void before(void) {
        names = no_names;
        usec = no_number;
        environment_before = environment();
        for (int fd = 0; fd < 64; fd++)
                look(fd, links[fd]);
        alarm(10);
        mark("begin");
        errno = ERRNO;
        watching = 1;
}

/* A message, not more of it than identifies it. */
static void print_message(const char *where, const char *bytes, size_t length, int fds, const struct ucred *sender) {
        unsigned long sum = 5381;

        for (size_t i = 0; i < length; i++)
                sum = sum * 33 + (unsigned char) bytes[i];
        printf("sent to the %s: %zu bytes, %lx, %d descriptors, ", where, length, sum, fds);
        if (sender)
                printf(sender->pid == self ? "as itself, " : "as process %d, ", (int) sender->pid);
        for (size_t i = 0; i < length && i < 60; i++)
                putchar(bytes[i] < ' ' ? '.' : bytes[i]);
        putchar('\n');
}

static void print_received(const char *where, int socket) {
        static char bytes[1 << 20];
        union {
                char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(253 * sizeof(int))];
                struct cmsghdr aligned;
        } control;

        for (;;) {
                struct iovec iov = { bytes, sizeof bytes };
                struct msghdr message = {
                        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
                };
                const struct ucred *sender = NULL;
                ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT);
                int fds = 0;

                /* Nothing there, or the end of what is no datagram. */
                if (length < 0 || (length == 0 && message.msg_controllen == 0))
                        break;
                for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
                        const int *fd = (const int *) (void *) CMSG_DATA(header);

                        if (header->cmsg_type == SCM_CREDENTIALS) {
                                sender = (const struct ucred *) (const void *) CMSG_DATA(header);
                                continue;
                        }
                        for (; (const char *) fd < (const char *) header + header->cmsg_len; fd++, fds++) {
                                if (length == 0 && fds == 0)
                                        length = pread(*fd, bytes, sizeof bytes, 0);
                                close(*fd);
                        }
                }
                print_message(where, bytes, (size_t) (length < 0 ? 0 : length), fds, sender);
        }
}

/* What came through connections to the journal, which the other side has closed. */
static void print_streams(void) {
        char bytes[4096];
        int fd;

        while ((fd = accept4(streams, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                ssize_t length = recv(fd, bytes, sizeof bytes, 0);

                if (length > 0)
                        print_message("stream", bytes, (size_t) length, 0, NULL);
                close(fd);
        }
}

static void print_names(int answer) {
        if (names == no_names)
                return;
        printf("names:");
        for (int i = 0; names && names[i]; i++) {
                printf(" %s", names[i]);
                free(names[i]);
        }
        puts(answer > 0 ? "" : ", which nobody will free");
        free(names);
}

static void report(int answer) {
        int saved_errno = errno, leaked = 0;
        unsigned removed;

        watching = 0;
        mark("end");
        removed = environment_before & ~environment();
        if (stream_expected && answer >= 0) {
                printf("a stream, flags %d %d\n", fcntl(answer, F_GETFD), fcntl(answer, F_GETFL));
                close(answer);
                answer = 0;
        }
        printf("answer %d\n", answer);
        printf(saved_errno == ERRNO ? "errno kept\n" : "errno %d\n", saved_errno);
        for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
                if (removed & (1U << i))
                        printf("removed %s\n", variables[i]);
        for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + 3; fd++)
                if (fcntl(fd, F_GETFD) != 0)
                        printf("flagged %d\n", fd);
        print_names(answer);
        if (usec != no_number)
                puts("a number was written");
        for (int fd = 0; fd < 64; fd++) {
                char link[64];

                look(fd, link);
                if (strcmp(links[fd], link) == 0)
                        continue;
                if (links[fd][0])
                        printf("closed %d\n", fd);
                if (link[0])
                        printf("opened %.*s\n", (int) strcspn(link, ":"), link);
        }
        print_received("manager", manager);
        print_received("journal", journal);
        print_received("socket", 31);
        print_streams();
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
                leaked += blocks[i] != NULL;
        if (failing_allocation) {
                if (leaked)
                        printf("leaked %d blocks of memory\n", leaked);
                printf(allocations < failing_allocation ? "no allocation failed\n" : "an allocation failed\n");
        }
}

int main(int argc, char **argv) {
        static char buffer[64 * 1024], link[200];
        long number;
        int on = 1;

        check(argc > 1 && access(RECEIVER, F_OK) == 0, "a number, and a /run of its own");
        number = strtol(argv[1], NULL, 10);
        if (argc > 2)
                failing_allocation = strtol(argv[2], NULL, 10);
        open_all();
        to(manager_path);
        check(setsockopt(manager, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0, "SO_PASSCRED");
        journal = bound_to_path(SOCK_DGRAM, "/run/systemd/journal/socket");
        streams = bound_to_path(SOCK_STREAM, "/run/systemd/journal/stdout");
        check(fcntl(streams, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
        memset(namespace, 'n', sizeof namespace - 1);
        snprintf(link, sizeof link, "/run/systemd/journal.%s", namespace);
        check(symlink("journal", link) == 0 || errno == EEXIST, "symlink");
        setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
        /* The larger blocks of memory are system calls each time. */
        free(malloc(64 * 1024));

#include "cases.h"

        return 0;
}
