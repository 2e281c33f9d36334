/* The ceiling of bulk: the same bytes copied twice, into a middle buffer and out, and how much that
 * depends on where in its page the destination begins. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define CHUNK  ((size_t)64 << 10) /* unless told, and at most */
#define PAGE   ((size_t)4096)
#define MIDDLE 16 /* so many buffers in turn, as a queue would have them */

struct copies {
    char *from, *middle, *to;
    size_t turn, chunk;
};

static void twice(void *ctx, long count)
{
    struct copies *c = ctx;

    for (; count > 0; count--) {
        char *middle = c->middle + (c->turn++ % MIDDLE) * (c->chunk + PAGE);

        memcpy(middle, c->from, c->chunk);
        __asm__ volatile("" : : "r"(middle), "r"(c->from) : "memory");
        memcpy(c->to, middle, c->chunk);
        __asm__ volatile("" : : "r"(middle), "r"(c->to) : "memory");
    }
}

/* Offsets of the middle buffer that ordinary allocators give: all multiples of 16 up to 128, then
 * of 256. */
void core_copies(const struct args *args)
{
    struct args brief = *args;
    double best = 0, worst = 0;
    struct copies c = {0};
    char *room = aligned_alloc(PAGE, MIDDLE * (CHUNK + PAGE) + PAGE);

    c.from = aligned_alloc(PAGE, CHUNK);
    c.to = aligned_alloc(PAGE, CHUNK);
    if (!room || !c.from || !c.to)
        die("memory for copies");
    memset(c.from, 'x', CHUNK);
    memset(room, 'y', MIDDLE * (CHUNK + PAGE) + PAGE);
    brief.seconds /= 24;
    c.chunk = pieces_of(args->number[0], CHUNK);
    for (size_t offset = 0; offset < PAGE; offset += offset < 128 ? 16 : 256) {
        double rate;

        c.middle = room + offset;
        rate = rate_of(&brief, twice, &c) * (double)c.chunk;
        best = rate > best ? rate : best;
        worst = worst == 0 || rate < worst ? rate : worst;
    }
    tell("best", best);
    tell("worst", worst);
}
