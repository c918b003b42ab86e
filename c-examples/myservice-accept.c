/*
 * Answers "Hello, client!_PID" to every message of one client, and ends with it.
 *
 * The service manager accepts the connection and passes it as stdin and stdout: a process for each client.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define BUFFER_SIZE 1024

static ssize_t receive(char *buffer, size_t size)
{
    ssize_t received;

    do
        received = recv(STDIN_FILENO, buffer, size, 0);
    while (received < 0 && errno == EINTR);

    return received;
}

static int send_all(const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        /* A client that has gone is an error to log, not a SIGPIPE. */
        ssize_t sent = send(STDOUT_FILENO, text, left, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;

        text += sent;
        left -= (size_t)sent;
    }

    return 0;
}

int main(void)
{
    long pid = getpid();
    char buffer[BUFFER_SIZE];
    char answer[64];
    ssize_t received;

    snprintf(answer, sizeof answer, "Hello, client!_%ld", pid);

    while ((received = receive(buffer, sizeof buffer)) > 0) {
        sd_journal_print(LOG_INFO, "server %ld  received client msg: %.*s", pid, (int)received, buffer);

        if (send_all(answer) < 0) {
            sd_journal_print(LOG_ERR, "Server send() failed: %s", strerror(errno));
            return EXIT_FAILURE;
        }
    }

    if (received < 0) {
        if (errno == ENOTSOCK)
            fputs("myservice-accept: stdin is not a connection; start it with\n"
                  "    sd-activate --accept --inetd -l 127.0.0.1:8080 ./myservice-accept\n", stderr);
        sd_journal_print(LOG_ERR, "Server recv() failed: %s", strerror(errno));
        return EXIT_FAILURE;
    }

    sd_journal_print(LOG_INFO, "Server recv() return 0, client close the socket");
    return EXIT_SUCCESS;
}
