/*
 * A service of Type=notify with a watchdog. It does what the lines say that it reads from stdin, and answers each with a
 * line on stdout: what the call returned.
 *
 *     ready              READY=1
 *     status TEXT        STATUS=TEXT
 *     errno NUMBER       ERRNO=NUMBER
 *     barrier            sd_notify_barrier()
 *     child TEXT         STATUS=TEXT from a child, which is gone when the answer is here
 *     child-as-main TEXT the same in the name of its parent, by sd_pid_notify()
 *     reset              what is left of the environment when the watchdog was asked for with unset_environment
 *     hang               no more pings
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define PATIENCE 5000000

static int child(int as_main, const char *text)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int r = as_main ? sd_pid_notifyf(getppid(), 0, "STATUS=%s", text) : sd_notifyf(0, "STATUS=%s", text);

        /* systemd must know whose message it is before the process is gone. */
        _exit(r == 1 && sd_notify_barrier(0, PATIENCE) == 1 ? 1 : 0);
    }

    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int reset(void)
{
    uint64_t usec;

    return sd_watchdog_enabled(1, &usec) > 0 && !getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID") &&
           sd_watchdog_enabled(0, &usec) == 0;
}

static int obey(const char *command, const char *argument)
{
    if (strcmp(command, "ready") == 0)
        return sd_notify(0, "READY=1");
    if (strcmp(command, "status") == 0)
        return sd_notifyf(0, "STATUS=%s", argument);
    if (strcmp(command, "errno") == 0)
        return sd_notifyf(0, "ERRNO=%s", argument);
    if (strcmp(command, "barrier") == 0)
        return sd_notify_barrier(0, PATIENCE);
    if (strcmp(command, "child") == 0)
        return child(0, argument);
    if (strcmp(command, "child-as-main") == 0)
        return child(1, argument);
    if (strcmp(command, "reset") == 0)
        return reset();
    if (strcmp(command, "hang") == 0)
        for (;;)
            pause();
    return -1;
}

int main(void)
{
    struct pollfd commands = { .fd = STDIN_FILENO, .events = POLLIN };
    char line[256];
    uint64_t usec = 0;
    int watchdog = sd_watchdog_enabled(0, &usec);

    setbuf(stdin, NULL);
    sd_notifyf(0, "STATUS=sd_booted %d, sd_watchdog_enabled %d, %" PRIu64, sd_booted(), watchdog, usec);

    for (;;) {
        if (poll(&commands, 1, watchdog > 0 ? (int)(usec / 4000) : -1) > 0) {
            if (!fgets(line, sizeof line, stdin))
                return EXIT_FAILURE;

            char *command = strtok(line, " \n");
            char *argument = strtok(NULL, "\n");

            printf("%d\n", obey(command ? command : "", argument ? argument : ""));
            fflush(stdout);
        }
        if (watchdog > 0)
            sd_notify(0, "WATCHDOG=1");
    }
}
