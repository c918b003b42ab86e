/* malloc(3) and its siblings, which count, fail, and know what was not freed, between `watching = 1` and `watching = 0`. The C
 * library's own allocations come here, too. */

#include <errno.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *block);

static int watching;
static long allocations, failing_allocation;
static void *blocks[512];

static int fails(void) {
        return watching && ++allocations == failing_allocation;
}

static void *allocated(void *block) {
        for (size_t i = 0; watching && block && i < sizeof blocks / sizeof *blocks; i++)
                if (!blocks[i]) {
                        blocks[i] = block;
                        break;
                }
        return block;
}

static void freed(void *block) {
        for (size_t i = 0; block && i < sizeof blocks / sizeof *blocks; i++)
                if (blocks[i] == block)
                        blocks[i] = NULL;
}

static void *no_memory(void) {
        errno = ENOMEM;
        return NULL;
}

void *malloc(size_t size) {
        return fails() ? no_memory() : allocated(__libc_malloc(size));
}

void *calloc(size_t n, size_t size) {
        return fails() ? no_memory() : allocated(__libc_calloc(n, size));
}

void *realloc(void *old, size_t size) {
        void *block;

        if (fails())
                return no_memory();
        block = __libc_realloc(old, size);
        if (block)
                freed(old);
        return allocated(block);
}

void free(void *block) {
        freed(block);
        __libc_free(block);
}
