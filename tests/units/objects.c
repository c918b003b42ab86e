/* Keyrings and IPC objects: what the kernel keeps for a service. */
#define _GNU_SOURCE

#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Type, owner, group, rights and name of a key. */
static const char *described(long key)
{
    static char text[256];

    return syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, sizeof text, 0) > 0 ? text : strerror(errno);
}

/* Whether the manager's session keyring is this one's. */
void dump_keys(const char *label)
{
    int keys[64];
    char payload[64], id[65] = "";
    const char *expected = getenv("INVOCATION_ID") ?: "";
    long size = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_SESSION_KEYRING, keys, sizeof keys, 0);
    long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "invocation_id", 0);
    long length = key > 0 ? syscall(SYS_keyctl, KEYCTL_READ, key, payload, sizeof payload, 0) : 0;

    begin(label);
    line(described(KEY_SPEC_SESSION_KEYRING), "keys.session");
    for (long i = 0; i < size / (long)sizeof *keys; i++)
        line(described(keys[i]), "keys.session.%s", strrchr(described(keys[i]), ';') + 1);
    for (long i = 0; i < length && i < 32; i++)
        sprintf(id + 2 * i, "%02x", (unsigned char)payload[i]);
    line(length == 16 && strcmp(id, expected) == 0 ? "yes" : "no", "keys.invocation");
    end();
}

/* An object of each kind, with the name. */
void make_objects(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "/%s", name);
    shmget(IPC_PRIVATE, 100, 0600);
    semget(IPC_PRIVATE, 1, 0600);
    msgget(IPC_PRIVATE, 0600);
    mq_close(mq_open(path, O_CREAT | O_RDWR, 0600, NULL));
    close(shm_open(path, O_CREAT | O_RDWR, 0600));
    snprintf(path, sizeof path, "/dev/shm/%s.d", name);
    mkdir(path, 0700);
    strcat(path, "/file");
    close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
}

/* How many of the kernel's objects are this user's. */
static void count(const char *kind)
{
    char path[64], text[512], number[16];
    int found = 0;
    unsigned uid;
    FILE *table;

    snprintf(path, sizeof path, "/proc/sysvipc/%s", kind);
    table = fopen(path, "re");
    if (!table)
        return;
    while (fgets(text, sizeof text, table))
        if (strcmp(kind, "shm") == 0)
            found += sscanf(text, "%*d %*d %*o %*u %*d %*d %*u %u", &uid) == 1 && uid == getuid();
        else if (strcmp(kind, "sem") == 0)
            found += sscanf(text, "%*d %*d %*o %*u %u", &uid) == 1 && uid == getuid();
        else
            found += sscanf(text, "%*d %*d %*o %*u %*u %*d %*d %u", &uid) == 1 && uid == getuid();
    fclose(table);
    snprintf(number, sizeof number, "%d", found);
    line(number, "objects.%s", kind);
}

static int is_its(const struct dirent *entry)
{
    return strncmp(entry->d_name, "objects", strlen("objects")) == 0;
}

static void list(const char *directory, const char *field)
{
    struct dirent **entries;
    int number = scandir(directory, &entries, is_its, alphasort);

    for (int i = 0; i < number; i++)
        line("is there", "objects.%s.%s", field, entries[i]->d_name);
}

void dump_objects(const char *label)
{
    begin(label);
    count("shm");
    count("sem");
    count("msg");
    list("/dev/shm", "files");
    list("/dev/mqueue", "queues");
    end();
}
