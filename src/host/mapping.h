/* The process's memory as the kernel has mapped it. */
#ifndef HOST_MAPPING_H
#define HOST_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

/* From now on mappings can be asked about: a hidden descriptor, as long as the process lives. Not a
 * cancellation point; errno stays. */
void mapping_begin(void);

/* Is all of [from, end) private memory without a file behind it that may be read and written?
 * false: perhaps. One system call for each mapping that it touches, however long they are; Linux
 * 6.11. errno stays. */
bool mapping_is_memory(uintptr_t from, uintptr_t end);

#endif
