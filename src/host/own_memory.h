/* Memory that is there without asking: the calling thread's stack above the caller, the program's
 * own variables, and the heap that grows by brk(). Nobody unmaps these (decisions/0008). */
#ifndef HOST_OWN_MEMORY_H
#define HOST_OWN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* The calling thread's stack; end 0: not looked for yet. */
struct own_stack {
    uintptr_t from, end;
};
extern _Thread_local struct own_stack own_stack __attribute__((tls_model("initial-exec")));

/* [from, end) is of the stack, above the caller. Below the caller's frame pages may not be there
 * yet, and a frame outside of the stack (of a signal handler, of a coroutine) tells nothing about
 * it. */
static inline bool own_memory_is_stack(uintptr_t from, uintptr_t end)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return here >= own_stack.from && here < from && from <= end && end <= own_stack.end;
}

/* Can all of [from, end) be read and written for certain? false: perhaps. */
bool own_memory_has(uintptr_t from, uintptr_t end);

/* Can it at least be read? The program's own constants count. */
bool own_memory_shows(uintptr_t from, uintptr_t end);

#endif
