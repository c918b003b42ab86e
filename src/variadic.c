/* The functions with a variable number of arguments, which stable Rust cannot define. They format with the C library's
 * own vsnprintf() and leave the rest to journal.rs. */

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* Puts a function at its version node, as symbol_version! in abi.rs does. */
#define SYMBOL_VERSION(name, node) __asm__(".symver " #name ", " #name "@@@" #node)

#define PREFIX "MESSAGE="
#define PREFIX_LENGTH (sizeof(PREFIX) - 1)

/* Messages up to this size stay on the stack; longer ones are formatted once more, into memory of malloc(). */
#define USUAL_SIZE 2048
/* libsystemd's limit for the field with the zero at its end. */
#define FIELD_SIZE_MAX (1024 * 1024)

int sdlite_journal_print(int priority, const char *file, const char *line, const char *func, const char *message,
                         size_t length);

static int print(int priority, const char *file, const char *line, const char *func, const char *format, va_list ap) {
        char usual[PREFIX_LENGTH + USUAL_SIZE], *field = usual;
        va_list again;
        int length, saved_errno, r;

        if (priority < LOG_EMERG || priority > LOG_DEBUG || !format)
                return -EINVAL;

        memcpy(usual, PREFIX, PREFIX_LENGTH);
        va_copy(again, ap);
        /* Where it fails, the text before the directive that it failed at is there, and is the message. */
        length = vsnprintf(usual + PREFIX_LENGTH, USUAL_SIZE, format, ap);
        saved_errno = errno;
        if (length >= USUAL_SIZE) {
                size_t size = PREFIX_LENGTH + (size_t) length + 1;

                field = size <= FIELD_SIZE_MAX ? malloc(size) : NULL;
                errno = saved_errno;
                if (field) {
                        memcpy(field, PREFIX, PREFIX_LENGTH);
                        vsnprintf(field + PREFIX_LENGTH, (size_t) length + 1, format, again);
                } else
                        r = size <= FIELD_SIZE_MAX ? -ENOMEM : -ENOBUFS;
        }
        va_end(again);

        if (field)
                r = sdlite_journal_print(priority, file, line, func, field, strlen(field));
        if (field != usual)
                free(field);
        errno = saved_errno;
        return r;
}

SYMBOL_VERSION(sd_journal_print, LIBSYSTEMD_209);
int sd_journal_print(int priority, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = print(priority, NULL, NULL, NULL, format, ap);
        va_end(ap);
        return r;
}

SYMBOL_VERSION(sd_journal_print_with_location, LIBSYSTEMD_209);
int sd_journal_print_with_location(int priority, const char *file, const char *line, const char *func,
                                   const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        /* "" is no field, and so the error that NULL is. */
        r = print(priority, file ? file : "", line ? line : "", func, format, ap);
        va_end(ap);
        return r;
}
