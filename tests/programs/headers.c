/* Uses all that the headers declare, as C and as C++. They are included in the order that FIRST and SECOND name, and twice. */
#include FIRST
#include SECOND
#include <systemd/sd-login.h>
#include FIRST
#include SECOND
#include <systemd/sd-login.h>

/* Brought in by the headers. */
static const int families[] = { AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, SOCK_STREAM, SOCK_DGRAM };
static const int priorities[] = { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };
static const char *const prefixes = SD_EMERG SD_ALERT SD_CRIT SD_ERR SD_WARNING SD_NOTICE SD_INFO SD_DEBUG;

int ask(int fd, const char *path, const struct sockaddr *addr, unsigned int addr_len, size_t length);
int ask(int fd, const char *path, const struct sockaddr *addr, unsigned int addr_len, size_t length) {
        char **names;
        uint16_t port = 8080;
        int n = sd_listen_fds(0) + sd_listen_fds_with_names(1, &names);

        for (fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
                if (sd_is_socket_inet(fd, families[2], families[4], 1, port) > 0)
                        sd_journal_print(LOG_INFO, "x");
                else if (sd_is_socket(fd, AF_UNIX, SOCK_DGRAM, -1) > 0)
                        sd_journal_print(priorities[3], "%s%d", prefixes, fd);
                else
                        return sd_journal_print(LOG_DEBUG, "%s", path) +
                                (sd_journal_print)(LOG_DEBUG, "%s", path) +
                                sd_journal_print_with_location(LOG_ERR, "CODE_FILE=f", "CODE_LINE=1", "g", "%d", fd);

        return sd_is_fifo(fd, path) + sd_is_special(fd, path) + sd_is_mq(fd, path) +
                sd_is_socket_unix(fd, SOCK_STREAM, 1, path, length) +
                sd_is_socket_sockaddr(fd, SOCK_STREAM, addr, addr_len, 1);
}

int tell(pid_t pid, const char *state, const int *fds, unsigned int n_fds, uint64_t timeout);
int tell(pid_t pid, const char *state, const int *fds, unsigned int n_fds, uint64_t timeout) {
        if (sd_booted() <= 0 || sd_watchdog_enabled(0, &timeout) <= 0 || sd_pidfd_get_inode_id(fds[0], &timeout) < 0)
                return 0;

        return sd_notify(0, state) + sd_pid_notify(pid, 0, state) +
                sd_pid_notify_with_fds(pid, 0, state, fds, n_fds) +
                sd_notifyf(0, "READY=%d", 1) + sd_pid_notifyf(pid, 0, "STATUS=%s", state) +
                sd_pid_notifyf_with_fds(pid, 0, fds, (size_t) n_fds, "FDSTORE=%d", 1) +
                sd_notify_barrier(0, timeout) + sd_pid_notify_barrier(pid, 1, UINT64_MAX);
}

/* A macro that a statement without braces has for its body is one statement. */
int log_entry(const struct iovec *iov, int n, const char *format, va_list ap);
int log_entry(const struct iovec *iov, int n, const char *format, va_list ap) {
        if (n == 1)
                sd_journal_sendv(iov, n);
        else if (n == 2)
                sd_journal_perror(format);
        else
                sd_journal_send("MESSAGE=%s", format, "PRIORITY=%i", LOG_INFO, (void *) 0);

        return sd_journal_sendv(iov, n) + (sd_journal_sendv)(iov, n) +
                sd_journal_sendv_with_location("CODE_FILE=f", "CODE_LINE=1", "g", iov, n) +
                sd_journal_send("MESSAGE=x", (void *) 0) + (sd_journal_send)("N=%d", n, (void *) 0) +
                sd_journal_send_with_location("CODE_FILE=f", "CODE_LINE=1", "g", "MESSAGE=x", (void *) 0) +
                sd_journal_perror("f") + (sd_journal_perror)(format) +
                sd_journal_perror_with_location("CODE_FILE=f", "CODE_LINE=1", "g", format) +
                sd_journal_printv(LOG_INFO, format, ap) + (sd_journal_printv)(LOG_INFO, format, ap) +
                sd_journal_printv_with_location(LOG_INFO, "CODE_FILE=f", "CODE_LINE=1", "g", format, ap) +
                sd_journal_stream_fd("daemon", LOG_INFO, 0) +
                sd_journal_stream_fd_with_namespace("space", "daemon", LOG_INFO, 1);
}

/* What a process, a descriptor of one and the peer of a socket belong to. */
int place(pid_t pid, int fd, char **text, uid_t *uid);
int place(pid_t pid, int fd, char **text, uid_t *uid) {
        return sd_pid_get_session(pid, text) + sd_pid_get_owner_uid(pid, uid) + sd_pid_get_unit(pid, text) +
                sd_pid_get_user_unit(pid, text) + sd_pid_get_slice(pid, text) + sd_pid_get_user_slice(pid, text) +
                sd_pid_get_machine_name(pid, text) + sd_pid_get_cgroup(pid, text) +
                sd_pidfd_get_session(fd, text) + sd_pidfd_get_owner_uid(fd, uid) + sd_pidfd_get_unit(fd, text) +
                sd_pidfd_get_user_unit(fd, text) + sd_pidfd_get_slice(fd, text) + sd_pidfd_get_user_slice(fd, text) +
                sd_pidfd_get_machine_name(fd, text) + sd_pidfd_get_cgroup(fd, text) +
                sd_peer_get_session(fd, text) + sd_peer_get_owner_uid(fd, uid) + sd_peer_get_unit(fd, text) +
                sd_peer_get_user_unit(fd, text) + sd_peer_get_slice(fd, text) + sd_peer_get_user_slice(fd, text) +
                sd_peer_get_machine_name(fd, text) + sd_peer_get_cgroup(fd, text);
}

int who(const char *id, uid_t uid, char **text, char ***list, uint64_t *usec);
int who(const char *id, uid_t uid, char **text, char ***list, uint64_t *usec) {
        pid_t leader;
        uid_t *uids;
        unsigned n;
        int *ifindices;

        return sd_uid_get_state(uid, text) + sd_uid_get_display(uid, text) + sd_uid_get_login_time(uid, usec) +
                sd_uid_is_on_seat(uid, 1, id) + sd_uid_get_sessions(uid, 0, list) + sd_uid_get_seats(uid, 0, list) +
                sd_session_is_active(id) + sd_session_is_remote(id) + sd_session_get_extra_device_access(id, list) +
                sd_session_get_state(id, text) + sd_session_get_uid(id, &uid) + sd_session_get_username(id, text) +
                sd_session_get_seat(id, text) + sd_session_get_start_time(id, usec) + sd_session_get_service(id, text) +
                sd_session_get_type(id, text) + sd_session_get_class(id, text) + sd_session_get_desktop(id, text) +
                sd_session_get_display(id, text) + sd_session_get_leader(id, &leader) +
                sd_session_get_remote_host(id, text) + sd_session_get_remote_user(id, text) +
                sd_session_get_tty(id, text) + sd_session_get_vt(id, &n) +
                sd_seat_get_active(id, text, &uid) + sd_seat_get_sessions(id, list, &uids, &n) + sd_seat_can_tty(id) +
                sd_seat_can_graphical(id) + sd_machine_get_class(id, text) + sd_machine_get_ifindices(id, &ifindices) +
                sd_get_seats(list) + sd_get_sessions(list) + sd_get_machine_names(list) + sd_get_uids(&uids);
}

int watch(uint64_t *timeout);
int watch(uint64_t *timeout) {
        __attribute__((__cleanup__(sd_login_monitor_unrefp))) sd_login_monitor *m = (sd_login_monitor *) 0;

        if (sd_login_monitor_new("seat", &m) < 0)
                return 0;
        if (sd_login_monitor_flush(m) + sd_login_monitor_get_timeout(m, timeout) + sd_login_monitor_get_events(m) < 0)
                m = sd_login_monitor_unref(m);
        return sd_login_monitor_get_fd(m);
}

int identify(char *digits, const char *text);
int identify(char *digits, const char *text) {
        sd_id128_t id, app;

        if (sd_id128_from_string(text, &app) < 0 || sd_id128_randomize(&id) < 0)
                return 0;
        if (sd_id128_is_null(app) || sd_id128_is_allf(id) || sd_id128_equal(id, app))
                return sd_id128_string_equal(text, app);

        return (sd_id128_to_string(id, digits) == digits) + (sd_id128_to_uuid_string(id, digits) == digits) +
                sd_id128_get_machine(&id) + sd_id128_get_boot(&id) + sd_id128_get_invocation(&id) +
                sd_id128_get_app_specific(id, app, &id) + sd_id128_get_machine_app_specific(app, &id) +
                sd_id128_get_boot_app_specific(app, &id) + sd_id128_get_invocation_app_specific(app, &id) +
                sd_id128_in_set_sentinel(id, app, app);
}

/* The rest is for C, as C++ has no compound literals. */
#ifndef __cplusplus
static const sd_id128_t some_id = SD_ID128_ARRAY(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 97);

int identify_in_c(sd_id128_t id, va_list ap);
int identify_in_c(sd_id128_t id, va_list ap) {
        const sd_id128_t other = SD_ID128_MAKE(c2, 73, 27, 73, 23, db, 45, 4e, a6, 3b, b9, 6e, 79, b5, 3e, 98);

        return sd_journal_print(LOG_INFO, SD_ID128_FORMAT_STR, SD_ID128_FORMAT_VAL(id)) +
                sd_journal_print(LOG_INFO, SD_ID128_UUID_FORMAT_STR, SD_ID128_FORMAT_VAL(id)) +
                sd_journal_print(LOG_INFO, "%s", SD_ID128_TO_STRING(some_id)) +
                sd_journal_print(LOG_INFO, "%s", SD_ID128_TO_UUID_STRING(some_id)) +
                sd_journal_print(LOG_INFO, "%s", SD_ID128_CONST_STR(some_id)) +
                sd_id128_in_set(id) + sd_id128_in_set(id, other) + sd_id128_in_set(id, some_id, SD_ID128_ALLF) +
                sd_id128_in_setv(SD_ID128_NULL, ap);
}
#endif
