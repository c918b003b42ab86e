/*
 * client ADDRESS TEXT: sends a line, and prints the answer, or what went wrong. An address is one of
 * tcp:HOST:PORT, udp:HOST:PORT, udplite:HOST:PORT, stream:PATH, datagram:PATH, packet:PATH, fifo:PATH, queue:NAME; PATH may
 * begin with @. Without TEXT nothing is sent, and only what the other side says is waited for.
 *
 * client terminal:PATH: makes a terminal, to which PATH is a link, and keeps it until it is killed.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE = 5000 };

static int fail(const char *what)
{
    printf("%s: %s\n", what, strerrorname_np(errno));
    return EXIT_SUCCESS;
}

static int by_path(int type, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    sa_family_t family = AF_UNIX;
    int fd = socket(AF_UNIX, type, 0);

    /* For an answer to a datagram it needs an address of its own: the kernel chooses one. */
    if (type == SOCK_DGRAM)
        bind(fd, (struct sockaddr *)&family, sizeof family);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (*path == '@')
        address.sun_path[0] = '\0';
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int by_host(int type, int protocol, char *host)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_protocol = protocol, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;
    char *port = strrchr(host, ':');
    int fd;

    *port++ = '\0';
    if (protocol == IPPROTO_UDPLITE)
        hints.ai_socktype = hints.ai_protocol = 0;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        errno = EINVAL;
        return -1;
    }
    fd = socket(found->ai_family, type, protocol);
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Opens what is only written to. */
static int write_to(int fd, const char *text)
{
    if (fd < 0)
        return fail("open");
    if (write(fd, text, strlen(text)) < 0)
        return fail("write");
    printf("written\n");
    return EXIT_SUCCESS;
}

static int send_message(const char *name, const char *text)
{
    mqd_t queue = mq_open(name, O_WRONLY);

    if (queue < 0)
        return fail("open");
    if (mq_send(queue, text, strlen(text), 0) < 0)
        return fail("send");
    printf("written\n");
    return EXIT_SUCCESS;
}

static int keep_terminal(const char *path)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    char bytes[256];

    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return fail("terminal");
    /* As long as it is open here, too, nobody who closes it ends it. */
    open(ptsname(master), O_RDWR | O_NOCTTY);
    unlink(path);
    if (symlink(ptsname(master), path) < 0)
        return fail("link");
    while (read(master, bytes, sizeof bytes) > 0)
        ;
    return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    char *where = strchr(argv[1], ':'), text[1024] = "", answer[4096];
    struct pollfd ready = {.events = POLLIN};
    ssize_t length;

    *where++ = '\0';
    if (argc > 2)
        snprintf(text, sizeof text, "%s\n", argv[2]);
    if (strcmp(argv[1], "terminal") == 0)
        return keep_terminal(where);
    if (strcmp(argv[1], "fifo") == 0)
        return write_to(open(where, O_WRONLY | O_NONBLOCK), text);
    if (strcmp(argv[1], "queue") == 0)
        return send_message(where, text);
    ready.fd = strcmp(argv[1], "tcp") == 0        ? by_host(SOCK_STREAM, 0, where)
               : strcmp(argv[1], "udp") == 0      ? by_host(SOCK_DGRAM, 0, where)
               : strcmp(argv[1], "udplite") == 0  ? by_host(SOCK_DGRAM, IPPROTO_UDPLITE, where)
               : strcmp(argv[1], "datagram") == 0 ? by_path(SOCK_DGRAM, where)
               : strcmp(argv[1], "packet") == 0   ? by_path(SOCK_SEQPACKET, where)
                                                  : by_path(SOCK_STREAM, where);
    if (ready.fd < 0)
        return fail("connect");
    if (argc > 2 && send(ready.fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return fail("send");
    if (poll(&ready, 1, PATIENCE) == 0) {
        printf("no answer\n");
        return EXIT_SUCCESS;
    }
    length = read(ready.fd, answer, sizeof answer - 1);
    if (length < 0)
        return fail("read");
    answer[length] = '\0';
    answer[strcspn(answer, "\n")] = '\0';
    printf("%s\n", length > 0 ? answer : "closed");
    return EXIT_SUCCESS;
}
