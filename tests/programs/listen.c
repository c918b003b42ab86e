/* Every function of the listen API and nothing else; with STUBS, functions of the same names that do nothing. */
#include <systemd/sd-daemon.h>

#define FUNCTIONS(f) \
        f(sd_listen_fds) f(sd_listen_fds_with_names) f(sd_is_fifo) f(sd_is_special) f(sd_is_socket) \
        f(sd_is_socket_inet) f(sd_is_socket_sockaddr) f(sd_is_socket_unix) f(sd_is_mq)

typedef void function(void);

#ifdef STUBS
#define STUB(name) static void stub_##name(void) {}
#define ELEMENT(name) stub_##name,
FUNCTIONS(STUB)
#else
#define ELEMENT(name) (function *) name,
#endif

/* Which of them is called, no compiler and no linker can tell. */
static function *volatile const functions[] = { FUNCTIONS(ELEMENT) };

int main(int argc, char *argv[]) {
        (void) argv;
        functions[argc - 1]();
        return 0;
}
