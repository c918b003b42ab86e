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
