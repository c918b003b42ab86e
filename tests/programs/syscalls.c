/* Makes the calls of cases.h, which syscalls.rs writes, each between two system calls that show in a trace. */

#include "traced.h"

#define CASE(given, call)                       \
        do {                                    \
                int answer;                     \
                notified();                     \
                given;                          \
                mark("begin");                  \
                answer = (call);                \
                mark("end");                    \
                printf("%d\n", answer);         \
                close(opened);                  \
                opened = -1;                    \
        } while (0)

/* What $NOTIFY_SOCKET is at the start of each case. */
static void notified(void) {
        while (recv(manager, NULL, 0, MSG_DONTWAIT) >= 0)
                ;
        setenv("NOTIFY_SOCKET", manager_path, 1);
}

int main(void) {
        int opened = -1;

        open_all();
        /* From now on a few kilobytes more do not take a system call. */
        free(malloc(64 * 1024));
        setvbuf(stdout, NULL, _IOFBF, 16 * 1024);

#include "cases.h"

        return 0;
}
