/*
 * Answers "Hello, client!" to every message, one client after the other.
 *
 *     myservice [PORT]         PORT is 8080 unless given
 *
 * Its listening socket comes from the service manager (socket activation); started by hand it opens one itself.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define SERVER_PORT 8080
#define BUFFER_SIZE 1024

/* Says it on stderr too: where there is no journal, what is logged vanishes, and a service that ends must say why. */
static int failed(const char *what)
{
    const char *why = strerror(errno);

    sd_journal_print(LOG_ERR, "%s: %s", what, why);
    fprintf(stderr, "myservice: %s: %s\n", what, why);
    return -1;
}

static int open_socket(uint16_t port)
{
    const int on = 1;
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = { .s_addr = htonl(INADDR_ANY) },
    };

    int handle = socket(AF_INET, SOCK_STREAM, 0);
    if (handle < 0)
        return failed("server socket error");

    /* Connections of an earlier run stay in TIME_WAIT for a minute and would keep the port until then. */
    if (setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return failed("server setsockopt error");

    if (bind(handle, (const struct sockaddr *)&address, sizeof address) < 0)
        return failed("server bind error");

    if (listen(handle, 10) < 0)
        return failed("server listen error");

    return handle;
}

static int find_socket(int n, uint16_t port)
{
    for (int handle = SD_LISTEN_FDS_START; handle < SD_LISTEN_FDS_START + n; ++handle)
        if (sd_is_socket_inet(handle, AF_INET, SOCK_STREAM, 1, port) > 0) {
            sd_journal_print(LOG_INFO, "this is a IPv4 TCP socket listening on port %d", port);
            return handle;
        }

    sd_journal_print(LOG_ERR, "No file descriptors found for port %d .", port);
    fprintf(stderr,
            "myservice: none of the %d passed file descriptor(s) is an IPv4 TCP socket listening on port %d; "
            "if it is another port, name it: myservice PORT\n", n, port);
    return -1;
}

static int get_socket(uint16_t port)
{
    int n = sd_listen_fds(0);

    if (n < 0) {
        errno = -n;
        return failed("server sd_listen_fds error");
    }

    if (n == 0) {
        sd_journal_print(LOG_INFO, "No file descriptors received,we need to creat a tcp socket.");
        return open_socket(port);
    }

    sd_journal_print(LOG_INFO, "Received %d file descriptor(s) from systemd", n);
    return find_socket(n, port);
}

/* Whether only the connection that was to be accepted is lost, and the next accept() may succeed: see accept(2). */
static int lost_one_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
        return 1;
    default:
        return 0;
    }
}

static ssize_t receive(int client, char *buffer, size_t size)
{
    ssize_t received;

    do
        received = recv(client, buffer, size, 0);
    while (received < 0 && errno == EINTR);

    return received;
}

static int send_all(int client, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        /* A client that has gone must not end the service by SIGPIPE. */
        ssize_t sent = send(client, text, left, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;

        text += sent;
        left -= (size_t)sent;
    }

    return 0;
}

static void serve(int client)
{
    char buffer[BUFFER_SIZE];
    ssize_t received;

    while ((received = receive(client, buffer, sizeof buffer)) > 0) {
        sd_journal_print(LOG_INFO, "Message received from client: %.*s", (int)received, buffer);

        if (send_all(client, "Hello, client!") < 0) {
            sd_journal_print(LOG_INFO, "Server Send failed: %s", strerror(errno));
            return;
        }
    }

    if (received < 0)
        sd_journal_print(LOG_INFO, "Server Receive failed: %s", strerror(errno));
}

static uint16_t parse_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    return *end == '\0' && port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

int main(int argc, char *argv[])
{
    uint16_t port = argc > 1 ? parse_port(argv[1]) : SERVER_PORT;

    if (argc > 2 || port == 0) {
        fprintf(stderr, "usage: myservice [PORT]\nPORT is a number from 1 to 65535, %d unless given.\n", SERVER_PORT);
        return EXIT_FAILURE;
    }

    int handle = get_socket(port);
    if (handle < 0)
        return EXIT_FAILURE;

    for (;;) {
        int client = accept(handle, NULL, NULL);

        if (client < 0 && lost_one_connection(errno))
            continue;
        if (client < 0) {
            failed("Accept failed");
            return EXIT_FAILURE;
        }

        serve(client);
        close(client);
    }
}
