/* Starts each of the programs that it is given in turn, as many times as its first argument says. For each time a line: which
 * program, how many nanoseconds from before until after, page faults, and the most memory that it had, in KiB. Is itself
 * small, and static, as a process begins with what belongs to the one that starts it. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int argc, char *argv[]) {
        for (int round = atoi(argv[1]); round > 0; round--)
                for (int i = 2; i < argc; i++) {
                        char *arguments[] = { argv[i], NULL }, *environment[] = { NULL };
                        long long start = now();
                        struct rusage usage;
                        int status;
                        pid_t child = vfork();

                        if (child == 0) {
                                execve(argv[i], arguments, environment);
                                _exit(127);
                        }
                        if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) {
                                fprintf(stderr, "%s: %#x\n", argv[i], status);
                                return 1;
                        }
                        printf("%d %lld %ld %ld\n", i - 2, now() - start, usage.ru_minflt, usage.ru_maxrss);
                }
        return 0;
}
