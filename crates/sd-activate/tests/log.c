/* Logs in every way that libsystemd has and syslog(3), then waits to be killed. */

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

int main(void) {
    static char large[1024 * 1024];
    const char *lines = "from a stream\n<7>at another level\n";
    int fd;

    sd_journal_print(LOG_NOTICE, "from %s", "sd_journal_print");
    sd_journal_send("MESSAGE=from sd_journal_send", "PRIORITY=%i", LOG_ERR, "FIELD=x", "TWO=two\nlines",
                    "_PID=1", "_SYSTEMD_UNIT=other.service", "_UID=4711", NULL);
    fd = sd_journal_stream_fd("streamed", LOG_WARNING, 1);
    if (fd < 0 || write(fd, lines, strlen(lines)) < 0)
        return 1;
    syslog(LOG_LOCAL3 | LOG_CRIT, "from syslog");
    memset(large, 'x', sizeof(large) - 1);
    sd_journal_send("MESSAGE=too large for a datagram", "LARGE=%s", large, NULL);
    pause();
    return 0;
}
