/*
 * login pid [PID]...: prints what sd-login(3) says of these processes, and of this one.
 * login pidfd PID...: the same by pidfd, which systemd 253 was the first to have.
 * login all: prints what it says of all sessions, users, seats and machines.
 * login newer SESSION: what systemd 254 was the first to tell of a session and its user, as busctl prints it.
 * login monitor N: prints the sessions, and again whenever a monitor wakes this and they have changed, N times.
 *
 * It is linked with this library, and with a libsystemd that may not have all of it.
 */
#define _GNU_SOURCE

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

/* sd_seat_can_multi_session() is. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#pragma weak sd_pidfd_get_session
#pragma weak sd_pidfd_get_owner_uid
#pragma weak sd_pidfd_get_unit
#pragma weak sd_pidfd_get_user_unit
#pragma weak sd_pidfd_get_slice
#pragma weak sd_pidfd_get_user_slice
#pragma weak sd_pidfd_get_machine_name
#pragma weak sd_pidfd_get_cgroup
#pragma weak sd_session_get_username
#pragma weak sd_session_get_leader
#pragma weak sd_session_get_start_time
#pragma weak sd_uid_get_login_time

/* Prints the answer, and frees it. */
static void text(const char *name, int r, char *answer)
{
    if (r < 0)
        printf("  %s: %s\n", name, strerror(-r));
    else
        printf("  %s: %d %s\n", name, r, answer ? answer : "(none)");
    if (r >= 0)
        free(answer);
}

static void number(const char *name, int r, uint64_t answer)
{
    if (r < 0)
        printf("  %s: %s\n", name, strerror(-r));
    else
        printf("  %s: %d %" PRIu64 "\n", name, r, answer);
}

static void truth(const char *name, int r)
{
    printf("  %s: %s\n", name, r < 0 ? strerror(-r) : r == 0 ? "no" : "yes");
}

static void list(const char *name, int r, char **answer)
{
    printf("  %s: %s", name, r < 0 ? strerror(-r) : "");
    if (r >= 0) {
        printf("%d", r);
        for (char **each = answer; each && *each; ++each) {
            printf(" %s", *each);
            free(*each);
        }
        free(answer);
    }
    printf("\n");
}

#define TEXT(function, ...)                     \
    do {                                        \
        char *answer = NULL;                    \
        int r = function(__VA_ARGS__, &answer); \
        text(#function, r, answer);             \
    } while (0)

#define NUMBER(type, function, ...)             \
    do {                                        \
        type answer = 0;                        \
        int r = function(__VA_ARGS__, &answer); \
        number(#function, r, answer);           \
    } while (0)

#define LIST(function, ...)                     \
    do {                                        \
        char **answer = NULL;                   \
        int r = function(__VA_ARGS__, &answer); \
        list(#function, r, answer);             \
    } while (0)

#define OF_PROCESS(prefix, process)                          \
    do {                                                     \
        TEXT(sd_##prefix##_get_session, process);            \
        NUMBER(uid_t, sd_##prefix##_get_owner_uid, process); \
        TEXT(sd_##prefix##_get_unit, process);               \
        TEXT(sd_##prefix##_get_user_unit, process);          \
        TEXT(sd_##prefix##_get_slice, process);              \
        TEXT(sd_##prefix##_get_user_slice, process);         \
        TEXT(sd_##prefix##_get_machine_name, process);       \
        TEXT(sd_##prefix##_get_cgroup, process);             \
    } while (0)

static int of_processes(int n, char *pids[])
{
    int pair[2];

    for (int i = 0; i < n; ++i) {
        printf("process %s\n", pids[i]);
        OF_PROCESS(pid, atoi(pids[i]));
    }
    printf("this process\n");
    OF_PROCESS(pid, 0);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return EXIT_FAILURE;
    OF_PROCESS(peer, pair[0]);
    return EXIT_SUCCESS;
}

static int of_pidfds(int n, char *pids[])
{
    for (int i = 0; i < n; ++i) {
        int pidfd = (int)syscall(SYS_pidfd_open, atoi(pids[i]), 0);

        printf("process %s\n", pids[i]);
        OF_PROCESS(pidfd, pidfd);
        close(pidfd);
    }
    return EXIT_SUCCESS;
}

static void of_session(const char *session)
{
    printf("session %s\n", session);
    truth("sd_session_is_active", sd_session_is_active(session));
    truth("sd_session_is_remote", sd_session_is_remote(session));
    TEXT(sd_session_get_state, session);
    NUMBER(uid_t, sd_session_get_uid, session);
    TEXT(sd_session_get_seat, session);
    TEXT(sd_session_get_service, session);
    TEXT(sd_session_get_type, session);
    TEXT(sd_session_get_class, session);
    TEXT(sd_session_get_desktop, session);
    TEXT(sd_session_get_display, session);
    TEXT(sd_session_get_remote_host, session);
    TEXT(sd_session_get_remote_user, session);
    TEXT(sd_session_get_tty, session);
    NUMBER(unsigned int, sd_session_get_vt, session);
}

static void of_user(uid_t uid)
{
    printf("user %u\n", uid);
    TEXT(sd_uid_get_state, uid);
    TEXT(sd_uid_get_display, uid);
    truth("sd_uid_is_on_seat", sd_uid_is_on_seat(uid, 0, "seat0"));
    truth("sd_uid_is_on_seat, active", sd_uid_is_on_seat(uid, 1, "seat0"));
    LIST(sd_uid_get_sessions, uid, 0);
    LIST(sd_uid_get_sessions, uid, 1);
    LIST(sd_uid_get_seats, uid, 0);
    LIST(sd_uid_get_seats, uid, 1);
}

static void of_seat(const char *seat)
{
    char *session = NULL;
    char **sessions = NULL;
    uid_t uid = 0;
    uid_t *uids = NULL;
    unsigned int n = 0;
    int r;

    printf("seat %s\n", seat);
    r = sd_seat_get_active(seat, &session, &uid);
    text("sd_seat_get_active", r, session);
    number("sd_seat_get_active", r, uid);
    r = sd_seat_get_sessions(seat, &sessions, &uids, &n);
    list("sd_seat_get_sessions", r, sessions);
    for (unsigned int i = 0; r >= 0 && i < n; ++i)
        number("sd_seat_get_sessions", r, uids[i]);
    free(uids);
    truth("sd_seat_can_multi_session", sd_seat_can_multi_session(seat));
    truth("sd_seat_can_tty", sd_seat_can_tty(seat));
    truth("sd_seat_can_graphical", sd_seat_can_graphical(seat));
}

static void of_machine(const char *machine)
{
    int *interfaces = NULL;

    printf("machine %s\n", machine);
    TEXT(sd_machine_get_class, machine);

    int r = sd_machine_get_ifindices(machine, &interfaces);

    number("sd_machine_get_ifindices", r, 0);
    for (int i = 0; i < r; ++i)
        number("sd_machine_get_ifindices", r, (uint64_t)interfaces[i]);
    free(interfaces);
}

/* Each of a list. */
static void each(int (*get)(char ***), void (*of)(const char *))
{
    char **names = NULL;

    printf("%d of them:\n", get(&names));
    for (char **name = names; name && *name; ++name) {
        of(*name);
        free(*name);
    }
    free(names);
}

static int of_all(void)
{
    uid_t *uids = NULL;
    int n = sd_get_uids(&uids);

    each(sd_get_sessions, of_session);
    printf("%d of them:\n", n);
    for (int i = 0; i < n; ++i)
        of_user(uids[i]);
    free(uids);
    each(sd_get_seats, of_seat);
    each(sd_get_machine_names, of_machine);
    of_session("none");
    of_user(12345);
    of_seat("seat-none");
    of_machine("none");
    return EXIT_SUCCESS;
}

static int newer(const char *session)
{
    char *name = NULL;
    pid_t leader = 0;
    uint64_t started = 0, logged_in = 0;
    uid_t uid = 0;

    if (sd_session_get_username(session, &name) < 0 || sd_session_get_leader(session, &leader) < 0 ||
        sd_session_get_start_time(session, &started) < 0 || sd_session_get_uid(session, &uid) < 0 ||
        sd_uid_get_login_time(uid, &logged_in) < 0)
        return EXIT_FAILURE;
    printf("s \"%s\"\nu %d\nt %" PRIu64 "\nt %" PRIu64 "\n", name, leader, started, logged_in);
    free(name);
    return EXIT_SUCCESS;
}

/* The sessions in one string. */
static void sessions(char *all, size_t size)
{
    char **names = NULL;

    *all = '\0';
    sd_get_sessions(&names);
    for (char **name = names; name && *name; ++name) {
        strncat(all, *name, size - strlen(all) - 1);
        strncat(all, " ", size - strlen(all) - 1);
        free(*name);
    }
    free(names);
}

static int monitor(int n)
{
    sd_login_monitor *m = NULL;
    char before[1024], now[1024];
    uint64_t timeout = 0;

    if (sd_login_monitor_new("session", &m) < 0 || sd_login_monitor_get_timeout(m, &timeout) < 0)
        return EXIT_FAILURE;
    sessions(before, sizeof before);
    printf("events %d, timeout %" PRIu64 "\n%s\n", sd_login_monitor_get_events(m), timeout, before);

    while (n > 0) {
        struct pollfd change = {.fd = sd_login_monitor_get_fd(m), .events = (short)sd_login_monitor_get_events(m)};

        fflush(stdout);
        if (poll(&change, 1, 60000) != 1 || sd_login_monitor_flush(m) < 0) {
            printf("not woken within a minute\n");
            return EXIT_FAILURE;
        }
        sessions(now, sizeof now);
        if (strcmp(before, now) != 0) {
            printf("%s\n", now);
            strcpy(before, now);
            --n;
        }
    }
    sd_login_monitor_unref(m);
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "pid") == 0)
        return of_processes(argc - 2, argv + 2);
    if (strcmp(what, "pidfd") == 0)
        return of_pidfds(argc - 2, argv + 2);
    if (strcmp(what, "all") == 0)
        return of_all();
    if (strcmp(what, "newer") == 0 && argc == 3)
        return newer(argv[2]);
    if (strcmp(what, "monitor") == 0 && argc == 3)
        return monitor(atoi(argv[2]));
    return EXIT_FAILURE;
}
