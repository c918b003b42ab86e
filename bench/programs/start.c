/* A program that asks what it was passed, and ends; one that only ends, where it asks nobody. */
#ifndef NOBODY
#include <systemd/sd-daemon.h>
#else
#define sd_listen_fds(unset_environment) 0
#endif

int main(void) {
        return sd_listen_fds(0);
}
