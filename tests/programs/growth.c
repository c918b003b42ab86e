/* Functions of the library, those that FUNCTIONS(f) names, and nothing else; with STUBS, functions of the same names that do
 * nothing. */
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>

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
