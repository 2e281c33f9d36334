/* Is the scoreboard of a connection sound? */
#ifndef TESTS_UNIT_TCP_BOARD_H
#define TESTS_UNIT_TCP_BOARD_H

#include "transport/tcp/internal.h"
#include "transport/tcp/repair.h"

/* It is a row without gaps, its sums are right, and it is no larger than allowed. */
static inline bool board_is_sound(const struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);
    uint32_t at, sacked = 0, missing = 0, repeated = 0;

    if (!r)
        return true;
    at = r->begin;
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t len = r->runs[i].end - at;

        if (!seq_lt(at, r->runs[i].end))
            return false;
        sacked += r->runs[i].flags & RUN_SACKED ? len : 0;
        missing += r->runs[i].flags & RUN_LOST ? len : 0;
        repeated += r->runs[i].flags & RUN_REPEATED ? len : 0;
        at = r->runs[i].end;
    }
    return r->begin == tcb->snd_una && at == tcb->snd_max && r->count <= r->room &&
           sacked == r->sacked && missing == r->lost && repeated == r->repeated;
}

#endif
