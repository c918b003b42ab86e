/* What a service logs: so many lines to a stream, as its standard output is one, or so many entries. Prints how many microseconds
   that took. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <systemd/sd-journal.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double) time.tv_sec * 1e6 + (double) time.tv_nsec / 1e3;
}

static int lines(long count) {
        int fd = sd_journal_stream_fd("log", 6, 0), waiting = 0;
        FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");

        if (!stream)
                return -1;
        for (long i = 0; i < count; i++)
                fprintf(stream, "line %8ld of what a service says, of a usual length\n", i);
        fflush(stream);
        /* Until all of it has been read. */
        do
                if (ioctl(fd, TIOCOUTQ, &waiting) < 0)
                        return -1;
        while (waiting > 0 && usleep(100) == 0);
        return 0;
}

static int entries(long count) {
        for (long i = 0; i < count; i++)
                if (sd_journal_print(6, "line %8ld of what a service says, of a usual length", i) < 0)
                        return -1;
        return 0;
}

int main(int argc, char *argv[]) {
        double start = now();
        int result;

        if (argc != 3)
                return 2;
        result = strcmp(argv[1], "lines") == 0 ? lines(atol(argv[2])) : entries(atol(argv[2]));
        printf("%.0f\n", now() - start);
        return result < 0;
}
