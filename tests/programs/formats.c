/* What sdlite_skip_arguments() takes from a list of arguments, beside what the C library's own printf() takes. Prints the formats
 * at which they differ.
 *
 *   formats table              every conversion with every length, those included that some C libraries do not have
 *   formats random N SEED      N random formats, of which many are wrong, by parse_printf_format(3) of glibc */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../../src/arguments.h"

static unsigned long differences;

static void differ(const char *format) {
        if (differences++ < 20)
                printf("%s\n", format);
}

/* Behind the arguments of a format. */
enum { END = 77 };

/* Whether printf() takes from the list what the format, which ends in |%d, has before that. If so, that has to be skipped. */
static int takes(const char *format, ...) {
        char text[256], before[64];
        va_list ap, again;
        int known;

        va_start(ap, format);
        va_copy(again, ap);
        known = vsnprintf(text, sizeof(text), format, ap) >= 0 && strrchr(text, '|') && strcmp(strrchr(text, '|'), "|77") == 0;
        if (known) {
                snprintf(before, sizeof(before), "%.*s", (int) (strrchr(format, '|') - format), format);
                sdlite_skip_arguments(before, &again);
                if (va_arg(again, int) != END)
                        differ(before);
        }
        va_end(again);
        va_end(ap);
        return known;
}

static unsigned long known, unknown;

/* A directive alone, and with a width and a precision from the list. One that printf() does not know it prints as it is, and takes
 * nothing; with musl it fails. */
#define ROW(is_standard, directive, value) \
        do { \
                if (takes("%" directive "|%d", value, END) && takes("%*.*" directive "|%d", 1, 1, value, END)) \
                        known++; \
                else if (is_standard) \
                        differ("%" directive " is not known"); \
                else { \
                        unknown++; \
                        takes("%" directive "|%d", END); \
                        takes("%*" directive "|%d", 1, END); \
                } \
        } while (0)

#define LENGTH(is_standard, length, type) \
        do { \
                static type place; \
                ROW(is_standard, length "d", (type) 5); \
                ROW(is_standard, length "i", (type) 5); \
                ROW(is_standard, length "o", (type) 5); \
                ROW(is_standard, length "u", (type) 5); \
                ROW(is_standard, length "x", (type) 5); \
                ROW(is_standard, length "X", (type) 5); \
                ROW(0, length "b", (type) 5); \
                ROW(0, length "B", (type) 5); \
                ROW(is_standard, length "n", &place); \
        } while (0)

#define REAL(is_standard, length, type) \
        do { \
                ROW(is_standard, length "a", (type) 5); \
                ROW(is_standard, length "A", (type) 5); \
                ROW(is_standard, length "e", (type) 5); \
                ROW(is_standard, length "E", (type) 5); \
                ROW(is_standard, length "f", (type) 5); \
                ROW(is_standard, length "F", (type) 5); \
                ROW(is_standard, length "g", (type) 5); \
                ROW(is_standard, length "G", (type) 5); \
        } while (0)

static void table(void) {
        LENGTH(1, "", int);
        LENGTH(1, "hh", signed char);
        LENGTH(1, "h", short);
        LENGTH(1, "l", long);
        LENGTH(1, "ll", long long);
        LENGTH(1, "j", intmax_t);
        LENGTH(1, "z", size_t);
        LENGTH(1, "t", ptrdiff_t);
        LENGTH(0, "q", long long);
        LENGTH(0, "L", long long);
        LENGTH(0, "Z", size_t);
        LENGTH(0, "w8", int8_t);
        LENGTH(0, "w16", int16_t);
        LENGTH(0, "w32", int32_t);
        LENGTH(0, "w64", int64_t);
        LENGTH(0, "wf8", int_fast8_t);
        LENGTH(0, "wf16", int_fast16_t);
        LENGTH(0, "wf32", int_fast32_t);
        LENGTH(0, "wf64", int_fast64_t);
        REAL(1, "", double);
        REAL(1, "l", double);
        REAL(1, "L", long double);
        REAL(0, "ll", long double);
        REAL(0, "q", long double);
        ROW(1, "c", 'x');
        ROW(1, "lc", (wint_t) 'x');
        ROW(1, "C", (wint_t) 'x');
        ROW(1, "s", "x");
        ROW(1, "ls", L"x");
        ROW(1, "S", L"x");
        ROW(1, "p", (void *) &known);
        fprintf(stderr, "%lu conversions known, %lu not\n", known, unknown);
}

#ifdef __GLIBC__
#include <printf.h>

enum { ARGUMENTS_MAX = 24 };

static uint64_t state;

static unsigned below(unsigned limit) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (unsigned) (state >> 33) % limit;
}

static const char *one_of(const char *const *texts, unsigned n) {
        return texts[below(n)];
}
#define ONE_OF(...) one_of((const char *const[]) { __VA_ARGS__ }, sizeof((const char *const[]) { __VA_ARGS__ }) / sizeof(char *))

/* Most of the time "". */
static const char *perhaps(const char *text) {
        return below(4) == 0 ? text : "";
}

/* C has either all arguments named by their numbers or none. */
static void append_directive(char *format, int numbered) {
        strcat(format, below(12) == 0 ? "%%" : "");
        strcat(format, "%");
        strcat(format, numbered ? ONE_OF("1$", "2$", "3$", "5$", "12$") : "");
        strcat(format, perhaps(ONE_OF("-", "+", " ", "#", "0", "'", "I", "-0", "+#")));
        strcat(format, perhaps(numbered ? ONE_OF("5", "*2$", "*4$", "012", "*11$") : ONE_OF("*", "5", "012")));
        strcat(format, perhaps(numbered ? ONE_OF(".", ".3", ".*3$", ".0", ".*6$") : ONE_OF(".", ".*", ".3", ".0")));
        strcat(format, below(2) ? "" : ONE_OF("h", "hh", "l", "ll", "q", "L", "j", "z", "Z", "t", "w8", "w16", "w32", "w64", "wf8", "wf16",
                                               "wf32", "wf64", "hl", "lh", "jj"));
        strcat(format, ONE_OF("d", "i", "o", "u", "x", "X", "b", "B", "c", "C", "a", "A", "e", "E", "f", "F", "g", "G", "s", "S", "p",
                              "n", "m", "y", "!", "k", " "));
        strcat(format, perhaps("text"));
}

/* What glibc says. */
static void take(int type, va_list *ap) {
        int flags = type & PA_FLAG_MASK;

        if (flags & PA_FLAG_PTR)
                (void) va_arg(*ap, void *);
        else
                switch (type & ~PA_FLAG_MASK) {
                case PA_INT: case PA_CHAR: case PA_WCHAR:
                        if (flags & PA_FLAG_LONG_LONG)
                                (void) va_arg(*ap, long long);
                        else if (flags & PA_FLAG_LONG)
                                (void) va_arg(*ap, long);
                        else
                                (void) va_arg(*ap, int);
                        break;
                case PA_FLOAT: case PA_DOUBLE:
                        if (flags & PA_FLAG_LONG_DOUBLE)
                                (void) va_arg(*ap, long double);
                        else
                                (void) va_arg(*ap, double);
                        break;
                case PA_STRING: case PA_WSTRING: case PA_POINTER:
                        (void) va_arg(*ap, void *);
                        break;
                default:
                        /* Beyond those that are named glibc takes an int. */
                        (void) va_arg(*ap, int);
                }
}

/* Whether both leave the list at the same place, which what comes next tells. */
static int is_same(const char *format, ...) {
        int types[ARGUMENTS_MAX] = { 0 };
        size_t n = parse_printf_format(format, ARGUMENTS_MAX, types);
        va_list theirs, ours;
        double real;
        int same;

        va_start(theirs, format);
        va_copy(ours, theirs);
        for (size_t i = 0; i < n; i++)
                take(types[i], &theirs);
        sdlite_skip_arguments(format, &ours);
        real = va_arg(theirs, double);
        same = real == va_arg(ours, double);
        same = same && va_arg(theirs, int) == va_arg(ours, int);
        va_end(theirs);
        va_end(ours);
        return same;
}

#define FOUR(n) (double) n, n + 1, (double) n + 2, n + 3
#define SIXTEEN(n) FOUR(n), FOUR(n + 4), FOUR(n + 8), FOUR(n + 12)

static void random_formats(unsigned long formats, uint64_t seed) {
        unsigned long arguments = 0;

        state = seed;
        for (unsigned long i = 0; i < formats; i++) {
                char format[512] = "A=";
                int numbered = below(3) == 0;
                size_t n;

                for (unsigned directives = below(5); directives > 0; directives--)
                        append_directive(format, numbered);
                n = parse_printf_format(format, 0, NULL);
                if (n > ARGUMENTS_MAX)
                        continue;
                arguments += n;
                if (!is_same(format, SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48)))
                        differ(format);
        }
        fprintf(stderr, "%lu formats with %lu arguments\n", formats, arguments);
}
#endif

int main(int argc, char *argv[]) {
        if (argc == 2 && strcmp(argv[1], "table") == 0)
                table();
#ifdef __GLIBC__
        else if (argc == 4 && strcmp(argv[1], "random") == 0)
                random_formats(strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
#endif
        else
                return 2;
        return differences > 0;
}
