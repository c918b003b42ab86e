/* A shared object that has the library's archive in it. */
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

int plug(void);
int plug(void) {
        char **names;

        /* What calls another function of the library, and what formats. */
        return sd_listen_fds_with_names(0, &names) == 0 && sd_journal_print(LOG_INFO, "From a plugin: %d", 1) == 0 &&
                sd_notifyf(0, "STATUS=Plugged by %s", "C") == 1;
}
