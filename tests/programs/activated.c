/* Tells its first client what it was passed, and ends. Its argument is the port that it expects. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#if defined(FROM_PREFIX) && !(defined(SDLITE_SD_DAEMON_H) && defined(SDLITE_SD_JOURNAL_H))
#error "These are the headers of somebody else."
#endif

int main(int argc, char *argv[]) {
        uint16_t port = argc > 1 ? (uint16_t) atoi(argv[1]) : 0;
        int passed = sd_listen_fds(1);
        int inet = sd_is_socket_inet(SD_LISTEN_FDS_START, AF_INET, SOCK_STREAM, 1, port);
        int logged = sd_journal_print(LOG_INFO, "Passed on port %d: %d", port, passed);
        int client = accept(SD_LISTEN_FDS_START, NULL, NULL);

        return dprintf(client, "sd_listen_fds %d, sd_is_socket_inet %d, sd_journal_print %d\n", passed, inet, logged) < 0;
}
