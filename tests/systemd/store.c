/*
 * A service that stores a file in the service manager, and says in its status which file it stored or was given back. SIGUSR1
 * makes it take the file out of the store.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static volatile sig_atomic_t removed;

static void take_out(int signal)
{
    (void)signal;
    removed = 1;
}

int main(void)
{
    char **names = NULL;
    char content[64] = "";
    struct stat status;
    int n = sd_listen_fds_with_names(1, &names);
    int fd = SD_LISTEN_FDS_START;

    if (n < 0)
        return EXIT_FAILURE;

    signal(SIGUSR1, take_out);

    if (n == 0) {
        fd = open("/run", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0 || dprintf(fd, "by process %d", getpid()) < 0)
            return EXIT_FAILURE;
        if (sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=kept", &fd, 1) <= 0)
            return EXIT_FAILURE;
    }

    if (fstat(fd, &status) < 0 || pread(fd, content, sizeof content - 1, 0) < 0)
        return EXIT_FAILURE;

    /* After the barrier the manager has the descriptor, whatever becomes of this process. */
    if (sd_notify_barrier(0, 5000000) <= 0)
        return EXIT_FAILURE;
    sd_notifyf(0, "READY=1\nSTATUS=%d passed (%s): file %" PRIuMAX ", written %s", n, n > 0 ? names[0] : "",
               (uintmax_t)status.st_ino, content);

    for (;;) {
        pause();
        if (removed)
            sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=kept");
    }
}
