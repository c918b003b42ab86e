/*
 * pidfdid right|wrong PROGRAM: runs a program as systemd 258 does, with LISTEN_PIDFDID, or with another process's.
 * pidfdid check PROGRAM: the same without touching the variable, provided that it is there and right.
 */
#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
    char id[32];
    uint64_t inode;
    int r = sd_pidfd_get_inode_id((int)syscall(SYS_pidfd_open, getpid(), 0), &inode);

    if (argc != 3)
        return EXIT_FAILURE;
    if (r < 0) {
        printf("no inode for a pidfd: %s\n", strerror(-r));
        return EXIT_SUCCESS;
    }

    snprintf(id, sizeof id, "%" PRIu64, strcmp(argv[1], "wrong") == 0 ? inode + 1 : inode);
    if (strcmp(argv[1], "check") != 0)
        setenv("LISTEN_PIDFDID", id, 1);

    const char *value = getenv("LISTEN_PIDFDID");

    if (!value || (strcmp(argv[1], "wrong") != 0 && strcmp(value, id) != 0)) {
        printf("LISTEN_PIDFDID is %s, not %s\n", value ? value : "not there", id);
        return EXIT_SUCCESS;
    }

    execl(argv[2], argv[2], (char *)NULL);
    return EXIT_FAILURE;
}
