/* Loads shared objects, calls them, and unloads them again: host ROUNDS OBJECT... Each has a function plug(), or is a libsystemd.so.0.
 * Prints how many more descriptors are open at the end. */

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int open_descriptors(void) {
        DIR *directory = opendir("/proc/self/fd");
        int count = 0;

        while (directory && readdir(directory))
                count++;
        closedir(directory);
        return count;
}

/* One that is asked for and not there. */
static void *function(void *object, const char *name) {
        void *found = dlsym(object, name);

        if (!found) {
                fprintf(stderr, "%s\n", dlerror());
                exit(1);
        }
        return found;
}

static int plug_in(void *object) {
        int (*plug)(void) = (int (*)(void)) dlsym(object, "plug");
        int (*print)(int priority, const char *format, ...);
        int (*notify)(int unset_environment, const char *state);

        if (plug)
                return plug();
        print = (int (*)(int, const char *, ...)) function(object, "sd_journal_print");
        notify = (int (*)(int, const char *)) function(object, "sd_notify");
        return print(6, "From the drop-in") == 0 && notify(0, "STATUS=The drop-in") == 1;
}

int main(int argc, char *argv[]) {
        int rounds = atoi(argv[1]), before = open_descriptors();

        while (rounds-- > 0) {
                void *objects[16];

                for (int i = 2; i < argc; i++) {
                        objects[i] = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
                        if (!objects[i]) {
                                fprintf(stderr, "%s\n", dlerror());
                                return 1;
                        }
                }
                /* Once all of them are there. */
                for (int i = 2; i < argc; i++)
                        if (!plug_in(objects[i])) {
                                fprintf(stderr, "%s failed\n", argv[i]);
                                return 1;
                        }
                for (int i = 2; i < argc; i++)
                        dlclose(objects[i]);
        }
        printf("%d\n", open_descriptors() - before);
        return 0;
}
