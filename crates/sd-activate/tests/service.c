/* A service for the tests. Its first argument says what it does. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

extern char **environ;

static int passed(void) { return getenv("LISTEN_FDS") ? 3 : 0; }

static void option(FILE *out, int fd, int level, int name, const char *shown) {
    int value = 0;
    socklen_t length = sizeof value;
    if (getsockopt(fd, level, name, &value, &length) == 0)
        fprintf(out, " %s=%d", shown, value);
}

static void address(FILE *out, const struct sockaddr_storage *any, socklen_t length, int port) {
    char text[INET6_ADDRSTRLEN];
    if (any->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)any;
        fprintf(out, "%s:%d", inet_ntop(AF_INET, &in->sin_addr, text, sizeof text), port ? ntohs(in->sin_port) : 0);
    } else if (any->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)any;
        fprintf(out, "[%s]:%d%%%u", inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text),
                port ? ntohs(in6->sin6_port) : 0, in6->sin6_scope_id);
    } else {
        const struct sockaddr_un *un = (const void *)any;
        struct stat file;
        fprintf(out, "family %d length %u ", any->ss_family, length);
        for (socklen_t i = 0; i + offsetof(struct sockaddr_un, sun_path) < length; i++)
            fputc(un->sun_path[i] ? un->sun_path[i] : '@', out);
        if (un->sun_path[0] == '/' && stat(un->sun_path, &file) == 0)
            fprintf(out, " mode %o", file.st_mode);
    }
}

static void describe_socket(FILE *out, int fd) {
    struct sockaddr_storage any = {0};
    socklen_t length = sizeof any;
    option(out, fd, SOL_SOCKET, SO_DOMAIN, "domain");
    option(out, fd, SOL_SOCKET, SO_TYPE, "type");
    option(out, fd, SOL_SOCKET, SO_PROTOCOL, "protocol");
    option(out, fd, SOL_SOCKET, SO_ACCEPTCONN, "listening");
    option(out, fd, SOL_SOCKET, SO_REUSEADDR, "reuseaddr");
    option(out, fd, SOL_SOCKET, SO_REUSEPORT, "reuseport");
    option(out, fd, SOL_SOCKET, SO_KEEPALIVE, "keepalive");
    option(out, fd, SOL_SOCKET, SO_BROADCAST, "broadcast");
    option(out, fd, SOL_SOCKET, SO_PASSCRED, "passcred");
    option(out, fd, IPPROTO_IP, IP_FREEBIND, "freebind");
    option(out, fd, IPPROTO_IP, IP_TRANSPARENT, "transparent");
    option(out, fd, IPPROTO_IPV6, IPV6_V6ONLY, "v6only");
    option(out, fd, IPPROTO_TCP, TCP_NODELAY, "nodelay");
    option(out, fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, "defer");
    if (getpeername(fd, (struct sockaddr *)&any, &length) == 0) {
        fprintf(out, " peer ");
        address(out, &any, length, 0);
    } else {
        /* Those of connections grow with what is sent. */
        option(out, fd, SOL_SOCKET, SO_RCVBUF, "rcvbuf");
        option(out, fd, SOL_SOCKET, SO_SNDBUF, "sndbuf");
        struct tcp_info tcp = {0};
        socklen_t size = sizeof tcp;
        /* Of a socket that listens, this is the backlog. */
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &size) == 0)
            fprintf(out, " backlog=%u", tcp.tcpi_sacked);
    }
    length = sizeof any;
    if (getsockname(fd, (struct sockaddr *)&any, &length) == 0) {
        fprintf(out, " name ");
        address(out, &any, length, 1);
    }
}

static unsigned long long own_pidfd_id(void) {
    struct stat pidfd;
    int fd = syscall(SYS_pidfd_open, getpid(), 0);
    if (fd < 0 || fstat(fd, &pidfd) < 0)
        return 0;
    close(fd);
    return pidfd.st_ino;
}

/* Everything that the service was given. Process ids are told by whether they are its own. */
static int dump(const char *path, int argc, char **argv) {
    char temporary[4096];
    struct rlimit limit;
    sigset_t blocked;
    int death = 0;

    snprintf(temporary, sizeof temporary, "%s.%d", path, getpid());
    /* The test is to read it, whatever the mask. */
    mode_t mask = umask(077);
    FILE *out = fopen(temporary, "we");
    if (!out)
        return 1;
    for (int i = 0; i < argc; i++)
        fprintf(out, "argument <%s>\n", argv[i]);
    for (char **variable = environ; *variable; variable++) {
        if (strncmp(*variable, "LISTEN_PID=", 11) == 0 && atoi(*variable + 11) == getpid())
            fprintf(out, "variable LISTEN_PID=own\n");
        else if (strncmp(*variable, "LISTEN_PIDFDID=", 15) == 0 && strtoull(*variable + 15, NULL, 10) == own_pidfd_id())
            fprintf(out, "variable LISTEN_PIDFDID=own\n");
        else
            fprintf(out, "variable %s\n", *variable);
    }
    fprintf(out, "umask %o\n", mask);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (sigismember(&blocked, number) == 1)
            fprintf(out, "signal %d blocked\n", number);
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            fprintf(out, "signal %d ignored\n", number);
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    fprintf(out, "descriptors at most %ld of %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
    prctl(PR_GET_PDEATHSIG, &death);
    fprintf(out, "death signal %d\n", death);
    fprintf(out, "priority %d\n", getpriority(PRIO_PROCESS, 0));
    fprintf(out, "session leader %d, group leader %d\n", getsid(0) == getpid(), getpgrp() == getpid());
    for (int fd = 0; fd < 1024; fd++) {
        struct stat file;
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || fd == fileno(out))
            continue;
        fstat(fd, &file);
        fprintf(out, "descriptor %d: flags %d, status %o, type %o", fd, flags, fcntl(fd, F_GETFL), file.st_mode & S_IFMT);
        if (S_ISSOCK(file.st_mode))
            describe_socket(out, fd);
        fputc('\n', out);
    }
    fclose(out);
    umask(mask);
    return rename(temporary, path);
}

/* Answers whatever has come, on each descriptor that was passed. */
static void answer(void) {
    int first = passed(), count = first ? atoi(getenv("LISTEN_FDS")) : 1;
    for (int fd = first; fd < first + count; fd++) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int listening = 0;
        socklen_t length = sizeof listening;
        /* Where there is but one, it may be a connection whose client has not sent anything yet. */
        if (poll(&ready, 1, count == 1 ? -1 : 0) != 1)
            continue;
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length);
        if (listening) {
            char text[100];
            int connection = accept(fd, NULL, NULL);
            /* What is left unread would reset the connection, and the answer with it. */
            read(connection, text, sizeof text);
            write(connection, "hello\n", 6);
            close(connection);
        } else {
            struct sockaddr_storage peer;
            socklen_t size = sizeof peer;
            char text[100];
            if (recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&peer, &size) >= 0)
                sendto(fd, "hello\n", 6, 0, size ? (struct sockaddr *)&peer : NULL, size);
        }
    }
}

static const char *note;
static volatile sig_atomic_t hung_up;

/* All in the handler: a flag could be set just before accept() waits. */
static void stop(int number) {
    char text[] = "stopped by 00\n";
    text[11] += number / 10;
    text[12] += number % 10;
    /* Whoever does not wait for this process misses the note. */
    usleep(200 * 1000);
    int out = open(note, O_WRONLY | O_CREAT, 0600);
    write(out, text, sizeof text - 1);
    _exit(7);
}

static void hang_up(int number) { hung_up = number; }

/* Serves one connection after another; each line is a command. */
static int serve(void) {
    signal(SIGHUP, hang_up);
    if (note) {
        signal(SIGTERM, stop);
        signal(SIGINT, stop);
    }
    for (;;) {
        int connection = accept(passed(), NULL, NULL);
        if (connection < 0)
            continue;
        char line[100] = "";
        ssize_t length = read(connection, line, sizeof line - 1);
        if (length > 0)
            line[length] = 0;
        if (strncmp(line, "pid", 3) == 0)
            dprintf(connection, "%d %d\n", getpid(), hung_up);
        if (strncmp(line, "exit ", 5) == 0)
            return atoi(line + 5);
        if (strncmp(line, "kill ", 5) == 0)
            kill(getpid(), atoi(line + 5));
        close(connection);
    }
}

/* Answers one connection, and shuts down the socket it came to. */
static int shut_down(void) {
    answer();
    shutdown(passed(), SHUT_RDWR);
    return 0;
}

/* Answers one connection, and removes the file of the socket it came to. */
static int unlink_socket(const char *path) {
    answer();
    unlink(path);
    return 0;
}

/* Writes down each signal that comes. */
static void take_signals(const char *path) {
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    dprintf(out, "ready\n");
    for (;;) {
        int number = 0;
        if (sigwait(&all, &number) == 0)
            dprintf(out, "%d\n", number);
    }
}

/* Leaves the work to a child: as a daemon does in the background, or a master that has a worker. */
static int fork_and_serve(int background) {
    pid_t child = fork();
    if (child == 0)
        return serve();
    if (background)
        return 0;
    for (;;)
        pause();
}

/* Says READY=1 as sd_notify(3) does, and serves. */
static int notify(void) {
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!name)
        return 98;
    strcpy(address.sun_path, name);
    address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sendto(fd, "STATUS=x\nREADY=1", 16, 0, (struct sockaddr *)&address,
           offsetof(struct sockaddr_un, sun_path) + strlen(name));
    return serve();
}

/* Reads a line from standard input, and writes it down. */
static int read_line(const char *path) {
    char text[100];
    ssize_t length = read(0, text, sizeof text);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    write(out, text, length > 0 ? length : 0);
    return serve();
}

static volatile sig_atomic_t leaving;

static void leave(int number) { leaving = number; }

/* Takes what waits there, and answers it with what it says and who answers. */
static void take(int fd) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer, length = sizeof(int);
    char text[100], answer[120];
    int accepts = 0, connection = fd;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length);
    if (accepts && (connection = accept(fd, NULL, NULL)) < 0)
        return;
    ssize_t got = accepts ? read(connection, text, sizeof text)
                          : recvfrom(fd, text, sizeof text, MSG_DONTWAIT, (struct sockaddr *)&peer, &size);
    if (got >= 0) {
        int count = snprintf(answer, sizeof answer, "%.*s %d\n", (int)got, text, getpid());
        if (accepts)
            write(connection, answer, count);
        else
            sendto(fd, answer, count, 0, (struct sockaddr *)&peer, size);
    }
    if (accepts)
        close(connection);
}

/* Answers one after the other, whatever it is passed. What it has taken it answers before it ends: SIGTERM waits for that, and who
   sends SIGKILL takes the lock first. */
static int careful(const char *path) {
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), count = atoi(getenv("LISTEN_FDS"));
    struct pollfd ready[16];
    sigset_t blocked, waiting;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &waiting);
    signal(SIGTERM, leave);
    for (int i = 0; i < count; i++) {
        ready[i] = (struct pollfd){.fd = 3 + i, .events = POLLIN};
        fcntl(3 + i, F_SETFL, O_NONBLOCK | fcntl(3 + i, F_GETFL));
    }
    while (!leaving) {
        if (ppoll(ready, count, NULL, &waiting) <= 0)
            continue;
        flock(lock, LOCK_EX);
        for (int i = 0; i < count; i++)
            if (ready[i].revents & POLLIN)
                take(3 + i);
        flock(lock, LOCK_UN);
    }
    return 0;
}

/* Answers each line of a connection with what it says and who answers. */
static int echo(void) {
    char text[100];
    ssize_t length;
    while ((length = read(passed(), text, sizeof text)) > 0) {
        char answer[120];
        write(passed(), answer, snprintf(answer, sizeof answer, "%.*s %d\n", (int)length, text, getpid()));
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "dump") == 0) {
        int status = dump(argv[2], argc, argv);
        answer();
        return status;
    }
    if (strcmp(what, "serve") == 0) {
        note = argv[2];
        return serve();
    }
    if (strcmp(what, "shutdown") == 0)
        return shut_down();
    if (strcmp(what, "unlink") == 0)
        return unlink_socket(argv[2]);
    if (strcmp(what, "signals") == 0)
        take_signals(argv[2]);
    if (strcmp(what, "background") == 0)
        return fork_and_serve(1);
    if (strcmp(what, "master") == 0)
        return fork_and_serve(0);
    if (strcmp(what, "line") == 0)
        return read_line(argv[2]);
    if (strcmp(what, "notify") == 0)
        return notify();
    if (strcmp(what, "status") == 0)
        return atoi(argv[2]);
    if (strcmp(what, "careful") == 0)
        return careful(argv[2]);
    if (strcmp(what, "echo") == 0)
        return echo();
    if (strcmp(what, "one") == 0) {
        answer();
        return 0;
    }
    if (strcmp(what, "refuse") == 0) {
        int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        write(log, "x", 1);
        return 3;
    }
    if (strcmp(what, "connection") == 0) {
        char text[100];
        dprintf(passed(), "%d\n", getpid());
        while (read(passed(), text, sizeof text) > 0)
            continue;
        return 0;
    }
    return 99;
}
