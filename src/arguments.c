/* Which arguments a format of printf(3) takes, as the C library that formats it at run time reads it: glibc and musl, and
 * of glibc what 2.35 (%b) and 2.38 (%w64d) have added where it is that new. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "arguments.h"

/* The types that arguments have after promotion, as va_arg() is told them. */
enum type { NOTHING, INT, LONG, LONG_LONG, DOUBLE, LONG_DOUBLE, POINTER };

/* A place among the arguments: NONE, NEXT, or the number that %1$d has. */
enum { NONE = 0, NEXT = UINT32_MAX };

struct directive {
        uint32_t width, precision, value;
        enum type type;
};

static void take(enum type type, va_list *ap) {
        switch (type) {
        case NOTHING: break;
        case INT: (void) va_arg(*ap, int); break;
        case LONG: (void) va_arg(*ap, long); break;
        case LONG_LONG: (void) va_arg(*ap, long long); break;
        case DOUBLE: (void) va_arg(*ap, double); break;
        case LONG_DOUBLE: (void) va_arg(*ap, long double); break;
        case POINTER: (void) va_arg(*ap, void *); break;
        }
}

static enum type integer(size_t size) {
        return size <= sizeof(int) ? INT : size <= sizeof(long) ? LONG : LONG_LONG;
}

/* Whether printf() knows a directive that prints the number 1 as "1". Another one it prints as it is, or it fails. */
static bool is_known(const char *directive) {
        int saved_errno = errno, length;
        char text[8];

        length = snprintf(text, sizeof(text), directive, 1);
        errno = saved_errno;
        return length == 1;
}

static const char *number(const char *p, uint32_t *n) {
        for (*n = 0; *p >= '0' && *p <= '9'; p++)
                if (*n < UINT32_MAX / 100)
                        *n = *n * 10 + (uint32_t) (*p - '0');
        return p;
}

/* A number with a dollar behind it; NEXT if there is none. */
static const char *place(const char *p, uint32_t *n) {
        const char *end = number(p, n);

        if (*n != NONE && *end == '$')
                return end + 1;
        *n = NEXT;
        return p;
}

/* A width or a precision. */
static const char *star_or_number(const char *p, uint32_t *n) {
        uint32_t digits;

        *n = NONE;
        return *p == '*' ? place(p + 1, n) : number(p, &digits);
}

/* %w8d, %wf16d: behind the w. */
static const char *bits(const char *p, size_t *size) {
        bool fast = *p == 'f';
        uint32_t n;

        p = number(fast ? p + 1 : p, &n);
        switch (n) {
        case 16: *size = fast ? sizeof(int_fast16_t) : sizeof(int16_t); break;
        case 32: *size = fast ? sizeof(int_fast32_t) : sizeof(int32_t); break;
        case 64: *size = sizeof(int64_t); break;
        }
        return p;
}

/* What stands behind a percent sign. Returns where to go on. */
static const char *parse(const char *p, struct directive *d) {
        size_t size = sizeof(int);
        bool is_long_double = false;

        p = place(p, &d->value);
        p += strspn(p, "-+ #0'I");
        p = star_or_number(p, &d->width);
        d->precision = NONE;
        if (*p == '.')
                p = star_or_number(p + 1, &d->precision);
        d->type = NOTHING;

        switch (*p) {
        case 'h':
                p += p[1] == 'h' ? 2 : 1;
                break;
        case 'l':
                is_long_double = p[1] == 'l';
                size = is_long_double ? sizeof(long long) : sizeof(long);
                p += is_long_double ? 2 : 1;
                break;
        case 'L': case 'q':
                is_long_double = true;
                size = sizeof(long long);
                p++;
                break;
        case 'j':
                is_long_double = sizeof(intmax_t) > sizeof(long);
                size = sizeof(intmax_t);
                p++;
                break;
        case 'z': case 'Z':
                size = sizeof(size_t);
                p++;
                break;
        case 't':
                size = sizeof(ptrdiff_t);
                p++;
                break;
        case 'w':
                if (!is_known("%w8d"))
                        return p;
                p = bits(p + 1, &size);
                is_long_double = size == sizeof(int64_t);
                break;
        }

        switch (*p) {
        case '\0':
                return p;
        case 'd': case 'i': case 'o': case 'u': case 'x': case 'X':
                d->type = integer(size);
                break;
        case 'b': case 'B':
                d->type = is_known("%b") ? integer(size) : NOTHING;
                break;
        case 'c': case 'C':
                d->type = integer(sizeof(wint_t));
                break;
        case 'a': case 'A': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
                d->type = is_long_double ? LONG_DOUBLE : DOUBLE;
                break;
        case 's': case 'S': case 'p': case 'n':
                d->type = POINTER;
                break;
        }
        return p + 1;
}

/* The type of an argument that directives name by its number: the last one's. One that none names glibc takes for an int. */
static enum type type_of(const char *format, uint32_t argument) {
        enum type type = INT;
        struct directive d;

        while ((format = strchr(format, '%'))) {
                format = parse(format + 1, &d);
                if (d.width == argument || d.precision == argument)
                        type = INT;
                if (d.value == argument && d.type != NOTHING)
                        type = d.type;
        }
        return type;
}

void sdlite_skip_arguments(const char *format, va_list *ap) {
        uint32_t last = 0;
        struct directive d;

        for (const char *p = format; (p = strchr(p, '%'));) {
                p = parse(p + 1, &d);
                const struct { uint32_t place; enum type type; } taken[] = {
                        { d.width, INT }, { d.precision, INT }, { d.value, d.type },
                };
                for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
                        if (taken[i].place == NEXT)
                                take(taken[i].type, ap);
                        else if (taken[i].place > last)
                                last = taken[i].place;
        }
        for (uint32_t argument = 1; argument <= last; argument++)
                take(type_of(format, argument), ap);
}
