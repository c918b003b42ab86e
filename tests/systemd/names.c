/* Prints the descriptors that were passed: the name of each, and what it is. */
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

static const char *kind(int fd)
{
    if (sd_is_fifo(fd, "/run/sdlite-check/fifo") > 0)
        return "FIFO /run/sdlite-check/fifo";
    if (sd_is_mq(fd, "/sdlite-check") > 0)
        return "message queue /sdlite-check";
    if (sd_is_special(fd, "/dev/console") > 0)
        return "special file /dev/console";
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, "/run/sdlite-check/stream", 0) > 0)
        return "listening stream socket /run/sdlite-check/stream";
    if (sd_is_socket_unix(fd, SOCK_DGRAM, 0, "\0sdlite-check", sizeof "\0sdlite-check" - 1) > 0)
        return "datagram socket @sdlite-check";
    if (sd_is_socket_inet(fd, AF_INET6, SOCK_STREAM, 1, 8081) > 0)
        return "listening IPv6 stream socket, port 8081";
    if (sd_is_socket(fd, AF_NETLINK, SOCK_RAW, -1) > 0)
        return "netlink socket";
    return "something else";
}

int main(void)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n < 0) {
        printf("error: %s\n", strerror(-n));
        return EXIT_SUCCESS;
    }
    for (int i = 0; i < n; ++i) {
        printf("%s: %s\n", names[i], kind(SD_LISTEN_FDS_START + i));
        free(names[i]);
    }
    free(names);

    printf("%d passed, then %d\n", n, sd_listen_fds(0));
    return EXIT_SUCCESS;
}
