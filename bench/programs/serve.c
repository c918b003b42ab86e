/* A service that is passed the socket on which it accepts: sends the first client back what it gets, and ends. */
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int main(void) {
        /* inetd has it as standard input. */
        int listening = sd_listen_fds(1) > 0 ? SD_LISTEN_FDS_START : STDIN_FILENO;
        int client = accept(listening, NULL, NULL);
        char buffer[64];
        ssize_t length = read(client, buffer, sizeof buffer);

        return length < 0 || write(client, buffer, (size_t) length) != length;
}
