/*
 * What a service can and cannot do: it tries. Each attempt is made by a process of its own, which the kernel may end for it, and is
 * a line: what came of it, 0 or an error.
 */
#define _GNU_SOURCE

#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What comes of an attempt: 0, or an error as system calls of Linux return it. */
typedef long attempt(long argument);

static long outcome(long result)
{
    return result < 0 ? errno : 0;
}

/* What an attempt makes in the file system. */
static char scratch[64];

static void make(const char *name, attempt *attempt, long argument)
{
    char value[64];
    int status;
    pid_t child = fork();

    if (child == 0) {
        snprintf(scratch, sizeof scratch, "/dev/shm/probe-%d", getpid());
        _exit((int)attempt(argument));
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        snprintf(value, sizeof value, "no process: %s", strerror(errno));
    else if (WIFSIGNALED(status))
        snprintf(value, sizeof value, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 0)
        snprintf(value, sizeof value, "done");
    else
        snprintf(value, sizeof value, "%s", strerrorname_np(WEXITSTATUS(status)) ?: "?");
    line(value, "can.%s", name);
}

/* System calls whose arguments are wrong: a filter and missing rights are seen before that is. */
static long call(long number)
{
    return outcome(syscall(number, -1L, 1L, -1L, -1L, -1L, -1L));
}

static long call_without_arguments(long number)
{
    return outcome(syscall(number, 0L, 0L, 0L, 0L, 0L, 0L));
}

#if defined __x86_64__
static long call_of_i386(long number)
{
    long result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0L), "c"(0L), "d"(0L), "S"(0L), "D"(0L) : "memory", "r8", "r9", "r10", "r11");
    return (int)result < 0 ? -(int)result : 0;
}
#endif

static long open_socket(long family)
{
    int type = family == AF_NETLINK || family == AF_PACKET ? SOCK_RAW : family == AF_ALG ? SOCK_SEQPACKET : SOCK_STREAM;

    return outcome(socket((int)family, type, 0));
}

static long open_pair(long family)
{
    int pair[2];

    return outcome(socketpair((int)family, SOCK_STREAM, 0, pair));
}

static long new_namespace(long flag)
{
    return outcome(unshare((int)flag));
}

static long clone_into_namespace(long flag)
{
    long child = syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);

    if (child == 0)
        _exit(0);
    return outcome(child);
}

static long clone3(long unused)
{
    (void)unused;
    return outcome(syscall(SYS_clone3, NULL, 0));
}

static long join_namespace(long flag)
{
    return outcome(setns(open("/proc/self/ns/uts", O_RDONLY), (int)flag));
}

static long mount_something(long unused)
{
    (void)unused;
    return outcome(mount("probe", "/proc/self/nothing", "tmpfs", 0, NULL));
}

static long change_personality(long persona)
{
    return outcome(personality((unsigned long)persona));
}

static long map(long protection)
{
    return outcome((long)mmap(NULL, 4096, (int)protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0);
}

static long protect(long protection)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return outcome(mprotect(memory, 4096, (int)protection));
}

static long attach_memory(long flags)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    void *attached = shmat(id, NULL, (int)flags);
    long result = outcome(attached == (void *)-1 ? -1 : 0);

    shmctl(id, IPC_RMID, NULL);
    return result;
}

static long schedule(long policy)
{
    struct sched_param parameters = {.sched_priority = policy == SCHED_FIFO || policy == SCHED_RR};

    return outcome(sched_setscheduler(0, (int)policy, &parameters));
}

/* A file that nobody finds any more. */
static int file(void)
{
    int fd = open(scratch, O_RDWR | O_CREAT | O_EXCL, 0600);

    unlink(scratch);
    return fd;
}

static long change_mode(long mode)
{
    return outcome(fchmod(file(), (mode_t)mode));
}

static long make_with_mode(long mode)
{
    int fd = openat(AT_FDCWD, scratch, O_CREAT | O_RDWR, (mode_t)mode);
    long result = outcome(fd);

    unlink(scratch);
    return result;
}

static long make_directory_with_mode(long mode)
{
    long result = outcome(mkdirat(AT_FDCWD, scratch, (mode_t)mode));

    rmdir(scratch);
    return result;
}

static long make_node_with_mode(long mode)
{
    long result = outcome(mknodat(AT_FDCWD, scratch, (mode_t)mode, 0));

    unlink(scratch);
    return result;
}

static long open_to_read(long path)
{
    return outcome(open((const char *)path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
}

static long open_to_write(long path)
{
    return outcome(open((const char *)path, O_WRONLY | O_NONBLOCK | O_NOCTTY));
}

static long execute(long path)
{
    char *none[] = {NULL};

    execve((const char *)path, none, none);
    /* It is there, but no program. */
    return errno == ENOEXEC ? 0 : errno;
}

static long name_host(long unused)
{
    char name[256];

    (void)unused;
    gethostname(name, sizeof name);
    return outcome(sethostname(name, strlen(name)));
}

static long read_kernel_log(long action)
{
    return outcome(syscall(SYS_syslog, action, NULL, 0));
}

static long become(long uid)
{
    return outcome(setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid));
}

static long connect_to_itself(long unused)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    (void)unused;
    return outcome(connect(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&address, sizeof address));
}

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define SYSTEM_CALL(name) {"call." #name, call, SYS_##name}
#define NAMESPACE(name) \
    {"unshare." #name, new_namespace, CLONE_##name}, {"clone." #name, clone_into_namespace, CLONE_##name}, \
    { "setns." #name, join_namespace, CLONE_##name }

static const struct {
    const char *name;
    attempt *attempt;
    long argument;
} attempts[] = {
    {"socket.unix", open_socket, AF_UNIX},
    {"socket.inet", open_socket, AF_INET},
    {"socket.inet6", open_socket, AF_INET6},
    {"socket.netlink", open_socket, AF_NETLINK},
    {"socket.packet", open_socket, AF_PACKET},
    {"socket.bluetooth", open_socket, AF_BLUETOOTH},
    {"socket.alg", open_socket, AF_ALG},
    {"socket.none", open_socket, AF_UNSPEC},
    {"socket.beyond", open_socket, 300},
    {"socketpair.unix", open_pair, AF_UNIX},
    {"socketpair.inet", open_pair, AF_INET},
    NAMESPACE(NEWNS),
    NAMESPACE(NEWUTS),
    NAMESPACE(NEWIPC),
    NAMESPACE(NEWNET),
    NAMESPACE(NEWPID),
    NAMESPACE(NEWCGROUP),
    NAMESPACE(NEWUSER),
    {"clone3", clone3, 0},
    {"setns.0", join_namespace, 0},
    {"mount", mount_something, 0},
    {"personality.query", change_personality, 0xffffffff},
    {"personality.linux", change_personality, PER_LINUX},
    {"personality.linux32", change_personality, PER_LINUX32},
    {"personality.no-randomize", change_personality, ADDR_NO_RANDOMIZE},
    {"mmap.wx", map, PROT_WRITE | PROT_EXEC},
    {"mmap.x", map, PROT_READ | PROT_EXEC},
    {"mprotect.x", protect, PROT_READ | PROT_EXEC},
    {"mprotect.r", protect, PROT_READ},
    {"shmat.x", attach_memory, SHM_EXEC},
    {"shmat", attach_memory, 0},
    {"schedule.other", schedule, SCHED_OTHER},
    {"schedule.batch", schedule, SCHED_BATCH},
    {"schedule.idle", schedule, SCHED_IDLE},
    {"schedule.fifo", schedule, SCHED_FIFO},
    {"schedule.rr", schedule, SCHED_RR},
    {"schedule.batch-reset", schedule, SCHED_BATCH | SCHED_RESET_ON_FORK},
    {"connect.loopback", connect_to_itself, 0},
    {"fchmod.suid", change_mode, 04755},
    {"fchmod.sgid", change_mode, 02755},
    {"fchmod.sticky", change_mode, 01755},
    {"openat.suid", make_with_mode, 04755},
    {"openat", make_with_mode, 0755},
    {"mkdirat.sgid", make_directory_with_mode, 02755},
    {"mkdirat", make_directory_with_mode, 0755},
    {"mknodat.suid", make_node_with_mode, S_IFREG | 04755},
    {"mknodat.fifo", make_node_with_mode, S_IFIFO | 0644},
    {"sethostname", name_host, 0},
    {"syslog.size", read_kernel_log, 10},
    {"read.kmsg", open_to_read, (long)"/dev/kmsg"},
    {"read.mem", open_to_read, (long)"/dev/mem"},
    {"read.null", open_to_read, (long)"/dev/null"},
    {"read.tty", open_to_read, (long)"/dev/tty"},
    {"read.shadow", open_to_read, (long)"/etc/shadow"},
    {"read.kallsyms", open_to_read, (long)"/proc/kallsyms"},
    {"write.sysctl", open_to_write, (long)"/proc/sys/kernel/domainname"},
    {"write.sysrq", open_to_write, (long)"/proc/sysrq-trigger"},
    {"write.timer-slack", open_to_write, (long)"/proc/self/timerslack_ns"},
    {"execute.true", execute, (long)"/usr/bin/true"},
    {"execute.shell", execute, (long)"/bin/sh"},
    {"become.root", become, 0},
    {"become.daemon", become, 1},
    {"call.getpid", call_without_arguments, SYS_getpid},
    {"call.sync", call_without_arguments, SYS_sync},
    {"call.uname", call, SYS_uname},
    {"call.vhangup", call, SYS_vhangup},
    SYSTEM_CALL(acct),
    SYSTEM_CALL(add_key),
    SYSTEM_CALL(adjtimex),
    SYSTEM_CALL(bpf),
    SYSTEM_CALL(chown),
    SYSTEM_CALL(chroot),
    SYSTEM_CALL(clock_adjtime),
    SYSTEM_CALL(clock_settime),
    SYSTEM_CALL(delete_module),
    SYSTEM_CALL(fanotify_init),
    SYSTEM_CALL(fanotify_mark),
    SYSTEM_CALL(fchmodat2),
    SYSTEM_CALL(fchown),
    SYSTEM_CALL(finit_module),
    SYSTEM_CALL(flock),
    SYSTEM_CALL(fsopen),
    SYSTEM_CALL(init_module),
    SYSTEM_CALL(io_setup),
    SYSTEM_CALL(io_uring_setup),
    SYSTEM_CALL(kcmp),
    SYSTEM_CALL(kexec_load),
    SYSTEM_CALL(keyctl),
    SYSTEM_CALL(landlock_create_ruleset),
    SYSTEM_CALL(lookup_dcookie),
    SYSTEM_CALL(mincore),
    SYSTEM_CALL(mlock),
    SYSTEM_CALL(mount),
    SYSTEM_CALL(move_pages),
    SYSTEM_CALL(name_to_handle_at),
    SYSTEM_CALL(open_by_handle_at),
    SYSTEM_CALL(open_tree),
    SYSTEM_CALL(openat2),
    SYSTEM_CALL(perf_event_open),
    SYSTEM_CALL(personality),
    SYSTEM_CALL(pivot_root),
    SYSTEM_CALL(pkey_free),
    SYSTEM_CALL(process_vm_readv),
    SYSTEM_CALL(ptrace),
    SYSTEM_CALL(quotactl),
    SYSTEM_CALL(reboot),
    SYSTEM_CALL(sched_setattr),
    SYSTEM_CALL(sched_setparam),
    SYSTEM_CALL(seccomp),
    SYSTEM_CALL(set_mempolicy),
    SYSTEM_CALL(setdomainname),
    SYSTEM_CALL(setgroups),
    SYSTEM_CALL(sethostname),
    SYSTEM_CALL(setns),
    SYSTEM_CALL(setpriority),
    SYSTEM_CALL(settimeofday),
    SYSTEM_CALL(shmget),
    SYSTEM_CALL(signalfd4),
    SYSTEM_CALL(swapoff),
    SYSTEM_CALL(swapon),
    SYSTEM_CALL(timer_settime),
    SYSTEM_CALL(timerfd_create),
    SYSTEM_CALL(umount2),
    SYSTEM_CALL(userfaultfd),
    SYSTEM_CALL(vmsplice),
    {"call.unknown", call, 0xfff},
#if defined __x86_64__
    SYSTEM_CALL(_sysctl),
    SYSTEM_CALL(ioperm),
    SYSTEM_CALL(iopl),
    SYSTEM_CALL(modify_ldt),
    SYSTEM_CALL(uselib),
    {"call.x32.getpid", call_without_arguments, 0x40000000 + SYS_getpid},
    {"call.i386.getpid", call_of_i386, 20},
    {"call.i386.mount", call_of_i386, 21},
    {"call.i386.stime", call_of_i386, 25},
    {"call.i386.socket", call_of_i386, 359},
    {"call.i386.unshare", call_of_i386, 310},
#endif
};

/* Where a service might read, write or execute. */
static const char *const paths[] = {
    "/",        "/boot",     "/dev",      "/dev/shm",      "/dev/mqueue",  "/dev/hugepages", "/dev/null",
    "/etc",     "/etc/hostname", "/home", "/lib/modules",  "/opt",         "/proc",          "/proc/acpi",
    "/proc/fs", "/proc/irq", "/proc/bus", "/proc/cpuinfo", "/proc/kallsyms", "/proc/kcore",
    "/proc/latency_stats", "/proc/mtrr", "/proc/scsi", "/proc/self", "/proc/1", "/proc/sys",
    "/proc/sysrq-trigger", "/proc/timer_stats", "/proc/uptime", "/root", "/run", "/run/lock", "/run/user",
    "/run/systemd", "/srv", "/sys", "/sys/class", "/sys/fs", "/sys/fs/cgroup", "/sys/fs/bpf", "/sys/kernel/debug", "/sys/kernel/tracing",
    "/sys/module", "/tmp", "/units", "/units/probe", "/usr", "/usr/bin", "/usr/bin/true", "/usr/lib/modules", "/usr/local", "/var", "/var/cache",
    "/var/lib", "/var/lib/private", "/var/log", "/var/tmp", "/var/tmp/systemd-private",
};

/* A user or group; those of DynamicUser= are numbers that are made up. */
static const char *who(unsigned id)
{
    static char numbers[2][16];
    static int turn;
    char *number = numbers[turn = !turn];

    if (id >= 61184 && id <= 65519)
        return "(dynamic)";
    snprintf(number, sizeof numbers[0], "%u", id);
    return number;
}

static void describe(const char *path)
{
    static const struct {
        unsigned long flag;
        const char *name;
    } flags[] = {{MS_RDONLY, " ro"}, {MS_NOSUID, " nosuid"}, {MS_NODEV, " nodev"}, {MS_NOEXEC, " noexec"}};
    struct stat status;
    struct statfs system;
    char value[256];
    size_t length;

    if (stat(path, &status) < 0 || statfs(path, &system) < 0) {
        line(strerrorname_np(errno), "path.%s", path);
        return;
    }
    length = (size_t)snprintf(value, sizeof value, "%o %s %s %lx%s%s%s", status.st_mode, who(status.st_uid), who(status.st_gid),
                              (unsigned long)system.f_type, access(path, R_OK) == 0 ? " read" : "",
                              access(path, W_OK) == 0 ? " write" : "", access(path, X_OK) == 0 ? " execute" : "");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if ((unsigned long)system.f_flags & flags[i].flag)
            length += (size_t)snprintf(value + length, sizeof value - length, "%s", flags[i].name);
    line(value, "path.%s", path);
}

/* The directories that variables tell of. */
static void describe_own(void)
{
    static const char *const variables[] = {"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"};

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (getenv(variables[i]))
            describe(getenv(variables[i]));
}

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* What a directory has in it, but for what PrivateTmp= of other units leaves there. */
static void list(const char *path, const char *field)
{
    DIR *directory = opendir(path);
    char *names[512], all[8192] = "";
    size_t count = 0;

    if (!directory) {
        line(strerrorname_np(errno), "%s", field);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory)) && count < 512;)
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, "systemd-private-", 16) != 0)
            names[count++] = strdup(entry->d_name);
    closedir(directory);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        snprintf(all + strlen(all), sizeof all - strlen(all), " %s" + (i == 0), names[i]);
        free(names[i]);
    }
    line(all, "%s", field);
}

/* Which processors this process may use. */
static void name_processors(void)
{
    cpu_set_t set;
    char all[256] = "";

    sched_getaffinity(0, sizeof set, &set);
    for (int i = 0; i < 16; i++)
        if (CPU_ISSET(i, &set))
            snprintf(all + strlen(all), sizeof all - strlen(all), " %d" + (!*all), i);
    line(all, "processors");
}

static void list_interfaces(void)
{
    FILE *file = fopen("/proc/net/dev", "re");
    char read[512], all[512] = "";

    while (file && fgets(read, sizeof read, file)) {
        char *colon = strchr(read, ':');

        if (!colon)
            continue;
        *colon = '\0';
        snprintf(all + strlen(all), sizeof all - strlen(all), " %s" + (!*all), read + strspn(read, " "));
    }
    if (file)
        fclose(file);
    line(file ? all : "(no /proc)", "interfaces");
}

/* Whose namespaces those of this process are: the manager's, or its own. */
static void name_namespaces(void)
{
    static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char path[64], own[64] = "", parent[64] = "";

        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
        if (readlink(path, own, sizeof own - 1) < 0)
            snprintf(own, sizeof own, "%s", strerrorname_np(errno));
        snprintf(path, sizeof path, "/proc/%d/ns/%s", getppid(), kinds[i]);
        if (readlink(path, parent, sizeof parent - 1) < 0)
            line(strerrorname_np(errno), "namespace.%s", kinds[i]);
        else
            line(strcmp(own, parent) == 0 ? "(the manager's)" : "(its own)", "namespace.%s", kinds[i]);
    }
}

static void copy(const char *path, const char *field)
{
    FILE *file = fopen(path, "re");
    char read[512];

    for (int i = 0; file && fgets(read, sizeof read, file); i++) {
        read[strcspn(read, "\n")] = '\0';
        line(read, "%s.%d", field, i);
    }
    if (!file)
        line(strerrorname_np(errno), "%s", field);
    else
        fclose(file);
}

void try_everything(const char *label)
{
    begin(label);
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        make(attempts[i].name, attempts[i].attempt, attempts[i].argument);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        describe(paths[i]);
    describe_own();
    list("/dev", "list.dev");
    list("/tmp", "list.tmp");
    list("/home", "list.home");
    list("/opt", "list.opt");
    list("/srv", "list.srv");
    list("/run/user", "list.run-user");
    list("/", "list.root");
    list_interfaces();
    name_processors();
    name_namespaces();
    copy("/proc/self/uid_map", "uid-map");
    copy("/proc/self/gid_map", "gid-map");
    end();
}
