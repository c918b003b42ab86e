/* Makes one of the calls of cases.h and tells everything that can be seen of it: `calls NUMBER`, between two marks in its
 * trace, and perhaps strace lets a system call of it fail; `calls NUMBER N` with the Nth allocation failing instead.
 *
 * To be run where /run is the test's: the journal's sockets are made there. */

#define _GNU_SOURCE
#include "given.h"
#include "memory.h"

#define CASE(given, call)                       \
        do {                                    \
                if (number-- == 0) {            \
                        given;                  \
                        before();               \
                        report((call));         \
                }                               \
        } while (0)

/* What errno is before the call. */
enum { ERRNO = 77 };

static char links[64][64];
static char **const no_names = (char **) &usec;
static const uint64_t no_number = 4711;
static const sd_id128_t no_id = { .qwords = { 4711, 4711 } };
static sd_login_monitor *const no_monitor = (sd_login_monitor *) &usec;

static const char *const variables[] = {
        "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
};

/* What is seen of a call. */

static void mark(const char *text) {
        ssize_t unused = write(-1, text, strlen(text));
        (void) unused;
}

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
        word = (char *) &usec;
        uids = (uid_t *) &usec;
        ifindices = (int *) &usec;
        uid = leader = (int) no_number;
        usec = no_number;
        id = no_id;
        if (!monitor)
                monitor = no_monitor;
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

/* What sd-login(3) has found; how many numbers an array has, the answer says, or where that is asked for, `uid`. */
static void print_found(int answer) {
        if (word != (char *) &usec) {
                printf("word: %s\n", word);
                free(word);
        }
        if (uid != (uid_t) no_number || leader != (pid_t) no_number)
                printf("numbers: %u %d\n", (unsigned) uid, (int) leader);
        if (uids != (uid_t *) &usec) {
                printf("users:");
                for (int i = 0; i < answer; i++)
                        printf(" %u", (unsigned) uids[i]);
                putchar('\n');
                free(uids);
        }
        if (ifindices != (int *) &usec) {
                printf("interfaces:");
                for (int i = 0; i < answer; i++)
                        printf(" %d", ifindices[i]);
                putchar('\n');
                free(ifindices);
        }
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
        print_found(answer);
        if (usec != no_number)
                puts("a number was written");
        if (!sd_id128_equal(id, no_id))
                puts("a 128-bit ID was written");
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
        if (monitor && monitor != no_monitor)
                sd_login_monitor_unref(monitor);
        for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
                leaked += blocks[i] != NULL;
        if (failing_allocation) {
                if (leaked)
                        printf("leaked %d blocks of memory\n", leaked);
                printf(allocations < failing_allocation ? "no allocation failed\n" : "an allocation failed\n");
        }
}

int main(int argc, char **argv) {
        static char buffer[64 * 1024];
        long number;

        check(argc > 1 && access(RECEIVER, F_OK) == 0, "a number, and a /run of its own");
        number = strtol(argv[1], NULL, 10);
        if (argc > 2)
                failing_allocation = strtol(argv[2], NULL, 10);
        open_all();
        setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
        /* From now on a few kilobytes more do not take a system call; the larger blocks do, each time. */
        free(malloc(64 * 1024));

#include "cases.h"

        return 0;
}
