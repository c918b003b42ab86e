/*
 * probe PAIR LABEL [ACT...]: dumps what it finds as a service into the pair's file, and acts.
 *
 *   answer answer:N     takes what comes to the descriptors that are passed, for ever or N times, and answers with LABEL
 *   echo                reads a line from standard input, and answers on standard output
 *   take                reads a line from standard input into the dump
 *   say:TEXT err:TEXT   writes a line to standard output or standard error
 *   log:TEXT            sends an entry to the journal's socket
 *   syslog:TEXT         calls syslog(3)
 *   notify:TEXT         sends that to $NOTIFY_SOCKET
 *   notify-zero:TEXT    the same, with a byte of zero for each #
 *   notify-long:BYTES   the same with a STATUS= of which it becomes so long
 *   store:PATH:NAME     opens that, and has it stored by the manager
 *   note:TEXT           writes it into the dump
 *   try                 writes into the dump what it can and cannot do
 *   keys                writes its session keyring into the dump
 *   make:NAME objects   makes IPC objects; writes into the dump which there are
 *   trap:SIGNAL         writes into the dump that the signal has come, and ends
 *   catch:SIGNAL        the same, without an end
 *   ignore:SIGNAL       does as it says
 *   child               leaves a process behind that pauses
 *   depart              pauses, and has a process go on that has left parent, group and session
 *   sleep:MS pause exit:STATUS signal:SIGNAL
 */
#define _GNU_SOURCE

#include "probe.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

const char *dump_file;
static const char *label;

static void note(const char *field, const char *value)
{
    begin(label);
    line(value, "%s", field);
    end();
}

static void caught(int signal)
{
    char number[16];

    snprintf(number, sizeof number, "%d", signal);
    note("signal", number);
}

static void caught_and_ended(int signal)
{
    caught(signal);
    _exit(0);
}

/* Sends so much of a text, and a descriptor where that is none that is negative. */
static void send_with(const char *path, const char *text, size_t length, int passed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct iovec content = {.iov_base = (void *)text, .iov_len = length};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof passed)] = {0};
    struct msghdr message = {.msg_name = &address,
                             .msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)),
                             .msg_iov = &content,
                             .msg_iovlen = 1};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    if (passed >= 0) {
        struct cmsghdr *header = (struct cmsghdr *)control;

        *header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof passed), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(header), &passed, sizeof passed);
        message.msg_control = control;
        message.msg_controllen = sizeof control;
    }
    if (sendmsg(fd, &message, 0) < 0)
        note("send", strerror(errno));
    close(fd);
}

static void send_to(const char *path, const char *text)
{
    send_with(path, text, strlen(text), -1);
}

static void notify(const char *text, size_t length, int passed)
{
    send_with(getenv("NOTIFY_SOCKET") ?: "", text, length, passed);
}

static void notify_zero(const char *pattern)
{
    char text[256];
    size_t length = strlen(strncpy(text, pattern, sizeof text - 1));

    for (size_t i = 0; i < length; i++)
        if (text[i] == '#')
            text[i] = '\0';
    notify(text, length, -1);
}

static void notify_long(size_t length)
{
    char *text = malloc(length + 1);

    memset(text, 'x', length);
    memcpy(text, "STATUS=", strlen("STATUS="));
    notify(text, length, -1);
    free(text);
}

/* PATH:NAME */
static void store(const char *what)
{
    const char *name = strchr(what, ':');
    char path[64], text[128];
    int fd;

    snprintf(path, sizeof path, "%.*s", (int)(name - what), what);
    snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s", name + 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    notify(text, strlen(text), fd);
    close(fd);
}

/* Reads a line, or what is there until the other side ends. */
static void read_line(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t n = 1;

    while (length + 1 < size && n > 0 && (length == 0 || text[length - 1] != '\n')) {
        n = read(fd, text + length, 1);
        length += n > 0 ? (size_t)n : 0;
    }
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* Something has come to a descriptor. */
static void answer_one(int fd)
{
    char request[1024] = "", answer[2048];
    const char *name = descriptor_name(fd);
    int listening = 0, is_socket, client;
    socklen_t size = sizeof listening;

    is_socket = getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0;
    if (is_socket && listening) {
        client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            return;
        read_line(client, request, sizeof request);
        snprintf(answer, sizeof answer, "%s, by %s on %s\n", request, label, name ? name : "?");
        if (write(client, answer, strlen(answer)) < 0)
            note("write", strerror(errno));
        close(client);
    } else if (is_socket) {
        struct sockaddr_storage peer;

        size = sizeof peer;
        client = (int)recvfrom(fd, request, sizeof request - 1, 0, (struct sockaddr *)&peer, &size);
        request[strcspn(request, "\n")] = '\0';
        snprintf(answer, sizeof answer, "%s, by %s on %s\n", request, label, name ? name : "?");
        /* A connection, or a sender without an address, which gets no answer. */
        if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0 && size > sizeof(sa_family_t) &&
            sendto(fd, answer, strlen(answer), 0, (struct sockaddr *)&peer, size) < 0)
            note("sendto", strerror(errno));
        if (size <= sizeof(sa_family_t))
            note("received", request);
    } else {
        read_line(fd, request, sizeof request);
        note("received", request);
    }
}

static void answer(int times)
{
    int count = passed_descriptors();
    struct pollfd descriptors[64];

    for (int i = 0; i < count && i < 64; i++)
        descriptors[i] = (struct pollfd){.fd = FIRST + i, .events = POLLIN};
    while (times != 0 && count > 0) {
        if (poll(descriptors, (nfds_t)count, -1) < 0)
            continue;
        for (int i = 0; i < count && times != 0; i++)
            if (descriptors[i].revents) {
                answer_one(FIRST + i);
                times -= times > 0;
            }
    }
}

static void echo(void)
{
    char request[1024] = "";

    read_line(0, request, sizeof request);
    dprintf(1, "%s, by %s\n", request, label);
}

static void take(void)
{
    char request[1024] = "";

    read_line(0, request, sizeof request);
    note("taken", request);
}

static void log_entry(const char *message)
{
    char entry[2048];

    snprintf(entry, sizeof entry, "MESSAGE=%s\nPRIORITY=4\nSYSLOG_IDENTIFIER=probe\nTEST_FIELD=%s\n", message, label);
    send_to("/run/systemd/journal/socket", entry);
}

/* Goes on as a process whose parent, group and session are none of the service's. */
static void depart(void)
{
    pid_t middle = fork();

    if (middle != 0) {
        waitpid(middle, NULL, 0);
        for (;;)
            pause();
    }
    middle = getpid();
    if (fork() != 0)
        _exit(0);
    setsid();
    while (getppid() == middle)
        usleep(1000);
}

static int is(const char *act, const char *name, const char **value)
{
    size_t length = strlen(name);

    if (strncmp(act, name, length) != 0 || (act[length] != ':' && act[length] != '\0'))
        return 0;
    *value = act[length] == ':' ? act + length + 1 : "";
    return 1;
}

static void act(const char *act)
{
    const char *value;

    if (is(act, "answer", &value))
        answer(*value ? atoi(value) : -1);
    else if (is(act, "echo", &value))
        echo();
    else if (is(act, "take", &value))
        take();
    else if (is(act, "say", &value))
        dprintf(1, "%s\n", value);
    else if (is(act, "err", &value))
        dprintf(2, "%s\n", value);
    else if (is(act, "log", &value))
        log_entry(value);
    else if (is(act, "syslog", &value))
        syslog(LOG_NOTICE, "%s", value);
    else if (is(act, "notify", &value))
        notify(value, strlen(value), -1);
    else if (is(act, "notify-zero", &value))
        notify_zero(value);
    else if (is(act, "notify-long", &value))
        notify_long((size_t)atol(value));
    else if (is(act, "store", &value))
        store(value);
    else if (is(act, "note", &value))
        note("note", value);
    else if (is(act, "try", &value))
        try_everything(label);
    else if (is(act, "keys", &value))
        dump_keys(label);
    else if (is(act, "make", &value))
        make_objects(value);
    else if (is(act, "objects", &value))
        dump_objects(label);
    else if (is(act, "trap", &value))
        signal(atoi(value), caught_and_ended);
    else if (is(act, "catch", &value))
        signal(atoi(value), caught);
    else if (is(act, "ignore", &value))
        signal(atoi(value), SIG_IGN);
    else if (is(act, "sleep", &value))
        usleep((useconds_t)atoi(value) * 1000);
    else if (is(act, "exit", &value))
        exit(atoi(value));
    else if (is(act, "signal", &value))
        kill(getpid(), atoi(value));
    else if (is(act, "depart", &value))
        depart();
    else if (is(act, "child", &value) || is(act, "pause", &value))
        while (*act == 'p' || fork() == 0)
            pause();
    else
        errx(1, "no act: %s", act);
}

int main(int argc, char *argv[])
{
    static char path[256];

    if (argc < 3)
        errx(1, "usage: probe PAIR LABEL [ACT...]");
    snprintf(path, sizeof path, "/units/dumps/%s", argv[1]);
    dump_file = path;
    label = argv[2];
    dump(label, argv);
    for (int i = 3; i < argc; i++)
        act(argv[i]);
    return EXIT_SUCCESS;
}
