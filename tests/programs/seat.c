/* Opens a seat by libseat, prints its name, and closes it at the end of the input. */

#include <libseat.h>
#include <stdio.h>

static int enabled;

static void enable(struct libseat *seat, void *data) {
        (void) seat;
        (void) data;
        enabled = 1;
}

static void disable(struct libseat *seat, void *data) {
        (void) data;
        libseat_disable_seat(seat);
}

int main(void) {
        struct libseat_seat_listener listener = { .enable_seat = enable, .disable_seat = disable };
        struct libseat *seat = libseat_open_seat(&listener, NULL);

        if (!seat) {
                perror("libseat_open_seat");
                return 1;
        }
        while (!enabled)
                if (libseat_dispatch(seat, -1) < 0) {
                        perror("libseat_dispatch");
                        return 1;
                }
        printf("enabled: %s\n", libseat_seat_name(seat));
        fflush(stdout);
        while (getchar() != EOF)
                ;
        return libseat_close_seat(seat) < 0;
}
