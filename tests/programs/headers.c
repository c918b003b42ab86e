/* Uses all that the headers declare, as C and as C++. They are included in the order that FIRST and SECOND name, and twice. */
#include FIRST
#include SECOND
#include FIRST
#include SECOND

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
