/*
 * Sends "Hello, Server!" three times, a second apart, and prints each answer.
 *
 *     myclient [PORT]          PORT is 8080 unless given
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_PORT 8080
#define SERVER_IP "127.0.0.1"
#define BUFFER_SIZE 1024

static int connect_to_server(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (inet_pton(AF_INET, SERVER_IP, &address.sin_addr) != 1) {
        fprintf(stderr, "Invalid address: %s\n", SERVER_IP);
        return -1;
    }

    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (server < 0) {
        perror("Socket creation failed");
        return -1;
    }

    if (connect(server, (const struct sockaddr *)&address, sizeof address) < 0) {
        fprintf(stderr, "Connection failed: %s: nothing answers on %s:%d; start myservice, or its socket, there\n",
                strerror(errno), SERVER_IP, port);
        close(server);
        return -1;
    }

    return server;
}

static int send_all(int server, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        /* A server that has gone is an error to report, not a SIGPIPE. */
        ssize_t sent = send(server, text, left, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;

        text += sent;
        left -= (size_t)sent;
    }

    return 0;
}

static ssize_t receive(int server, char *buffer, size_t size)
{
    ssize_t received;

    do
        received = recv(server, buffer, size, 0);
    while (received < 0 && errno == EINTR);

    return received;
}

static int exchange(int server, const char *message)
{
    char buffer[BUFFER_SIZE];

    if (send_all(server, message) < 0) {
        perror("Send failed");
        return -1;
    }
    printf("Message sent to server: %s\n", message);

    ssize_t received = receive(server, buffer, sizeof buffer);
    if (received < 0) {
        perror("Receive failed");
        return -1;
    }
    if (received == 0) {
        fputs("Receive failed: the server closed the connection\n", stderr);
        return -1;
    }
    printf("Message received from server: %.*s\n", (int)received, buffer);

    return 0;
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
        fprintf(stderr, "usage: myclient [PORT]\nPORT is a number from 1 to 65535, %d unless given.\n", SERVER_PORT);
        return EXIT_FAILURE;
    }

    int server = connect_to_server(port);
    if (server < 0)
        return EXIT_FAILURE;

    for (int sent = 0; sent < 3; ++sent) {
        if (exchange(server, "Hello, Server!") < 0) {
            close(server);
            return EXIT_FAILURE;
        }
        sleep(1);
    }

    close(server);
    return EXIT_SUCCESS;
}
