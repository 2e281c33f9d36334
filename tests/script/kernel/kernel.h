/* What the kernel's world and its calls have of each other. */
#ifndef TESTS_SCRIPT_KERNEL_KERNEL_H
#define TESTS_SCRIPT_KERNEL_KERNEL_H

/* Descriptors that are closed when the case ends. */
void kernel_opened(int fd);
void kernel_closed(int fd);

/* Writes value to the file at path. */
void kernel_set(const char *path, const char *value);

#endif
