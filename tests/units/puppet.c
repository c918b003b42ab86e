/*
 * puppet PAIR LABEL [NATURE]: a process of a service that does what it is told. It listens at a socket that is called by its
 * label, and then calls itself "waiting"; of several with one label the last one is told.
 *
 *   exit STATUS    kill SIGNAL    notify TEXT    take (a connection)    fork
 *
 * By nature it is mortal, ends with 0 when it is told to by SIGTERM (polite), or ignores that (stubborn). With exit:STATUS it ends at once.
 */
#define _GNU_SOURCE

#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void end_well(int signal)
{
    (void)signal;
    _exit(EXIT_SUCCESS);
}

static struct sockaddr_un at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    return address;
}

static void notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = at(path ? path : "/nowhere");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path ? path : "/nowhere")));
    close(fd);
}

/* Takes one who has connected to the socket that was passed, if anybody has. */
static void take(void)
{
    struct pollfd passed = {.fd = 3, .events = POLLIN};

    if (poll(&passed, 1, 0) == 1)
        close(accept4(passed.fd, NULL, NULL, SOCK_CLOEXEC));
}

static void obey(const char *command)
{
    int number = atoi(strchr(command, ' ') ? strchr(command, ' ') + 1 : "");

    if (strncmp(command, "exit ", 5) == 0)
        _exit(number);
    else if (strncmp(command, "kill ", 5) == 0)
        kill(getpid(), number);
    else if (strncmp(command, "notify ", 7) == 0)
        notify(command + 7);
    else if (strcmp(command, "take") == 0)
        take();
    else if (strcmp(command, "fork") == 0 && fork() == 0)
        for (;;)
            pause();
}

int main(int argc, char *argv[])
{
    const char *nature = argc > 3 ? argv[3] : "mortal";
    struct sockaddr_un address, peer;
    char path[100], command[256];
    int fd;

    if (argc < 3)
        errx(EXIT_FAILURE, "usage: puppet PAIR LABEL [NATURE]");
    if (strncmp(nature, "exit:", 5) == 0)
        return atoi(nature + 5);
    if (strcmp(nature, "polite") == 0)
        signal(SIGTERM, end_well);
    else if (strcmp(nature, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);

    snprintf(path, sizeof path, "/units/dumps/%s.%s", argv[1], argv[2]);
    unlink(path);
    address = at(path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        err(EXIT_FAILURE, "%s", path);
    prctl(PR_SET_NAME, "waiting");
    for (;;) {
        socklen_t size = sizeof peer;
        ssize_t length = recvfrom(fd, command, sizeof command - 1, 0, (struct sockaddr *)&peer, &size);

        if (length < 0)
            continue;
        command[length] = '\0';
        command[strcspn(command, "\n")] = '\0';
        sendto(fd, "told", 4, 0, (struct sockaddr *)&peer, size);
        obey(command);
    }
}
