/* A service that floods its manager. Its first argument says with what. With `elsewhere` as the second, a process of its own takes that
   instead of the manager. */

#define _GNU_SOURCE
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 48 * 1024 };

static int elsewhere;

static int is(const char *argument, const char *flood) { return strcmp(argument, flood) == 0; }

/* A socket from whose other end a process takes what is written to it. */
static int taken(int type) {
    static char piece[128 * 1024];
    int ends[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
        exit(1);
    if (fork() == 0) {
        close(ends[1]);
        while (recv(ends[0], piece, type == SOCK_STREAM ? PIECE : sizeof piece, 0) > 0)
            ;
        exit(0);
    }
    close(ends[0]);
    return ends[1];
}

/* Processes that end at once, and that are left to the manager. */
static void processes(void) {
    if (elsewhere) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (fork() > 0)
            while (wait(NULL) > 0)
                ;
    }
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            fork();
            _exit(0);
        }
        if (child > 0)
            waitpid(child, NULL, 0);
    }
}

/* As many processes as there may be, each of which wants more. */
static void bomb(void) {
    for (;;)
        if (fork() < 0)
            usleep(1000);
}

/* Lines of one letter: so many for so few bytes as can be. */
static void lines(void) {
    int out = elsewhere ? taken(SOCK_STREAM) : STDOUT_FILENO;
    char text[4096];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '\n' : 'x';
    while (write(out, text, sizeof text) > 0)
        ;
}

static int connected(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof address.sun_path)
        exit(1);
    memcpy(address.sun_path, path, size);
    if (*path == '@')
        address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + size) < 0)
        exit(1);
    return fd;
}

/* Datagrams, as fast as they are taken. */
static void datagrams(const char *path, const char *text, size_t length) {
    int fd = elsewhere ? taken(SOCK_DGRAM) : connected(path);
    while (send(fd, text, length, 0) >= 0)
        ;
    perror("send");
    exit(1);
}

int main(int argc, char **argv) {
    const char *flood = argc > 1 ? argv[1] : "";
    elsewhere = argc > 2 && is(argv[2], "elsewhere");
    if (is(flood, "processes"))
        processes();
    if (is(flood, "bomb"))
        bomb();
    if (is(flood, "lines"))
        lines();
    if (is(flood, "entries"))
        datagrams("/run/systemd/journal/socket", "MESSAGE=x\n", 10);
    if (is(flood, "large-entries")) {
        static char text[100 * 1024] = "MESSAGE=";
        memset(text + 8, 'x', sizeof text - 9);
        text[sizeof text - 1] = '\n';
        datagrams("/run/systemd/journal/socket", text, sizeof text);
    }
    if (is(flood, "notifications"))
        datagrams(getenv("NOTIFY_SOCKET"), "STATUS=x", 8);
    fprintf(stderr, "%s: no flood\n", flood);
    return 2;
}
