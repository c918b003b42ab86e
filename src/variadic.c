/* The functions with a variable number of arguments, which stable Rust cannot define. They format with the C library's
 * own vsnprintf() and leave the rest to variadic.rs. */

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <syslog.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include "../include/systemd/sd-daemon.h"
#include "../include/systemd/sd-journal.h"
#include "arguments.h"
/* Generated from variadic.rs. */
#include "variadic.h"

/* Texts up to this size stay on the stack; longer ones are formatted once more, into memory of malloc(). */
#define USUAL_SIZE 2048

/* Formats into usual, or where that is too small into memory that the caller has to free(). NULL if there is none. A
 * negative length means that formatting failed; usual then has what stands before the directive that it failed at. What is
 * longer than length_max is cut. */
static char *format_text(char usual[USUAL_SIZE], int *length, int length_max, const char *format, va_list ap) {
        char *text = usual;
        va_list again;

        va_copy(again, ap);
        *length = vsnprintf(usual, USUAL_SIZE, format, ap);
        if (*length >= USUAL_SIZE && *length <= length_max) {
                int saved_errno = errno;

                text = malloc((size_t) *length + 1);
                /* For %m. */
                errno = saved_errno;
                if (text)
                        vsnprintf(text, (size_t) *length + 1, format, again);
        }
        va_end(again);
        return text;
}

static int print(int priority, const char *file, const char *line, const char *func, const char *format, va_list ap) {
        /* libsystemd's limit for the field with its name and the zero at its end. */
        const int length_max = 1024 * 1024 - (int) sizeof("MESSAGE=");
        char usual[USUAL_SIZE], *message;
        int length, saved_errno, r;

        if (priority < LOG_EMERG || priority > LOG_DEBUG || !format)
                return -EINVAL;

        message = format_text(usual, &length, length_max, format, ap);
        saved_errno = errno;
        if (length > length_max)
                r = -ENOBUFS;
        else if (!message)
                r = -ENOMEM;
        else
                r = sdlite_journal_print(priority, file, line, func, message);
        if (message != usual)
                free(message);
        errno = saved_errno;
        return r;
}

int sd_journal_print(int priority, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = print(priority, NULL, NULL, NULL, format, ap);
        va_end(ap);
        return r;
}

int sd_journal_printv(int priority, const char *format, va_list ap) {
        return print(priority, NULL, NULL, NULL, format, ap);
}

int sd_journal_print_with_location(int priority, const char *file, const char *line, const char *func,
                                   const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        /* "" is no field, and so the error that NULL is. */
        r = print(priority, file ? file : "", line, func, format, ap);
        va_end(ap);
        return r;
}

int sd_journal_printv_with_location(int priority, const char *file, const char *line, const char *func,
                                    const char *format, va_list ap) {
        return print(priority, file ? file : "", line, func, format, ap);
}

/* Formats all the fields, one behind the other, into a buffer; what does not fit is only counted. Returns the size that
 * they need, or a negative errno. */
static ssize_t format_fields(char *buffer, size_t size, const char **fields, size_t *n, size_t n_max,
                             const char *format, va_list ap) {
        size_t needed = 0;
        va_list next, one;
        int length = 0;

        va_copy(next, ap);
        for (*n = 0; format; (*n)++) {
                char *field = needed < size ? buffer + needed : NULL;

                if (*n == n_max)
                        break;
                va_copy(one, next);
                length = vsnprintf(field, field ? size - needed : 0, format, one);
                va_end(one);
                /* Two fields of 2 GiB are more than 32 bits can count. */
                if (length >= SSIZE_MAX - (ssize_t) needed)
                        length = -1;
                if (length < 0)
                        break;
                fields[*n] = field;
                needed += (size_t) length + 1;
                sdlite_skip_arguments(format, &next);
                format = va_arg(next, const char *);
        }
        va_end(next);
        if (length < 0)
                return -ENOMEM;
        /* No entry has room for so many. */
        if (format)
                return -EINVAL;
        return (ssize_t) needed;
}

static int send_fields(const char *file, const char *line, const char *func, const char *format, va_list ap) {
        const char *fields[512];
        char usual[USUAL_SIZE], *buffer = usual;
        size_t n, room = sizeof(usual);
        int saved_errno = errno;
        ssize_t size;
        int r;

        for (;;) {
                size = format_fields(buffer, room, fields, &n, sizeof(fields) / sizeof(fields[0]), format, ap);
                if (size <= (ssize_t) room)
                        break;
                /* Again with as much room as that: more than once if another thread writes to a string meanwhile. */
                if (buffer != usual)
                        free(buffer);
                room = (size_t) size;
                buffer = malloc(room);
                /* For %m. */
                errno = saved_errno;
                if (!buffer) {
                        size = -ENOMEM;
                        break;
                }
        }
        r = size < 0 ? (int) size : sdlite_journal_send(file, line, func, fields, n);
        if (buffer != usual)
                free(buffer);
        errno = saved_errno;
        return r;
}

int sd_journal_send(const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = send_fields(NULL, NULL, NULL, format, ap);
        va_end(ap);
        return r;
}

int sd_journal_send_with_location(const char *file, const char *line, const char *func, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = send_fields(file ? file : "", line, func, format, ap);
        va_end(ap);
        return r;
}

static int notify(pid_t pid, int unset_environment, const int *fds, size_t n_fds, const char *format, va_list ap) {
        char usual[USUAL_SIZE], *state = NULL;
        int length = 0, r;

        if (format)
                state = format_text(usual, &length, INT_MAX, format, ap);
        /* Without a state nothing is sent, but the environment is seen to. */
        r = sdlite_notify(pid, unset_environment, length < 0 ? NULL : state, fds, n_fds);
        if (format && (length < 0 || !state))
                r = -ENOMEM;
        if (state != usual)
                free(state);
        return r;
}

int sd_notifyf(int unset_environment, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = notify(0, unset_environment, NULL, 0, format, ap);
        va_end(ap);
        return r;
}

int sd_pid_notifyf(pid_t pid, int unset_environment, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = notify(pid, unset_environment, NULL, 0, format, ap);
        va_end(ap);
        return r;
}

int sd_pid_notifyf_with_fds(pid_t pid, int unset_environment, const int *fds, size_t n_fds, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = notify(pid, unset_environment, fds, n_fds, format, ap);
        va_end(ap);
        return r;
}
