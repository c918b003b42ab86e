/*
 * Writes to the journal by every function, and stays, so that the journal finds out whose the entries are. The message
 * of several lines and the large ones go to files in the working directory as well, for comparison.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

/* Lines of some hundred bytes that are all different. */
static char *large(size_t size)
{
    char *text = malloc(size + 256);
    size_t length = 0;

    for (int line = 0; text && length < size; ++line)
        length += (size_t)sprintf(text + length, "%*d: %s\n", line % 100 + 10, line, "the quick brown fox");
    /* journalctl -o cat takes blanks from the end. */
    if (text)
        strcpy(text + size - 1, ".");
    return text;
}

/* Sends a text, and writes it to a file: both under that name. */
static int send_and_save(const char *name, const char *text)
{
    FILE *file = text ? fopen(name, "w") : NULL;

    if (!file || fprintf(file, "%s\n", text) < 0 || fclose(file) != 0)
        return -errno;

    return sd_journal_send("MESSAGE=%s", text, "TEST_CASE=%s", name, NULL);
}

static int print(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    int r = sd_journal_printv(LOG_WARNING, format, ap);
    va_end(ap);
    return r;
}

int main(void)
{
    struct iovec fields[] = {
        { .iov_base = (void *)"MESSAGE=by sendv", .iov_len = strlen("MESSAGE=by sendv") },
        { .iov_base = (void *)"TEST_FIELD=one", .iov_len = strlen("TEST_FIELD=one") },
        { .iov_base = (void *)"TEST_FIELD=two", .iov_len = strlen("TEST_FIELD=two") },
    };
    int r = sd_journal_print(LOG_NOTICE, "by print, %d", 42);
    if (r >= 0)
        r = print("by printv, %s", "a text");
    if (r >= 0)
        r = sd_journal_send("MESSAGE=by send, %d", 42, "PRIORITY=%d", LOG_ERR, "TEST_FIELD=%s", "a text", NULL);
    if (r >= 0)
        r = sd_journal_sendv(fields, 3);
    if (r >= 0) {
        errno = ENOENT;
        r = sd_journal_perror("by perror");
    }
    if (r >= 0)
        r = send_and_save("lines", "the first line\n\n  the third=line, \303\274\ttab");
    if (r >= 0)
        r = send_and_save("256-KiB", large(256 * 1024));
    if (r >= 0)
        r = send_and_save("1-MiB", large(1024 * 1024));
    /* 16 MiB is what the kernel makes of the send buffer of 8 MiB that is asked for: this one goes in a memfd. */
    if (r >= 0)
        r = send_and_save("17-MiB", large(17 * 1024 * 1024));
    if (r < 0) {
        fprintf(stderr, "journal: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }

    int stream = sd_journal_stream_fd("sdlite-check-stream", LOG_INFO, 1);
    if (stream < 0 || dprintf(stream, "<3>by stream, with a level\nby stream, without\n") < 0) {
        fprintf(stderr, "journal: stream: %s\n", strerror(stream < 0 ? -stream : errno));
        return EXIT_FAILURE;
    }

    sd_notify(0, "READY=1");
    for (;;)
        pause();
}
