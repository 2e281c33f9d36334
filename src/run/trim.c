/* free() keeps what it is given for later, scattered over the heap: after 20,000 connections at
 * once the supervisor would keep 15 MB for as long as the program lives, and after 5,000 connects
 * begun and dropped 4 MB, which the gateway's halves of them needed. So when many files have gone
 * and their other halves have had time to end (a dial is given up when no SYN has come for 3 s),
 * the heap is trimmed; not while they keep going, for then it will be needed. */
#include "run/trim.h"

#include <malloc.h>

#define CROWD 256 /* files: fewer are not worth it */
#define AFTER (5 * HF_S)

static void set(struct supervisor *sv)
{
    sv->files_gone = 0;
    (void)!deadline_set(&sv->deadlines, &sv->trim_at, loop_now(sv->loop) + AFTER);
}

static void trim_due(struct deadline *d)
{
    struct supervisor *sv = container_of(d, struct supervisor, trim_at);

    if (sv->files_gone >= CROWD)
        set(sv);
    else
        (void)malloc_trim(0);
}

void trim_start(struct supervisor *sv)
{
    sv->trim_at.due = trim_due;
}

void trim_note_death(struct supervisor *sv)
{
    if (++sv->files_gone >= CROWD && !sv->trim_at.place)
        set(sv);
}
