/* What the probe's two halves know of each other. */

#ifndef PROBE_H
#define PROBE_H

/* The first descriptor of those that are passed. */
enum { FIRST = 3 };

/* The number of descriptors that are passed, and the name of one; NULL where it has none. */
int passed_descriptors(void);
const char *descriptor_name(int fd);

/* Begins a part of the dump, writes a line of it, and adds it to the file. */
void begin(const char *label);
void line(const char *value, const char *field, ...) __attribute__((format(printf, 2, 3)));
void end(void);

/* Dumps all that a service finds when it is started. */
void dump(const char *label, char *argv[]);
/* Dumps what it can and cannot do. */
void try_everything(const char *label);
/* Dumps its session keyring. */
void dump_keys(const char *label);
/* Makes IPC objects of all kinds, with this name where they have one; dumps which there are of this user, and of such names. */
void make_objects(const char *name);
void dump_objects(const char *label);
/* Its descriptors alone. */
void dump_descriptors(void);

#endif
