/* Changes files and directories below /run/systemd at each system call of a function that reads them: `changes`. Prints what each
 * function answered, a line for each answer: the function, the change, how the file was before, and the answer; first without a
 * change, as `old`, and with it done before, as `new`.
 *
 * To be run where /run is the test's. */

#define _GNU_SOURCE
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* Files are as long as those of a daemon, or longer than what is read at once. Both contents are equally long. */
enum { SHORT = 0, LONG = 9000 };
static int length;

/* Each file, what it says at first, and what it says then: before what makes it long, and behind that. */
enum { SESSION, USER, SEAT, MACHINE, LISTED };
static const struct file {
        const char *path, *old[2], *new[2];
} files[] = {
        [SESSION] = { "/run/systemd/sessions/c1",
                      { "STATE=active\nUID=1000\n", "DESKTOP=old\n" },
                      { "STATE=online\nUID=1001\n", "DESKTOP=new\n" } },
        [USER] = { "/run/systemd/users/1000",
                   { "STATE=active\n", "SESSIONS=c1 c3\n" },
                   { "STATE=online\n", "SESSIONS=c2 c4\n" } },
        [SEAT] = { "/run/systemd/seats/seat0",
                   { "ACTIVE=c1\nSESSIONS=c1 c3\n", "ACTIVE_UID=1000\nUIDS=10 30\n" },
                   { "ACTIVE=c2\nSESSIONS=c2 c4\n", "ACTIVE_UID=1001\nUIDS=20 40\n" } },
        [MACHINE] = { "/run/systemd/machines/m", { "CLASS=vm\n", "NETIF=1 3\n" }, { "CLASS=VM\n", "NETIF=2 4\n" } },
        [LISTED] = { "/run/systemd/sessions/c", { "", "" }, { "", "" } },
};

/* What is asked. The answer goes to `answer`. */

static char *answer;
enum { ROOM = 64 * 1024 };

static void say(const char *format, ...) {
        va_list arguments;
        size_t end = strlen(answer);

        va_start(arguments, format);
        vsnprintf(answer + end, ROOM - end, format, arguments);
        va_end(arguments);
}

static void say_texts(int number, char **texts) {
        say("%d", number);
        for (int i = 0; i < number; i++)
                say(" %s", texts[i]);
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void session_state(void) {
        char *state = NULL;

        say("%d", sd_session_get_state("c1", &state));
        say(" %s", state ? state : "");
}

static void session_desktop(void) {
        char *desktop = NULL;

        say("%d", sd_session_get_desktop("c1", &desktop));
        say(" %s", desktop ? desktop : "");
}

static void session_uid(void) {
        uid_t uid = 0;

        say("%d", sd_session_get_uid("c1", &uid));
        say(" %u", uid);
}

static void user_state(void) {
        char *state = NULL;

        say("%d", sd_uid_get_state(1000, &state));
        say(" %s", state ? state : "");
}

static void user_sessions(void) {
        char **sessions = NULL;
        int number = sd_uid_get_sessions(1000, -1, &sessions);

        say_texts(number, sessions);
}

static void seat_active(void) {
        char *session = NULL;
        uid_t uid = 0;

        say("%d", sd_seat_get_active("seat0", &session, &uid));
        say(" %s %u", session ? session : "", uid);
}

static void seat_sessions(void) {
        char **sessions = NULL;
        uid_t *uids = NULL;
        unsigned n_uids = 0;
        int number = sd_seat_get_sessions("seat0", &sessions, &uids, &n_uids);

        say_texts(number, sessions);
        for (unsigned i = 0; uids && i < n_uids; i++)
                say(" %u", uids[i]);
}

static void machine_class(void) {
        char *class = NULL;

        say("%d", sd_machine_get_class("m", &class));
        say(" %s", class ? class : "");
}

static void machine_ifindices(void) {
        int *indices = NULL;
        int number = sd_machine_get_ifindices("m", &indices);

        say("%d", number);
        for (int i = 0; i < number; i++)
                say(" %d", indices[i]);
}

static void sessions(void) {
        char **names = NULL;
        int number = sd_get_sessions(&names);

        /* In which order a directory is read, nobody promises. */
        if (number > 0)
                qsort(names, (size_t) number, sizeof *names, by_name);
        say_texts(number, names);
}

static const struct function {
        const char *name;
        void (*ask)(void);
        const struct file *reads;
} functions[] = {
        { "sd_session_get_state", session_state, &files[SESSION] },
        { "sd_session_get_desktop", session_desktop, &files[SESSION] },
        { "sd_session_get_uid", session_uid, &files[SESSION] },
        { "sd_uid_get_state", user_state, &files[USER] },
        { "sd_uid_get_sessions", user_sessions, &files[USER] },
        { "sd_seat_get_active", seat_active, &files[SEAT] },
        { "sd_seat_get_sessions", seat_sessions, &files[SEAT] },
        { "sd_machine_get_class", machine_class, &files[MACHINE] },
        { "sd_machine_get_ifindices", machine_ifindices, &files[MACHINE] },
        { "sd_get_sessions", sessions, &files[LISTED] },
};

/* What changes. */

static void write_to(const char *path, int flags, const char *const content[2]) {
        static char text[LONG + 200];
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644), end;

        end = snprintf(text, sizeof text, "%s#%*s\n%s", content[0], length, "", content[1]);
        check(fd >= 0 && write(fd, text, (size_t) end) == end && close(fd) == 0, path);
}

static void nothing(const struct file *file) {
        (void) file;
}

static void replaced(const struct file *file) {
        write_to("/run/systemd/.new", O_TRUNC, file->new);
        check(rename("/run/systemd/.new", file->path) == 0, "rename");
}

static void removed(const struct file *file) {
        check(unlink(file->path) == 0, "unlink");
}

static void overwritten(const struct file *file) {
        write_to(file->path, 0, file->new);
}

static void appended(const struct file *file) {
        write_to(file->path, O_APPEND, file->new);
}

static void emptied(const struct file *file) {
        check(truncate(file->path, 0) == 0, "truncate");
}

static void written_anew(const struct file *file) {
        length += 100;
        write_to(file->path, O_TRUNC, file->new);
        length -= 100;
}

static void another_added(const struct file *file) {
        char path[64];

        snprintf(path, sizeof path, "%s2", file->path);
        write_to(path, 0, file->new);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *place) {
        (void) st, (void) flag;
        return place->level == 0 ? 0 : remove(path);
}

static void all_removed(const struct file *file) {
        (void) file;
        check(nftw("/run/systemd", remove_one, 9, FTW_DEPTH | FTW_PHYS) == 0, "nftw");
}

static const struct change {
        const char *name;
        void (*make)(const struct file *file);
} changes[] = {
        { "nothing", nothing },
        { "replaced", replaced },
        { "removed", removed },
        { "overwritten", overwritten },
        { "appended", appended },
        { "emptied", emptied },
        { "written anew", written_anew },
        { "another added", another_added },
        { "all removed", all_removed },
};

/* The directory has that file alone or, to be long itself, more names than are read at once. */
static void make_old(const struct file *file) {
        static const char *const none[2] = { "", "" };
        char path[200];

        all_removed(file);
        snprintf(path, sizeof path, "%.*s", (int) (strrchr(file->path, '/') - file->path), file->path);
        check(mkdir(path, 0755) == 0, path);
        write_to(file->path, 0, file->old);
        for (int i = 0; length && file == &files[LISTED] && i < 40; i++) {
                snprintf(path, sizeof path, "%s%0150d", file->path, i);
                write_to(path, 0, none);
        }
}

/* Makes the change at that stop of the function, of which there is one before and one behind each system call. False if there are
 * not so many. */
static int ask(const struct function *function, const struct change *change, int at) {
        int status, stops = 0;
        pid_t child;

        make_old(function->reads);
        answer[0] = 0;
        child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
                check(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
                raise(SIGSTOP);
                function->ask();
                raise(SIGSTOP);
                _exit(0);
        }
        check(waitpid(child, &status, 0) == child && WIFSTOPPED(status), "a child");
        check(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *) (PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) == 0,
              "PTRACE_SETOPTIONS");
        do {
                if (stops++ == at)
                        change->make(function->reads);
                check(ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0, "PTRACE_SYSCALL");
                check(waitpid(child, &status, 0) == child, "waitpid");
        } while (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
        check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP, "a function that ends");
        check(ptrace(PTRACE_CONT, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child && status == 0,
              "a child that ends");
        return stops > at;
}

static void print(const struct function *function, const struct change *change, const char *when) {
        printf("%s, %s, %s, %s: %s\n", function->name, change->name, length ? "long" : "short", when, answer);
}

int main(void) {
        answer = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        check(answer != MAP_FAILED, "mmap");
        check(mkdir("/run/systemd", 0755) == 0, "a /run of its own");
        for (size_t f = 0; f < 2 * sizeof functions / sizeof *functions; f++)
                for (size_t c = 1; c < sizeof changes / sizeof *changes; c++) {
                        const struct function *function = &functions[f / 2];

                        length = f % 2 ? LONG : SHORT;
                        ask(function, &changes[0], 0);
                        print(function, &changes[c], "old");
                        ask(function, &changes[c], 0);
                        print(function, &changes[c], "new");
                        for (int at = 1; ask(function, &changes[c], at); at++)
                                print(function, &changes[c], "meanwhile");
                }
        return 0;
}
