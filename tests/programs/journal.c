/* Logs in all sorts of ways: `journal WHAT [NAME]`, where NAME is what the program is then called. For each message it
 * prints what the function returned and what errno was then; where it tells more, see there. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>
#include <unistd.h>
#include <wchar.h>

#define CASE(call)                                      \
        do {                                            \
                int answer, errno_after;                \
                errno = 77;                             \
                answer = (call);                        \
                errno_after = errno;                    \
                printf("%d %d\n", answer, errno_after); \
        } while (0)

static char letters[3 * 1024 * 1024];

static void check(int success, const char *what) {
        if (!success) {
                perror(what);
                exit(2);
        }
}

/* So many letters, until the next call. */
static const char *text(size_t length) {
        memset(letters, 'x', sizeof letters);
        letters[length] = 0;
        return letters;
}

static void cases(void) {
#include "cases.h"
}

/* What descriptors below `end` are open whose link begins with `kind`. Tells one of them. */
static int open_descriptors(const char *kind, int end, int *one, char link[64]) {
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
        int before = open_descriptors("", 64, NULL, NULL);

        CASE((sd_journal_print)(LOG_INFO, "hello"));
        printf("%d\n", open_descriptors("", 64, NULL, NULL) - before);
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
        return good && open_descriptors("socket:", 2048, NULL, NULL) == 1;
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

        return open_descriptors("socket:", 64, &fd, link) == 1 && fd == the_socket && strcmp(link, its_link) == 0;
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
        check(open_descriptors("socket:", 64, &the_socket, its_link) == 1, "one socket");
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

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*function)(void);
        } all[] = {
                { "cases", cases }, { "one", one },         { "two", two },
                { "forks", forks }, { "threads", threads }, { "no-memory", no_memory },
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
