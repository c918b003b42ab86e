/* What is the library's answer about files whose numbers are larger than 32 bits? In the current directory, which is an
 * overlay with 64-bit inode numbers, it makes some, and below it finds f0, f1, ... of another file system. For each question it
 * prints a line. */

#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64
#define _GNU_SOURCE
#include "shared.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static int opened(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0600);

        check(fd >= 0, path);
        return fd;
}

static struct stat status(const char *path) {
        struct stat status;

        check(stat(path, &status) == 0, path);
        return status;
}

/* So that its time does not fit into 32 bits either. */
static void in_the_year_2100(const char *path) {
        const struct timespec times[] = { { 4102444800, 0 }, { 4102444800, 0 } };

        check(utimensat(AT_FDCWD, path, times, 0) == 0, "utimensat");
        check(status(path).st_mtime == 4102444800, "a file system with 64-bit times");
}

#define ASK(question) printf("%s: %d\n", #question, question)

int main(void) {
        int file, fifo, near, far, unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
        const struct sockaddr_un address = { AF_UNIX, "socket" };
        char twin[16];

        file = opened("file", O_RDWR | O_CREAT);
        check(ftruncate(file, (off_t) 5 << 30) == 0, "ftruncate");
        ASK(sd_is_special(file, "file"));
        check(ftruncate(file, 0) == 0, "ftruncate");
        in_the_year_2100("file");
        ASK(sd_is_special(file, "file"));
        ASK(sd_is_fifo(file, NULL));
        ASK(sd_is_socket(file, 0, 0, -1));
        ASK(sd_is_socket(file, 0, SOCK_STREAM, -1));
        ASK(sd_is_mq(file, NULL));

        check(mkfifo("fifo", 0600) == 0, "mkfifo");
        in_the_year_2100("fifo");
        fifo = opened("fifo", O_RDWR);
        ASK(sd_is_fifo(fifo, "fifo"));
        ASK(sd_is_fifo(fifo, "file"));

        check(bind(unix_socket, (const struct sockaddr *) &address, sizeof address) == 0, "bind");
        in_the_year_2100("socket");
        ASK(sd_is_socket(unix_socket, 0, 0, -1));
        ASK(sd_is_socket_unix(unix_socket, SOCK_STREAM, 0, "socket", 0));
        ASK(sd_is_socket(opened("socket", O_PATH), 0, 0, -1));
        ASK(sd_is_special(file, "socket"));

        /* In its lower 32 bits, a number like that of a file of the other file system. */
        near = opened("near", O_RDWR | O_CREAT);
        for (int i = 0;; i++) {
                snprintf(twin, sizeof twin, "f%d", i);
                if ((uint32_t) status(twin).st_ino == (uint32_t) status("near").st_ino)
                        break;
        }
        check(status(twin).st_ino != status("near").st_ino, "twins");
        check(status(twin).st_dev == status("near").st_dev, "one device");
        far = opened(twin, O_RDONLY);
        ASK(sd_is_special(near, "near"));
        ASK(sd_is_special(far, twin));
        ASK(sd_is_special(near, twin));
        ASK(sd_is_special(far, "near"));
        in_the_year_2100("/run/systemd/system");
        ASK(sd_booted());
        return 0;
}
