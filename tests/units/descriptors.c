/* What the probe's descriptors are: type, name, address, flags and socket options. */
#define _GNU_SOURCE

#include "probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int passed_descriptors(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    return pid && count && atol(pid) == getpid() ? atoi(count) : 0;
}

const char *descriptor_name(int fd)
{
    static char name[256];
    const char *names = getenv("LISTEN_FDNAMES");

    if (!names || fd < FIRST || fd >= FIRST + passed_descriptors())
        return NULL;
    for (int i = FIRST; i < fd; i++) {
        names = strchr(names, ':');
        if (!names++)
            return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(names, ":"), names);
    return name;
}

/*
 * What stands for a descriptor in fields: one that is passed has its name, and its place among those of that name. The sockets of
 * several units come in no order.
 */
static const char *key(int fd)
{
    static char text[300];
    const char *name = descriptor_name(fd);
    int place = 1;

    if (!name) {
        snprintf(text, sizeof text, "fd.%d", fd);
        return text;
    }
    snprintf(text, sizeof text, "fd.%s", name);
    for (int other = FIRST; other < fd; other++)
        place += strcmp(descriptor_name(other), text + 3) == 0;
    snprintf(text, sizeof text, "fd.%s.%d", descriptor_name(fd), place);
    return text;
}

static void number(int fd, const char *field, long value)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%ld", value);
    line(digits, "%s.%s", key(fd), field);
}

/* Ports that the kernel has chosen differ from run to run. */
static unsigned port(uint16_t network)
{
    unsigned number = ntohs(network);

    return number >= 32768 ? 0 : number;
}

static void address(int fd, const char *field, const struct sockaddr_storage *address, socklen_t length)
{
    char text[256] = "(none)", host[INET6_ADDRSTRLEN];
    const struct sockaddr_in *inet = (const void *)address;
    const struct sockaddr_in6 *inet6 = (const void *)address;
    const struct sockaddr_un *un = (const void *)address;
    const struct sockaddr_nl *netlink = (const void *)address;
    int path = (int)length - (int)offsetof(struct sockaddr_un, sun_path);

    switch (length < sizeof(sa_family_t) ? AF_UNSPEC : address->ss_family) {
    case AF_INET:
        snprintf(text, sizeof text, "%s:%u", inet_ntop(AF_INET, &inet->sin_addr, host, sizeof host), port(inet->sin_port));
        break;
    case AF_INET6:
        snprintf(text, sizeof text, "[%s]:%u scope %u flow %u", inet_ntop(AF_INET6, &inet6->sin6_addr, host, sizeof host),
                 port(inet6->sin6_port), inet6->sin6_scope_id, ntohl(inet6->sin6_flowinfo));
        break;
    case AF_UNIX:
        if (path > 0 && un->sun_path[0] == '\0')
            snprintf(text, sizeof text, "@%.*s", path - 1, un->sun_path + 1);
        else if (path > 0)
            snprintf(text, sizeof text, "%.*s", path, un->sun_path);
        break;
    case AF_NETLINK:
        snprintf(text, sizeof text, "groups %#x", netlink->nl_groups);
        break;
    default:;
    }
    line(text, "%s.%s", key(fd), field);
}

static const struct {
    const char *name;
    int level, option;
} options[] = {
    {"KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},
    {"REUSEADDR", SOL_SOCKET, SO_REUSEADDR},
    {"REUSEPORT", SOL_SOCKET, SO_REUSEPORT},
    {"BROADCAST", SOL_SOCKET, SO_BROADCAST},
    {"PASSCRED", SOL_SOCKET, SO_PASSCRED},
    {"PASSSEC", SOL_SOCKET, SO_PASSSEC},
    {"PRIORITY", SOL_SOCKET, SO_PRIORITY},
    {"MARK", SOL_SOCKET, SO_MARK},
    {"RCVBUF", SOL_SOCKET, SO_RCVBUF},
    {"SNDBUF", SOL_SOCKET, SO_SNDBUF},
    {"RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT},
    {"TIMESTAMP", SOL_SOCKET, SO_TIMESTAMP},
    {"TIMESTAMPNS", SOL_SOCKET, SO_TIMESTAMPNS},
    {"TIMESTAMPING", SOL_SOCKET, SO_TIMESTAMPING},
    {"TOS", IPPROTO_IP, IP_TOS},
    {"TTL", IPPROTO_IP, IP_TTL},
    {"PKTINFO", IPPROTO_IP, IP_PKTINFO},
    {"FREEBIND", IPPROTO_IP, IP_FREEBIND},
    {"TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT},
    {"V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY},
    {"UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS},
    {"TCLASS", IPPROTO_IPV6, IPV6_TCLASS},
    {"RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO},
    {"IPV6_FREEBIND", IPPROTO_IPV6, IPV6_FREEBIND},
    {"IPV6_TRANSPARENT", IPPROTO_IPV6, IPV6_TRANSPARENT},
    {"NODELAY", IPPROTO_TCP, TCP_NODELAY},
    {"KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
    {"KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL},
    {"KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},
    {"DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {"FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN},
    {"NETLINK_PKTINFO", SOL_NETLINK, NETLINK_PKTINFO},
};

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    return getsockopt(fd, level, name, &value, &size) < 0 ? -1 : value;
}

static void socket_options(int fd, int family, int type)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int level = options[i].level;
        int value = option(fd, level, options[i].option);
        int applies = level == SOL_SOCKET || (level == IPPROTO_IP && (family == AF_INET || family == AF_INET6)) ||
                      (level == IPPROTO_IPV6 && family == AF_INET6) || (level == SOL_NETLINK && family == AF_NETLINK) ||
                      (level == IPPROTO_TCP && type == SOCK_STREAM && (family == AF_INET || family == AF_INET6));

        if (applies && value >= 0)
            number(fd, options[i].name, value);
    }
    if (type == SOCK_STREAM && (family == AF_INET || family == AF_INET6)) {
        char congestion[32] = "";
        socklen_t size = sizeof congestion;
        struct tcp_info info;

        if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, &size) == 0)
            line(congestion, "%s.CONGESTION", key(fd));
        size = sizeof info;
        /* Of a socket that listens, this is the length of its queue. */
        if (option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 && getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
            number(fd, "backlog", info.tcpi_sacked);
    }

    char device[32] = "";
    socklen_t size = sizeof device;

    if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) == 0 && size > 0)
        line(device, "%s.BINDTODEVICE", key(fd));
}

static void socket_of(int fd)
{
    static const char *types[] = {[SOCK_STREAM] = "stream", [SOCK_DGRAM] = "datagram", [SOCK_RAW] = "raw",
                                  [SOCK_SEQPACKET] = "sequential packet"};
    struct sockaddr_storage name;
    socklen_t size = sizeof name;
    int family = option(fd, SOL_SOCKET, SO_DOMAIN), type = option(fd, SOL_SOCKET, SO_TYPE);
    int listening = option(fd, SOL_SOCKET, SO_ACCEPTCONN);
    char text[128];

    snprintf(text, sizeof text, "%ssocket, family %d, %s, protocol %d", listening == 1 ? "listening " : "", family,
             type > 0 && type <= SOCK_SEQPACKET && types[type] ? types[type] : "unknown", option(fd, SOL_SOCKET, SO_PROTOCOL));
    line(text, "%s.is", key(fd));
    if (getsockname(fd, (struct sockaddr *)&name, &size) == 0)
        address(fd, "address", &name, size);
    size = sizeof name;
    if (getpeername(fd, (struct sockaddr *)&name, &size) == 0)
        address(fd, "peer", &name, size);
    socket_options(fd, family, type);
}

static void describe(int fd)
{
    struct stat status;
    struct mq_attr attributes;
    struct winsize window;
    char link[64], target[4096];
    ssize_t length;

    number(fd, "close-on-exec", fcntl(fd, F_GETFD));
    snprintf(target, sizeof target, "%#o", fcntl(fd, F_GETFL));
    line(target, "%s.flags", key(fd));
    fstat(fd, &status);
    if (S_ISSOCK(status.st_mode)) {
        socket_of(fd);
        return;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    /* Pipes and terminals have numbers. */
    target[strcspn(target, "[")] = '\0';
    if (strncmp(target, "/dev/pts/", 9) == 0)
        target[9 + strcspn(target + 9, "0123456789")] = '\0';
    line(target, "%s.is", key(fd));
    if (ioctl(fd, TIOCGWINSZ, &window) == 0) {
        snprintf(target, sizeof target, "%u rows, %u columns", window.ws_row, window.ws_col);
        line(target, "%s.window", key(fd));
    }
    if (S_ISFIFO(status.st_mode))
        number(fd, "pipe-size", fcntl(fd, F_GETPIPE_SZ));
    if (S_ISREG(status.st_mode) && mq_getattr(fd, &attributes) == 0) {
        number(fd, "messages", attributes.mq_maxmsg);
        number(fd, "message-size", attributes.mq_msgsize);
    }
}

void dump_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;
    char open[1024] = {0};

    while (directory && (entry = readdir(directory))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] != '.' && fd != dirfd(directory) && (size_t)fd < sizeof open)
            open[fd] = 1;
    }
    if (directory)
        closedir(directory);
    for (size_t fd = 0; fd < sizeof open; fd++)
        if (open[fd])
            describe((int)fd);
}
