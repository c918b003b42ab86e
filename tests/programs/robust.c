/* Wears the library out: `robust WHAT NUMBER`. Says what was not as it has to be, and nothing if all was. */

#include "every.h"

#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

/* Waits for a child that has to end well. */
static void join(pid_t child) {
        int status;

        check(child > 0 && waitpid(child, &status, 0) == child, "waitpid");
        if (status != 0)
                complain("a child ended with", status);
}

/* Lets a child call every function once, so that this process has yet to call its first, and takes note of what comes. */
static void expect(void (*function)(void)) {
        pid_t child;

        start_receiving();
        child = fork();
        if (child == 0) {
                function();
                _exit(complaints);
        }
        join(child);
        stop_receiving();
        for (struct message *m = messages; m->bytes; m++) {
                m->expected = m->came;
                m->came = 0;
        }
}

/* Nothing may have been lost, torn, or sent twice when every function was called so often. */
static void compare(long times) {
        for (struct message *m = messages; m->bytes; m++)
                if (m->came != m->expected * times) {
                        complain("messages too many", m->came - m->expected * times);
                        dprintf(STDOUT_FILENO, "%.*s\n", (int) (m->length < 200 ? m->length : 200), m->bytes);
                }
}

struct usage {
        int descriptors;
        size_t allocated;
        long mapped, resident;
};

/* Descriptors and memory, as they are now. */
static struct usage usage(void) {
        static char text[4096];
        struct usage usage = { open_descriptors(), mallinfo2().uordblks, 0, 0 };
        int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

        check(read(fd, text, sizeof text) > 0 && sscanf(text, "%ld", &usage.mapped) == 1, "/proc/self/statm");
        close(fd);
        /* What statm says of this is not exact. */
        fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
        check(read(fd, text, sizeof text) > 0 && strstr(text, "Rss:"), "/proc/self/smaps_rollup");
        close(fd);
        usage.resident = atol(strstr(text, "Rss:") + 4);
        return usage;
}

/* Everything that one thread can call, so many times. */
static void all(long times) {
        alone = 1;
        for (long i = 0; i < times; i++) {
                every();
                ask_and_unset();
                send_large();
        }
}

/* So many calls leave as many descriptors open and as much memory in use as there were. */
static void count(long number) {
        struct usage before, after;

        all(10);
        usage();
        before = usage();
        for (long round = 0; calls < number; round++) {
                /* Sending takes ten times as long as asking, or longer. */
                for (int i = 0; i < 10; i++)
                        ask_everything();
                send_everything();
                ask_and_unset();
                if (round % 100 == 0)
                        ask_login();
                if (round % 10000 == 0)
                        send_large();
        }
        after = usage();
        if (after.descriptors != before.descriptors)
                complain("descriptors left open", after.descriptors - before.descriptors);
        if (after.allocated != before.allocated)
                complain("bytes not freed", (long) (after.allocated - before.allocated));
        if (after.mapped > before.mapped)
                complain("more pages mapped", after.mapped - before.mapped);
        if (after.resident > before.resident)
                complain("more KiB resident", after.resident - before.resident);
}

enum { THREADS = 8 };
static pthread_barrier_t barrier;
static long rounds;

static void *call_every(void *unused) {
        (void) unused;
        pthread_barrier_wait(&barrier);
        for (long i = 0; i < rounds; i++)
                every();
        return NULL;
}

/* Lets threads do that at the same time. Their first use of the journal is the process's. */
static void together(void *(*function)(void *)) {
        pthread_t threads[THREADS];
        int before = open_descriptors();

        pthread_barrier_init(&barrier, NULL, THREADS);
        start_receiving();
        for (int i = 0; i < THREADS; i++)
                check(pthread_create(&threads[i], NULL, function, NULL) == 0, "pthread_create");
        for (int i = 0; i < THREADS; i++)
                check(pthread_join(threads[i], NULL) == 0, "pthread_join");
        stop_receiving();
        if (open_descriptors() != before + 1)
                complain("descriptors for the journal", open_descriptors() - before);
}

static void threads(long number) {
        rounds = number;
        expect(every);
        together(call_every);
        compare(THREADS * number);
}

/* A program that is started by a child has what everyone has, and nothing of its parent's. */
static void inherited(long unused) {
        (void) unused;
        for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        complain("inherited", fd);
}

static void *fork_and_call_every(void *unused) {
        (void) unused;
        /* A fork that began before another thread opened the journal's socket can take its number along, and not the socket. */
        every();
        pthread_barrier_wait(&barrier);
        for (long i = 0; i < rounds; i++) {
                pid_t child = fork();

                if (child == 0) {
                        every();
                        if (complaints || i % 2)
                                _exit(complaints);
                        execl("/proc/self/exe", "robust", "inherited", "0", NULL);
                        _exit(3);
                }
                every();
                join(child);
        }
        return NULL;
}

static void forks(long number) {
        rounds = number;
        expect(every);
        together(fork_and_call_every);
        compare(THREADS * (number * 2 + 1));
}

/* What signal-safety(7) applies to, and may interrupt anything. */

static int log_fields(void) {
        const struct iovec fields[] = { { (char *) "MESSAGE=x", 9 }, { (char *) "A=b\nc", 5 } };

        return (sd_journal_sendv)(fields, 2);
}

static int log_fields_at(void) {
        const struct iovec field = { (char *) "MESSAGE=x", 9 };

        return sd_journal_sendv_with_location("CODE_FILE=a", "CODE_LINE=1", "b", &field, 1);
}

static int log_huge(void) {
        const struct iovec field = { huge_field, sizeof huge_field };

        return (sd_journal_sendv)(&field, 1);
}

static int open_stream(void) {
        return closed(sd_journal_stream_fd("me", LOG_INFO, 0));
}

/* What it may interrupt, and what not the other way round. */
static int log_formatted(void) {
        return (sd_journal_print)(LOG_INFO, "%s %d", "hello", 5);
}

static int log_long(void) {
        return (sd_journal_print)(LOG_INFO, "%.4000s", long_text);
}

static int notify(void) {
        return sd_notify(0, "READY=1") == 1 ? 0 : -1;
}

/* Sends nothing, and errno is what it may be. */
static int ask(void) {
        ask_login();
        return 0;
}

static int (*const safe[])(void) = { log_fields, log_fields_at, open_stream };
static int (*const functions[])(void) = {
        log_fields, log_fields_at, open_stream, log_formatted, notify, log_long, log_huge,
};
/* The last of them fill kilobytes and megabytes, among other things. */
enum { SAFE = sizeof safe / sizeof *safe, FUNCTIONS = sizeof functions / sizeof *functions, SHORT = FUNCTIONS - 2 };

/* How often any of them was called, by all processes: each time it sends one message. And what a child counted. */
static long *sent, *counted;

static int (*in_handler)(void);

static void handle(int signal) {
        const int saved_errno = errno;

        (void) signal;
        errno = 78;
        if (in_handler() != 0 || errno != 78)
                complain("in the handler, errno", errno);
        __atomic_add_fetch(sent, 1, __ATOMIC_RELAXED);
        errno = saved_errno;
}

/* Whether `function` can be interrupted and leaves errno as it was. */
static void call(int (*function)(void)) {
        errno = 77;
        if (function() != 0 || (errno != 77 && function != ask))
                complain("interrupted, errno", errno);
        if (function != ask)
                __atomic_add_fetch(sent, 1, __ATOMIC_RELAXED);
}

static void compare_sent(void) {
        long came = 0, kinds = 0;

        for (struct message *m = messages; m->bytes; m++, kinds++)
                came += m->came;
        if (came != *sent)
                complain("messages too many", came - *sent);
        if (kinds != FUNCTIONS)
                complain("kinds of messages", kinds);
}

static void share(void) {
        sent = mmap(NULL, 2 * sizeof *sent, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        check(sent != MAP_FAILED, "mmap");
        counted = sent + 1;
}

/* A timer interrupts all of it, at any moment, for so many milliseconds. */
static void timer(long milliseconds) {
        const struct sigaction action = { .sa_handler = handle, .sa_flags = SA_RESTART };
        struct itimerval once = { { 0, 0 }, { 0, 0 } };
        struct timespec start, now;
        sigset_t alarm;

        share();
        in_handler = safe[0];
        sigemptyset(&alarm);
        sigaddset(&alarm, SIGALRM);
        /* The thread that receives is not interrupted. */
        check(pthread_sigmask(SIG_BLOCK, &alarm, NULL) == 0, "pthread_sigmask");
        start_receiving();
        check(pthread_sigmask(SIG_UNBLOCK, &alarm, NULL) == 0, "pthread_sigmask");
        check(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
        check(clock_gettime(CLOCK_MONOTONIC, &start) == 0, "clock_gettime");
        for (long i = 0;; i++) {
                in_handler = safe[i % SAFE];
                /* Once for a call at most, so that it ends. What asks takes longer. */
                once.it_value.tv_usec = 1 + random() % (i % 10 ? 50 : 2000);
                check(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
                call(i % 1000 == 1 ? log_huge : i % 10 ? functions[i % (FUNCTIONS - 1)] : ask);
                check(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
                if ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 > milliseconds)
                        break;
        }
        once.it_value.tv_usec = 0;
        check(setitimer(ITIMER_REAL, &once, NULL) == 0, "setitimer");
        stop_receiving();
        compare_sent();
}

#ifdef __x86_64__
enum { TRAP_FLAG = 0x100 };
#define SET_TRAP_FLAG() __asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(TRAP_FLAG) : "memory", "cc")
#define CLEAR_TRAP_FLAG() __asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~TRAP_FLAG) : "memory", "cc")

/* At which instruction the handler is called, counted from where the flag is set. 0: at each. */
static long wanted, instructions, from_socket;

/* Comes after each instruction as long as the flag is set. */
static void handle_trap(int signal, siginfo_t *info, void *context) {
        (void) info;
        instructions++;
        if (wanted && instructions != wanted)
                return;
        handle(signal);
        if (wanted)
                ((ucontext_t *) context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

/* What the library calls, as the program comes first. */
int socket(int family, int type, int protocol) {
        if (from_socket) {
                from_socket = 0;
                SET_TRAP_FLAG();
        }
        return (int) syscall(SYS_socket, family, type, protocol);
}

/* Calls `function` in a process that has not called any, and the handler as said above. The number of instructions. */
static long interrupt(int (*function)(void), int from_its_socket, long number) {
        const struct sigaction action = { .sa_sigaction = handle_trap, .sa_flags = SA_SIGINFO };
        pid_t child = fork();

        if (child == 0) {
                /* Those of the threads that receive are among them, as they are at the fork. */
                const int before = open_descriptors();

                wanted = number;
                from_socket = from_its_socket;
                check(sigaction(SIGTRAP, &action, NULL) == 0, "sigaction");
                if (!from_its_socket)
                        SET_TRAP_FLAG();
                call(function);
                CLEAR_TRAP_FLAG();
                *counted = instructions;
                if (open_descriptors() > before + 1)
                        complain("descriptors for the journal", open_descriptors() - before);
                _exit(complaints);
        }
        join(child);
        return *counted;
}

/* A signal at each instruction: of each function; and where it is the one that opens the journal's socket, in a process for
 * each. */
static void steps(long unused) {
        (void) unused;
        share();
        start_receiving();
        in_handler = safe[0];
        if (interrupt(ask, 0, 0) < 10000)
                complain("instructions too few of", (long) *counted);
        for (size_t i = 0; i < SAFE; i++) {
                in_handler = safe[i];
                for (size_t j = 0; j < SHORT; j++)
                        if (interrupt(functions[j], 0, 0) < 100)
                                complain("instructions too few of function", (long) j);
                for (long number = 1; interrupt(log_fields, 1, number) >= number; number++)
                        ;
        }
        for (size_t j = SHORT; j < FUNCTIONS; j++)
                call(functions[j]);
        stop_receiving();
        compare_sent();
}
#endif

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*function)(long number);
        } modes[] = {
                { "all", all },     { "count", count }, { "threads", threads },
                { "forks", forks }, { "timer", timer }, { "inherited", inherited },
#ifdef __x86_64__
                { "steps", steps },
#endif
        };

        check(argc > 2, "two arguments");
        if (strcmp(argv[1], "inherited") != 0) {
                check(close_range(STDERR_FILENO + 1, ~0U, 0) == 0, "close_range");
                set_up();
        }
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
                if (strcmp(argv[1], modes[i].name) == 0)
                        modes[i].function(atol(argv[2]));
        for (struct message *m = messages; m->bytes; m++)
                free(m->bytes);
        return complaints;
}
