/* Sequence numbers compare modulo 2^32. RFC 9293 3.4. */
#include "base/seq.h"

#include "base/assert.h"
#include "tap.h"

int main(void)
{
    static const struct {
        uint32_t a, b;
        int order; /* of a and b: -1, 0, 1 */
        const char *name;
    } rows[] = {
        {1, 2, -1, "1 is before 2"},
        {7, 7, 0, "equals"},
        {0xffffffff, 0, -1, "the last number is before 0"},
        {0xfffffff0, 0x10, -1, "before, across the wrap"},
        {0x10, 0xfffffff0, 1, "after, across the wrap"},
        {0, 0x7fffffff, -1, "nearly half a circle before"},
        {0x80000001, 0, -1, "nearly half a circle before, across the wrap"},
    };

    tap_begin(10);
    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        uint32_t a = rows[i].a, b = rows[i].b;
        int order = rows[i].order;

        OK(seq_lt(a, b) == (order < 0) && seq_le(a, b) == (order <= 0) &&
               seq_gt(a, b) == (order > 0) && seq_ge(a, b) == (order >= 0) &&
               seq_max(a, b) == (order < 0 ? b : a) && seq_min(a, b) == (order > 0 ? b : a),
           rows[i].name);
    }
    OK(seq_in(0xfffffffe, 0xfffffffe, 1) && seq_in(1, 0xfffffffe, 4), "in a window that wraps");
    OK(!seq_in(2, 0xfffffffe, 4) && !seq_in(0xfffffffd, 0xfffffffe, 4), "on either side of it");
    OK(!seq_in(5, 5, 0), "an empty window holds nothing");
    return tap_end();
}
