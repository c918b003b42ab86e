#include <stdarg.h>

/* Takes from ap what printf() takes for this format. C does not promise that vprintf() itself leaves ap behind its
 * arguments, and where a va_list is no array it does not. */
__attribute__((__visibility__("hidden"))) void sdlite_skip_arguments(const char *format, va_list *ap);
