/* A service that floods its manager. Its argument says with what. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int is(const char *argument, const char *flood) { return strcmp(argument, flood) == 0; }

/* Processes that end at once, and that are left to the manager. */
static void processes(void) {
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

/* Lines of one letter: so many for so few bytes as can be. */
static void lines(void) {
    char text[4096];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '\n' : 'x';
    while (write(STDOUT_FILENO, text, sizeof text) > 0)
        ;
}

/* Datagrams, as fast as they are taken. */
static void datagrams(const char *path, const char *text, size_t length) {
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
    while (send(fd, text, length, 0) >= 0)
        ;
    perror("send");
    exit(1);
}

int main(int argc, char **argv) {
    const char *flood = argc > 1 ? argv[1] : "";
    if (is(flood, "processes"))
        processes();
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
