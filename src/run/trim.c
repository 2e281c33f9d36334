/* free() keeps what it is given for later, scattered over the heap: after 20,000 connections at
 * once the supervisor would keep 15 MB for as long as the program lives. When most of the files
 * that there were have gone, their other halves in the gateway get time to end (a dial is given up
 * when no SYN has come for 3 s), and then the heap is trimmed. */
#include "run/trim.h"

#include <malloc.h>

#define CROWD 256 /* files: fewer are not worth it */
#define AFTER (5 * HF_S)

static void set(struct supervisor *sv)
{
    (void)!deadline_set(&sv->deadlines, &sv->trim_at, loop_now(sv->loop) + AFTER);
}

static bool most_have_gone(const struct supervisor *sv)
{
    return sv->files_peak >= CROWD && sv->files.count <= sv->files_peak / 2;
}

static void trim_due(struct deadline *d)
{
    struct supervisor *sv = container_of(d, struct supervisor, trim_at);

    (void)malloc_trim(0);
    if (most_have_gone(sv))
        set(sv); /* once more, for those that went since */
    sv->files_peak = sv->files.count;
}

void trim_start(struct supervisor *sv)
{
    sv->trim_at.due = trim_due;
}

void trim_note_birth(struct supervisor *sv)
{
    if (sv->files.count > sv->files_peak)
        sv->files_peak = sv->files.count;
}

void trim_note_death(struct supervisor *sv)
{
    if (!sv->trim_at.place && most_have_gone(sv))
        set(sv);
}
