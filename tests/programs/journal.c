/* Logs in all sorts of ways: `journal WHAT [NAME]`, where NAME is what the program is then called. For each message it
 * prints what the function returned and what errno was then; where it tells more, see there. */

#define _GNU_SOURCE
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include <wchar.h>

#define CASE(...)                                       \
        do {                                            \
                int answer, errno_after;                \
                errno = 77;                             \
                answer = (__VA_ARGS__);                 \
                errno_after = errno;                    \
                printf("%d %d\n", answer, errno_after); \
        } while (0)

/* A field of any bytes, and an entry of several. */
#define FIELD(text) { (char *) text, sizeof text - 1 }
#define FIELDS(...) (struct iovec[]) { __VA_ARGS__ }, (int) (sizeof((struct iovec[]) { __VA_ARGS__ }) / sizeof(struct iovec))
#define SENDV(...) (sd_journal_sendv)(FIELDS(__VA_ARGS__))

/* Older releases of libsystemd do not have this, nor their headers. */
#pragma weak sd_journal_stream_fd_with_namespace
int sd_journal_stream_fd_with_namespace(const char *name_space, const char *identifier, int priority, int prefix);

/* What the compiler does not see through. */
const char *nothing = NULL;

static char letters[3 * 1024 * 1024];

/* So many letters, until the next call. */
static const char *text(size_t length) {
        memset(letters, 'x', sizeof letters);
        letters[length] = 0;
        return letters;
}

/* An entry of so many fields, all the same. */
static struct iovec *many(const char *field, int n) {
        static struct iovec fields[1100];

        for (int i = 0; i < n; i++)
                fields[i] = (struct iovec) { (char *) field, strlen(field) };
        return fields;
}

/* sd_journal_sendv() of one field so long, all of it from `x` on. */
static int send_long(const char *name, size_t length) {
        char *field = malloc(length);
        struct iovec iov = { field, length };
        int answer;

        check(field != NULL, "malloc");
        memset(field, 'x', length);
        memcpy(field, name, strlen(name));
        errno = 77;
        answer = (sd_journal_sendv)(&iov, 1);
        free(field);
        return answer;
}

/* A text grows while the fields are formatted, which takes two passes for so many. */
static int grow(void) {
        static signed char a[16];
        char y[41];

        memset(y, 'y', 40);
        y[40] = '\0';
        return (sd_journal_send)("A=%s", (char *) a, "B=%s", text(2100), "C=%s%hhn%hhn%hhn%hhn%hhn%hhn%hhn%hhn%hhn", y, a, a + 1, a + 2, a + 3,
                                 a + 4, a + 5, a + 6, a + 7, a + 8, "D=d", NULL);
}

/* Writes a line to a stream and closes it. Tells the error, or 0 if the stream is as it has to be. */
static int use(int fd) {
        char byte;
        int saved_errno = errno;

        if (fd < 0)
                return fd;
        if (fcntl(fd, F_GETFD) != FD_CLOEXEC || (fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) != O_RDWR)
                return 1000;
        if (read(fd, &byte, 1) != 0)
                return 1001;
        check(write(fd, "line\n", 5) == 5, "write");
        close(fd);
        errno = saved_errno;
        return 0;
}

static void cases(void) {
#include "cases.h"
}

/* What descriptors below `end` are open whose link begins with `kind`. Tells one of them. */
static int list_descriptors(const char *kind, int end, int *one, char link[64]) {
        int count = 0;

        for (int fd = 0; fd < end; fd++) {
                char path[32], found[64] = "";

                snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
                if (readlink(path, found, sizeof found - 1) < 0 || strncmp(found, kind, strlen(kind)) != 0)
                        continue;
                count++;
                if (one)
                        *one = fd;
                if (link)
                        memcpy(link, found, sizeof found);
        }
        return count;
}

/* One message, and how many descriptors it left open. */
static void one(void) {
        int before = list_descriptors("", 64, NULL, NULL);

        CASE((sd_journal_print)(LOG_INFO, "hello"));
        printf("%d\n", list_descriptors("", 64, NULL, NULL) - before);
}

/* A message, and another when a line has been read. */
static void two(void) {
        char line[8];

        CASE((sd_journal_print)(LOG_INFO, "before"));
        fflush(stdout);
        check(fgets(line, sizeof line, stdin) != NULL, "fgets");
        CASE((sd_journal_print)(LOG_INFO, "after"));
}

/* A message of a size that there is no memory for, and a short one. */
static void no_memory(void) {
        const struct rlimit nothing = { 0, 0 };
        volatile char stack[64 * 1024];

        /* The stack cannot grow any more either. */
        memset((char *) stack, 0, sizeof stack);
        check(setrlimit(RLIMIT_AS, &nothing) == 0 && setrlimit(RLIMIT_DATA, &nothing) == 0, "setrlimit");
        CASE((sd_journal_print)(LOG_INFO, "%s", text(900 * 1000)));
        CASE((sd_journal_print)(LOG_INFO, "hello"));
}

static pthread_barrier_t barrier;

static void *log_with_the_others(void *unused) {
        (void) unused;
        pthread_barrier_wait(&barrier);
        return (void *) (long) (sd_journal_print)(LOG_INFO, "hello");
}

/* Lets so many threads log at the same time. Tells whether all of them could, and have one socket. */
static int together(int count) {
        pthread_t threads[1000];
        pthread_attr_t attributes;
        void *answer;
        int good = 1;

        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 128 * 1024);
        pthread_barrier_init(&barrier, NULL, (unsigned) count);
        for (int i = 0; i < count; i++)
                check(pthread_create(&threads[i], &attributes, log_with_the_others, NULL) == 0, "pthread_create");
        for (int i = 0; i < count; i++)
                good &= pthread_join(threads[i], &answer) == 0 && !answer;
        return good && list_descriptors("socket:", 2048, NULL, NULL) == 1;
}

/* The first message of a process from eight threads at once, again and again; then from a thousand. */
static void threads(void) {
        struct rlimit files;

        check(getrlimit(RLIMIT_NOFILE, &files) == 0, "getrlimit");
        files.rlim_cur = files.rlim_max;
        check(setrlimit(RLIMIT_NOFILE, &files) == 0, "setrlimit");
        for (int i = 0; i < 125; i++) {
                int status;
                pid_t child = fork();

                check(child >= 0, "fork");
                if (child == 0)
                        _exit(together(8) ? 0 : 1);
                check(waitpid(child, &status, 0) == child, "waitpid");
                if (status != 0)
                        puts("eight threads did not share one socket");
        }
        if (!together(1000))
                puts("a thousand threads did not share one socket");
}

/* Where all messages of a process and its children are to leave by. */
static int the_socket = -1;
static char its_link[64];

static int same_socket(void) {
        int fd = -1;
        char link[64];

        return list_descriptors("socket:", 64, &fd, link) == 1 && fd == the_socket && strcmp(link, its_link) == 0;
}

static void *fork_and_log(void *unused) {
        (void) unused;
        for (int i = 0; i < 25; i++) {
                int status;
                pid_t child = fork();

                if (child == 0)
                        _exit((sd_journal_print)(LOG_INFO, "%s", "hello") == 0 && same_socket() ? 0 : 1);
                if ((sd_journal_print)(LOG_INFO, "hello") != 0)
                        return "a thread could not log";
                if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
                        return "a child did not log by its parent's socket";
        }
        return NULL;
}

/* One message, and more of them from eight threads that fork and from their children. */
static void forks(void) {
        pthread_t threads[8];
        void *complaint;

        CASE((sd_journal_print)(LOG_INFO, "hello"));
        check(list_descriptors("socket:", 64, &the_socket, its_link) == 1, "one socket");
        if (fcntl(the_socket, F_GETFD) != FD_CLOEXEC)
                puts("the socket is not close-on-exec");
        for (int i = 0; i < 8; i++)
                check(pthread_create(&threads[i], NULL, fork_and_log, NULL) == 0, "pthread_create");
        for (int i = 0; i < 8; i++) {
                check(pthread_join(threads[i], &complaint) == 0, "pthread_join");
                if (complaint)
                        puts(complaint);
        }
        if (!same_socket())
                puts("the socket is another one");
}

static void *log_ten_times(void *unused) {
        (void) unused;
        for (int i = 0; i < 10; i++)
                if ((sd_journal_send)("MESSAGE=%s", "hello", NULL) != 0)
                        return "a thread could not log";
        return NULL;
}

/* A thousand threads that log while the process forks, and its children log. */
static void storm(void) {
        static pthread_t threads[1000];
        pthread_attr_t attributes;
        void *complaint;
        int status;

        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 128 * 1024);
        /* A fork that began before another thread opened the socket can take its number along, and not the socket. */
        check((sd_journal_send)("MESSAGE=%s", "first", NULL) == 0, "sd_journal_send");
        for (int i = 0; i < 1000; i++) {
                check(pthread_create(&threads[i], &attributes, log_ten_times, NULL) == 0, "pthread_create");
                if (i % 10)
                        continue;
                switch (fork()) {
                case -1: check(0, "fork"); break;
                case 0: _exit((sd_journal_send)("MESSAGE=%s", "child", NULL) == 0 ? 0 : 1);
                }
        }
        for (int i = 0; i < 1000; i++) {
                check(pthread_join(threads[i], &complaint) == 0, "pthread_join");
                if (complaint)
                        puts(complaint);
        }
        for (int i = 0; i < 100; i++)
                if (wait(&status) < 0 || status != 0)
                        puts("a child could not log");
        if (list_descriptors("socket:", 2048, NULL, NULL) != 1)
                puts("there is not one socket");
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*function)(void);
        } all[] = {
                { "cases", cases }, { "one", one },         { "two", two },
                { "forks", forks }, { "threads", threads }, { "no-memory", no_memory },
                { "storm", storm },
        };

        check(argc > 1, "an argument");
        if (argc > 2)
                check(execv("/proc/self/exe", (char *[]) { argv[2], argv[1], NULL }), "execv");
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (strcmp(argv[1], all[i].name) == 0) {
                        all[i].function();
                        return 0;
                }
        return 2;
}
