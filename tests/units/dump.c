/*
 * What a service finds when it is started, a line each: the field, a space, the value. What has to differ between two runs, as
 * numbers of processes, is replaced by a word that says what it is.
 */
#define _GNU_SOURCE

#include "probe.h"

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;
extern const char *dump_file;

static char *text;
static size_t length;
static FILE *out;

void begin(const char *label)
{
    out = open_memstream(&text, &length);
    if (!out)
        err(1, "memory");
    fprintf(out, "[%s]\n", label);
}

void line(const char *value, const char *field, ...)
{
    va_list arguments;

    va_start(arguments, field);
    vfprintf(out, field, arguments);
    va_end(arguments);
    fputc(' ', out);
    for (; *value; value++) {
        if (isprint((unsigned char)*value) && *value != '\\')
            fputc(*value, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*value);
    }
    fputc('\n', out);
}

void end(void)
{
    fclose(out);

    /* In one write, so that parts of several processes do not mix. Who comes next may be another user. */
    int fd = open(dump_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

    /* Who cannot get there has it for standard output. */
    if (fd < 0)
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FIRST);
    else
        fchmod(fd, 0666);
    if (write(fd, text, length) != (ssize_t)length)
        err(1, "%s", dump_file);
    close(fd);
    free(text);
}

static void number(const char *field, long value)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%ld", value);
    line(digits, "%s", field);
}

/* The first line of a file, without its end. */
static const char *content(const char *path)
{
    static char read[4096];
    FILE *file = fopen(path, "re");

    if (!file || !fgets(read, sizeof read, file))
        return NULL;
    fclose(file);
    read[strcspn(read, "\n")] = '\0';
    return read;
}

static int is_made_of(const char *value, const char *characters)
{
    return *value && value[strspn(value, characters)] == '\0';
}

/* Which process a variable names. */
static const char *process(const char *value)
{
    char path[64];
    long pid = atol(value);

    if (pid == getpid())
        return "(this process)";
    if (pid == getppid())
        return "(its parent)";
    snprintf(path, sizeof path, "/proc/%ld", pid);
    return pid > 0 && access(path, F_OK) == 0 ? "(another process)" : "(no process)";
}

static int compare(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* A list whose order is that of the descriptors, which are told by their names. */
static const char *sorted(const char *list)
{
    static char all[1024];
    char *copy = strdup(list), *names[64];
    size_t count = 0;

    for (char *name = strtok(copy, ":"); name && count < 64; name = strtok(NULL, ":"))
        names[count++] = name;
    qsort(names, count, sizeof *names, compare);
    all[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), ":%s" + (i == 0), names[i]);
    free(copy);
    return all;
}

static const char *stream(const char *value)
{
    static const char *names[] = {"(standard input)", "(standard output)", "(standard error)"};
    char id[64];
    struct stat status;

    for (int fd = 2; fd >= 0; fd--) {
        if (fstat(fd, &status) < 0)
            continue;
        snprintf(id, sizeof id, "%lu:%lu", (unsigned long)status.st_dev, (unsigned long)status.st_ino);
        if (strcmp(id, value) == 0)
            return names[fd];
    }
    return "(no stream of this process)";
}

/* What a variable's value is, where the value itself has to differ. */
static const char *meaning(const char *name, const char *value)
{
    static const char *processes[] = {"LISTEN_PID", "MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID", "WATCHDOG_PID"};

    for (size_t i = 0; i < sizeof processes / sizeof *processes; i++)
        if (strcmp(name, processes[i]) == 0)
            return process(value);
    if (strcmp(name, "INVOCATION_ID") == 0 && strlen(value) == 32 && is_made_of(value, "0123456789abcdef"))
        return "(an ID)";
    if (strcmp(name, "LISTEN_PIDFDID") == 0 && is_made_of(value, "0123456789"))
        return "(an ID)";
    if (strcmp(name, "REMOTE_PORT") == 0 && is_made_of(value, "0123456789"))
        return "(a port)";
    if (strcmp(name, "LISTEN_FDNAMES") == 0)
        return sorted(value);
    if (strcmp(name, "JOURNAL_STREAM") == 0)
        return stream(value);
    if (strcmp(name, "NOTIFY_SOCKET") == 0)
        return "(an address)";
    return value;
}

static void environment(void)
{
    for (char **variable = environ; *variable; variable++) {
        char *name = strdup(*variable);
        char *value = strchr(name, '=');

        if (value) {
            *value++ = '\0';
            line(meaning(name, value), "environment.%s", name);
        } else {
            line(name, "environment.without-value");
        }
        free(name);
    }
}

/*
 * Signals 32 and 33 are the C library's own: nobody else can set what they do. Its posix_spawn(3), with which make(1) starts all this,
 * leaves them ignored, and PID 1 passes that on until it has a thread.
 */
#define LIBRARY_SIGNALS 0x180000000ULL

/* Whether these are numbers of DynamicUser=, which are made up. */
static int is_dynamic(const char *field, const char *value)
{
    unsigned long id = strtoul(value, NULL, 10);

    return (strcmp(field, "Uid") == 0 || strcmp(field, "Gid") == 0 || strcmp(field, "Groups") == 0) && id >= 61184 && id <= 65519;
}

static void status(void)
{
    static const char *fields[] = {"Umask",  "Uid",    "Gid",    "Groups", "SigPnd", "ShdPnd", "SigBlk",     "SigIgn", "SigCgt",
                                   "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"};
    FILE *file = fopen("/proc/self/status", "re");
    char read[4096];

    while (file && fgets(read, sizeof read, file)) {
        char *value = strchr(read, ':');

        if (!value)
            continue;
        *value++ = '\0';
        value += strspn(value, "\t ");
        value[strcspn(value, "\n")] = '\0';
        for (char *at = value; *at; at++)
            if (*at == '\t')
                *at = ' ';
        if (strcmp(read, "SigIgn") == 0)
            snprintf(value, 17, "%016llx", strtoull(value, NULL, 16) & ~LIBRARY_SIGNALS);
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            if (strcmp(read, fields[i]) == 0)
                line(is_dynamic(read, value) ? "(dynamic)" : value, "status.%s", read);
    }
    if (file)
        fclose(file);
    else
        line("(no /proc)", "status");
}

static void limits(void)
{
    static const char *names[] = {"CPU",     "FSIZE", "DATA",  "STACK",      "CORE",     "RSS",  "NPROC",  "NOFILE",
                                  "MEMLOCK", "AS",    "LOCKS", "SIGPENDING", "MSGQUEUE", "NICE", "RTPRIO", "RTTIME"};

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        struct rlimit limit;
        char value[64];

        getrlimit(i, &limit);
        snprintf(value, sizeof value, "%ld %ld", (long)limit.rlim_cur, (long)limit.rlim_max);
        line(value, "limit.%s", names[i]);
    }
}

static void scheduling(void)
{
    struct sched_param parameters;

    number("nice", getpriority(PRIO_PROCESS, 0));
    number("scheduler", sched_getscheduler(0));
    sched_getparam(0, &parameters);
    number("scheduler.priority", parameters.sched_priority);
    number("io.priority", syscall(SYS_ioprio_get, 1, 0));
    number("timer-slack", prctl(PR_GET_TIMERSLACK));
    line(content("/proc/self/oom_score_adj") ?: "(no /proc)", "oom-score-adjust");
    line(content("/proc/self/coredump_filter") ?: "(no /proc)", "core-filter");
}

static void process_state(void)
{
    int signal = -1;
    char path[4096], parent[64];
    const char *name;

    prctl(PR_GET_PDEATHSIG, &signal);
    number("parent-death-signal", signal);
    number("secure-bits", prctl(PR_GET_SECUREBITS));
    number("keep-capabilities", prctl(PR_GET_KEEPCAPS));
    prctl(PR_GET_CHILD_SUBREAPER, &signal);
    number("child-subreaper", signal);
    number("personality", personality(0xffffffff));
    number("session-leader", getsid(0) == getpid());
    number("group-leader", getpgrp() == getpid());
    line(access("/dev/tty", F_OK) == 0 && open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0 ? "has" : "none", "terminal");
    snprintf(parent, sizeof parent, "/proc/%d/comm", getppid());
    name = content(parent);
    line(!name                                ? "(none)"
         : strcmp(name, "systemd") == 0     ? "(the manager)"
         : strcmp(name, "sd-activate") == 0 ? "(the manager)"
                                              : name,
         "parent");
    line(getcwd(path, sizeof path) ?: "(none)", "directory");
    line(content("/name-of-this-root") ?: "/", "root");
}

void dump(const char *label, char *argv[])
{
    begin(label);
    for (int i = 0; argv[i]; i++)
        line(argv[i], "argument.%d", i);
    line(content("/proc/self/comm") ?: "(no /proc)", "comm");
    environment();
    dump_descriptors();
    status();
    limits();
    scheduling();
    process_state();
    end();
}
