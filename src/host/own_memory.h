/* Memory that is there without asking: the calling thread's stack above the caller, the program's
 * own variables, and the heap that grows by brk(). Nobody unmaps these (decisions/0008). */
#ifndef HOST_OWN_MEMORY_H
#define HOST_OWN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Can all of [from, end) be read and written for certain? false: perhaps. */
bool own_memory_has(uintptr_t from, uintptr_t end);

/* Can it at least be read? The program's own constants count. */
bool own_memory_shows(uintptr_t from, uintptr_t end);

#endif
