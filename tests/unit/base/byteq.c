/* The queue of bytes against a long array. Frames gathered earlier must keep their bytes whatever
 * is written later. */
#include "base/byteq.h"

#include <string.h>

#include "base/assert.h"
#include "tap.h"
#include "testenv.h"

#define STREAM (1u << 20)
#define HELD   16

static struct testenv env;
static struct hf_frame_pool *pool;
static uint8_t stream[STREAM]; /* all that is ever queued */
static uint32_t head, tail;    /* queued: stream[head .. tail) */

static struct {
    struct hf_frame *f;
    uint32_t at; /* of its bytes in the stream */
} held[HELD];

static bool frame_is(const struct hf_frame *f, uint32_t at)
{
    static uint8_t out[STREAM];

    hf_frame_read(f, 0, out, f->len);
    return memcmp(out, stream + at, f->len) == 0;
}

/* Of any magnitude, at most `most`. */
static uint32_t random_len(uint32_t most)
{
    uint32_t len = testenv_below(&env, 1u << (1 + testenv_below(&env, 16)));

    return HF_MIN(len, most);
}

static bool write_some(struct byteq *q)
{
    uint32_t max = random_len(STREAM - tail), a = random_len(max);
    struct hf_iovec iov[4] = {
        {stream, 13}, {stream + tail, a}, {NULL, 0}, {stream + tail + a, STREAM - tail - a}};
    bool good = byteq_write(q, pool, iov, 4, 13, max) == max;

    tail += max;
    return good;
}

static bool reserve_some(struct byteq *q)
{
    uint32_t want = random_len(STREAM - tail), total = 0, len;
    struct hf_iovec iov[4];
    int n = byteq_reserve(q, pool, want, iov, 1 + (int)testenv_below(&env, 4));

    for (int i = 0; i < n; i++)
        total += (uint32_t)iov[i].len;
    if (total > want || (want && !total))
        return false;
    if (testenv_below(&env, 4) == 0)
        return true;
    len = testenv_below(&env, 2) ? total : testenv_below(&env, total + 1);
    for (uint32_t i = 0, done = 0; done < len; i++) {
        uint32_t piece = HF_MIN(len - done, (uint32_t)iov[i].len);

        memcpy(iov[i].base, stream + tail + done, piece);
        memset((uint8_t *)iov[i].base + piece, 0xee, iov[i].len - piece);
        done += piece;
    }
    byteq_commit(q, len);
    tail += len;
    return true;
}

static bool gather_some(struct byteq *q)
{
    uint32_t k = testenv_below(&env, HELD), off = testenv_below(&env, q->len + 1);
    uint32_t len = random_len(UINT32_MAX), want, got;
    struct hf_frame *f = hf_frame_new(pool);
    bool good = true;

    if (testenv_below(&env, 3) == 0)
        off = 0;
    want = HF_MIN(len, q->len - off);
    got = byteq_gather(q, off, len, f);
    good &= got == f->len && (got == want || f->frag_count == HF_FRAME_FRAGS);
    good &= got > 96 || f->frag_count == 0;
    if (held[k].f) {
        good &= frame_is(held[k].f, held[k].at);
        hf_frame_free(held[k].f);
    }
    held[k].f = f;
    held[k].at = head + off;
    return good && frame_is(f, held[k].at);
}

static bool operate(struct byteq *q)
{
    uint32_t n;

    switch (testenv_below(&env, 8)) {
    case 0:
        return write_some(q);
    case 1:
        return reserve_some(q);
    case 2:
        n = testenv_below(&env, q->len + 1);
        if (testenv_below(&env, 8) && q->len)
            n = random_len(n);
        if (testenv_below(&env, 16) == 0)
            n = q->len;
        byteq_drop(q, n);
        head += n;
        return true;
    default:
        return gather_some(q);
    }
}

static void drop_held(void)
{
    for (int i = 0; i < HELD; i++) {
        hf_frame_free(held[i].f);
        held[i].f = NULL;
    }
}

static bool random_run(void)
{
    struct hf_frame_pool_stats stats;
    struct byteq q;
    bool good = true;

    byteq_init(&q);
    head = tail = 0;
    for (int i = 0; i < 400 && tail < STREAM; i++) {
        good &= operate(&q) && q.len == tail - head;
        if (!q.len && testenv_below(&env, 4) == 0) {
            drop_held();
            byteq_drop(&q, 0);
            hf_frame_pool_stats(pool, &stats);
            good &= stats.pages == 0;
        }
    }
    byteq_fini(&q);
    drop_held();
    hf_frame_pool_stats(pool, &stats);
    return good && stats.pages == 0 && stats.frames == 0;
}

static void economy(void)
{
    struct hf_iovec one = {stream, 1}, many = {stream, 65536};
    struct hf_frame_pool_stats stats;
    struct hf_frame *f = hf_frame_new(pool);
    struct byteq q;

    byteq_init(&q);
    byteq_write(&q, pool, &one, 1, 0, 1);
    hf_frame_pool_stats(pool, &stats);
    OK(stats.page_bytes <= 256, "one byte takes a small page");
    for (int i = 0; i < 9999; i++)
        byteq_write(&q, pool, &one, 1, 0, 1);
    hf_frame_pool_stats(pool, &stats);
    OK(stats.page_bytes <= 30000, "many single bytes share pages");
    byteq_drop(&q, 10000);
    hf_frame_pool_stats(pool, &stats);
    EQ(stats.pages, 0, "an empty queue holds no page");
    byteq_write(&q, pool, &many, 1, 0, 65536);
    EQ(byteq_gather(&q, 0, 65000, f), 65000, "a super-segment is gathered");
    OK(f->frag_count <= 3, "in a few references");
    hf_frame_free(f);
    byteq_fini(&q);
}

static void without_memory(void)
{
    struct hf_iovec all = {stream, 100000};
    struct byteq q;
    size_t written = 0;
    bool good = true;

    byteq_init(&q);
    for (uint64_t fail = 1; written < 100000 && fail < 20; fail++) {
        struct hf_frame *f = hf_frame_new(pool);

        hf_frame_pool_trim(pool);
        env.allocs = 0;
        env.fail_from = fail;
        written = byteq_write(&q, pool, &all, 1, 0, 100000);
        env.fail_from = 0;
        good &= q.len == written && byteq_gather(&q, 0, UINT32_MAX, f) == written;
        good &= frame_is(f, 0);
        hf_frame_free(f);
        byteq_drop(&q, q.len);
    }
    OK(good && written == 100000, "write takes what memory there is and no more");
    env.allocs = 0;
    env.fail_from = 1;
    hf_frame_pool_trim(pool);
    EQ(byteq_reserve(&q, pool, 100, &all, 1), 0, "nothing is reserved without memory");
    env.fail_from = 0;
    byteq_fini(&q);
}

int main(void)
{
    struct hf_env hf = testenv_env(&env);
    bool good = true;

    tap_begin(60);
    for (uint32_t i = 0; i < STREAM; i++)
        stream[i] = (uint8_t)testenv_next(&env);
    pool = hf_frame_pool_new(&hf);
    for (int i = 0; i < 150; i++)
        good &= random_run();
    OK(good, "random operations agree with the model");
    economy();
    without_memory();
    hf_frame_pool_free(pool);
    EQ(env.out, 0, "all memory is given back");
    return tap_end();
}
