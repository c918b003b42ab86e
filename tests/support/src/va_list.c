/* Calls functions that take a va_list, which Rust cannot make: see va_list.rs. */

#include <stdarg.h>

typedef int printv(int priority, const char *format, va_list ap);
typedef int printv_with_location(int priority, const char *file, const char *line, const char *func, const char *format,
                                 va_list ap);

int sdlite_test_printv(printv *function, int priority, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = function(priority, format, ap);
        va_end(ap);
        return r;
}

int sdlite_test_printv_with_location(printv_with_location *function, int priority, const char *file, const char *line,
                                     const char *func, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = function(priority, file, line, func, format, ap);
        va_end(ap);
        return r;
}
