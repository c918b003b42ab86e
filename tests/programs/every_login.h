/* Every function of sd-login.h, called: a part of every.h. */

#include <systemd/sd-login.h>

/* What the files below /run/systemd say. */
static const char *const files[][2] = {
        { "/run/systemd/sessions/c1",
          "ACTIVE=1\nREMOTE=0\nSTATE=active\nUID=7\nUSER=joe\nSEAT=seat0\nREALTIME=8\nSERVICE=login\nTYPE=tty\nCLASS=user\nDESKTOP=\"a\\\nb\"\n"
          "DISPLAY=:0\nLEADER=9\nREMOTE_HOST=there\nREMOTE_USER=jim\nTTY=tty1\nVTNR=1\nEXTRA_DEVICE_ACCESS=a b\n" },
        { "/run/systemd/users/7", "STATE=active\nDISPLAY=c1\nREALTIME=8\nONLINE_SESSIONS=c1 c2\nONLINE_SEATS=seat0\n" },
        { "/run/systemd/seats/seat0", "ACTIVE=c1\nACTIVE_UID=7\nSESSIONS=c1 c2\nUIDS=7 8\nCAN_TTY=1\nCAN_GRAPHICAL=0\n" },
        { "/run/systemd/machines/m", "CLASS=vm\nNETIF=1 2\n" },
};

/* What is asked of a process, by its id, a descriptor of it, and a socket. */
static const struct {
        int (*by_pid)(pid_t, char **), (*by_pidfd)(int, char **), (*by_peer)(int, char **);
} places_of_process[] = {
        { sd_pid_get_session, sd_pidfd_get_session, sd_peer_get_session, },
        { sd_pid_get_unit, sd_pidfd_get_unit, sd_peer_get_unit, },
        { sd_pid_get_user_unit, sd_pidfd_get_user_unit, sd_peer_get_user_unit, },
        { sd_pid_get_slice, sd_pidfd_get_slice, sd_peer_get_slice, },
        { sd_pid_get_user_slice, sd_pidfd_get_user_slice, sd_peer_get_user_slice, },
        { sd_pid_get_machine_name, sd_pidfd_get_machine_name, sd_peer_get_machine_name, },
        { sd_pid_get_cgroup, sd_pidfd_get_cgroup, sd_peer_get_cgroup, },
};

#define PLACES (sizeof places_of_process / sizeof *places_of_process)

/* The answers depend on where the test runs. */
static int place_answers[PLACES + 1][3];
static int pair[2];

static int freed(int answer, void *memory) {
        if (answer >= 0)
                free(memory);
        return answer;
}

static int freed_list(int answer, char **list) {
        for (int i = 0; i < answer; i++)
                free(list[i]);
        return freed(answer, list);
}

static void ask_places(int answers[PLACES + 1][3]) {
        char *text[3];
        uid_t uid;

        for (size_t i = 0; i < PLACES; i++) {
                answers[i][0] = places_of_process[i].by_pid(0, &text[0]);
                answers[i][1] = places_of_process[i].by_pidfd(pidfd, &text[1]);
                answers[i][2] = places_of_process[i].by_peer(pair[0], &text[2]);
                for (int how = 0; how < 3; how++)
                        freed(answers[i][how], text[how]);
        }
        answers[PLACES][0] = sd_pid_get_owner_uid(0, &uid);
        answers[PLACES][1] = sd_pidfd_get_owner_uid(pidfd, &uid);
        answers[PLACES][2] = sd_peer_get_owner_uid(pair[0], &uid);
}

static void set_up_login(void) {
        static const char *const directories[] = { "sessions", "users", "seats", "machines" };

        for (int i = 0; i < 4; i++) {
                char path[64];
                int fd;

                snprintf(path, sizeof path, "/run/systemd/%s", directories[i]);
                check(mkdir(path, 0755) == 0, path);
                fd = open(files[i][0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                check(fd >= 0 && write(fd, files[i][1], strlen(files[i][1])) > 0 && close(fd) == 0, files[i][0]);
        }
        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        ask_places(place_answers);
}

static int monitor(void) {
        sd_login_monitor *m;
        uint64_t timeout;
        int answer = sd_login_monitor_new(NULL, &m);

        if (answer < 0)
                return answer;
        answer = sd_login_monitor_flush(m) + sd_login_monitor_get_timeout(m, &timeout);
        if (answer == 0)
                answer = sd_login_monitor_get_fd(m) < 0 ? -EBADF : sd_login_monitor_get_events(m);
        return sd_login_monitor_unref(m) ? -EINVAL : answer;
}

/* Deprecated. */
static int can_multi_session(const char *seat) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        return sd_seat_can_multi_session(seat);
#pragma GCC diagnostic pop
}

#define TEXT(expected, function, id) (answer = function(id, &text), CALL(expected, freed(answer, text)))
#define LIST(expected, ...) (answer = __VA_ARGS__, CALL(expected, freed_list(answer, list)))
#define NUMBERS(expected, ...) (answer = __VA_ARGS__, CALL(expected, freed(answer, numbers)))

static void ask_login(void) {
        int answers[PLACES + 1][3], answer, *numbers;
        char *text, **list;
        uid_t uid, *uids;
        pid_t leader;
        unsigned vt;
        uint64_t usec;

        ask_places(answers);
        CALL(0, memcmp(answers, place_answers, sizeof answers));
        CALL(1, sd_session_is_active("c1"));
        CALL(0, sd_session_is_remote("c1"));
        CALL(0, sd_session_get_uid("c1", &uid));
        CALL(0, sd_session_get_start_time("c1", &usec));
        CALL(0, sd_session_get_leader("c1", &leader));
        CALL(0, sd_session_get_vt("c1", &vt));
        TEXT(0, sd_session_get_state, "c1");
        TEXT(0, sd_session_get_username, "c1");
        TEXT(0, sd_session_get_seat, "c1");
        TEXT(0, sd_session_get_service, "c1");
        TEXT(0, sd_session_get_type, "c1");
        TEXT(0, sd_session_get_class, "c1");
        TEXT(0, sd_session_get_desktop, "c1");
        TEXT(0, sd_session_get_display, "c1");
        TEXT(0, sd_session_get_remote_host, "c1");
        TEXT(0, sd_session_get_remote_user, "c1");
        TEXT(0, sd_session_get_tty, "c1");
        TEXT(-ENXIO, sd_session_get_tty, "c2");
        LIST(2, sd_session_get_extra_device_access("c1", &list));
        TEXT(0, sd_uid_get_state, 7);
        TEXT(0, sd_uid_get_display, 7);
        TEXT(0, sd_uid_get_state, 8);
        CALL(0, sd_uid_get_login_time(7, &usec));
        CALL(1, sd_uid_is_on_seat(7, 1, "seat0"));
        LIST(2, sd_uid_get_sessions(7, 0, &list));
        LIST(1, sd_uid_get_seats(7, 0, &list));
        answer = sd_seat_get_active("seat0", &text, &uid);
        CALL(0, freed(answer, text));
        CALL(2, sd_seat_get_sessions("seat0", NULL, NULL, NULL));
        uids = NULL;
        answer = sd_seat_get_sessions("seat0", &list, &uids, &vt);
        free(uids);
        CALL(2, freed_list(answer, list));
        CALL(1, can_multi_session("seat0"));
        CALL(1, sd_seat_can_tty("seat0"));
        CALL(0, sd_seat_can_graphical("seat0"));
        TEXT(0, sd_machine_get_class, "m");
        NUMBERS(2, sd_machine_get_ifindices("m", &numbers));
        LIST(1, sd_get_seats(&list));
        LIST(1, sd_get_sessions(&list));
        LIST(1, sd_get_machine_names(&list));
        NUMBERS(1, sd_get_uids((uid_t **) &numbers));
        CALL(POLLIN, monitor());
}
