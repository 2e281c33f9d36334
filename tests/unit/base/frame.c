/* Frames against plain arrays of bytes. */
#include "handfast/frame.h"

#include <string.h>

#include "base/assert.h"
#include "tap.h"
#include "testenv.h"

#define MODEL_MOST 200000

static struct testenv env;
static struct hf_frame_pool *pool;

struct model {
    uint32_t start, len; /* bytes[start .. start + len) */
    uint8_t bytes[MODEL_MOST];
};

static bool same(const struct hf_frame *f, const struct model *m)
{
    static uint8_t out[MODEL_MOST];
    struct hf_iovec iov[1 + HF_FRAME_FRAGS];
    uint32_t off = m->len ? testenv_below(&env, m->len) : 0, sum = 0;
    int n = hf_frame_iov(f, off, iov, HF_COUNT(iov));

    if (f->len != m->len || f->head < f->room || f->head + f->head_len > f->room + HF_FRAME_ROOM)
        return false;
    hf_frame_read(f, 0, out, f->len);
    if (memcmp(out, m->bytes + m->start, m->len) != 0)
        return false;
    for (int i = 0; i < n; i++) {
        if (memcmp(iov[i].base, m->bytes + m->start + off + sum, iov[i].len) != 0)
            return false;
        sum += (uint32_t)iov[i].len;
    }
    return sum == m->len - off;
}

static void fill(uint8_t *to, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        to[i] = (uint8_t)testenv_next(&env);
}

static bool append(struct hf_frame *f, struct model *m)
{
    static const uint32_t lengths[] = {1, 20, 100, 300, 2000, 5000, 20000, 40000};
    uint32_t len = 1 + testenv_below(&env, lengths[testenv_below(&env, 8)]);
    uint8_t *end = m->bytes + m->start + m->len;

    if (m->start + m->len + len > MODEL_MOST)
        return true;
    fill(end, len);
    if (hf_frame_append(f, end, len))
        m->len += len;
    else
        return f->frag_count >= HF_FRAME_FRAGS - 2;
    return true;
}

static bool add(struct hf_frame *f, struct model *m)
{
    struct hf_page *page = hf_page_new(pool, 1000);
    uint32_t off = testenv_below(&env, 500), len = testenv_below(&env, 500);
    uint8_t frags = f->frag_count;
    bool good = true;

    fill(page->data, page->size);
    if (m->start + m->len + 2 * len > MODEL_MOST) {
        hf_page_unref(page);
        return true;
    }
    for (int i = 0; i < 2; i++) {
        if (!hf_frame_add(f, page, off, len)) {
            good &= f->frag_count == HF_FRAME_FRAGS;
            break;
        }
        memcpy(m->bytes + m->start + m->len, page->data + off, len);
        m->len += len;
        off += len;
    }
    hf_page_unref(page);
    return good && f->frag_count <= frags + 1;
}

static bool operate(struct hf_frame *f, struct model *m)
{
    uint32_t n = m->len ? testenv_below(&env, m->len + 1) : 0;
    uint8_t *at;

    switch (testenv_below(&env, 8)) {
    case 0:
        return append(f, m);
    case 1:
        return add(f, m);
    case 2:
        n = testenv_below(&env, 4) ? testenv_below(&env, n / 8 + 1) : n;
        hf_frame_trim_front(f, n);
        m->start += n;
        m->len -= n;
        return true;
    case 3:
        n = testenv_below(&env, 4) ? m->len - testenv_below(&env, n / 8 + 1) : n;
        hf_frame_trim_to(f, n);
        m->len = n;
        return true;
    case 4:
        n = testenv_below(&env, 300);
        if (!hf_frame_pull(f, n))
            return n > m->len || n > HF_FRAME_ROOM;
        return f->head_len >= n;
    case 5:
        n = testenv_below(&env, 40);
        if (n > m->start || n > (uint32_t)(f->head - f->room))
            return true;
        fill(hf_frame_push(f, n), n);
        memcpy(m->bytes + m->start - n, f->head, n);
        m->start -= n;
        m->len += n;
        return true;
    case 6:
        n = testenv_below(&env, 100);
        at = hf_frame_put(f, n);
        if (!at)
            return f->frag_count || n > HF_FRAME_ROOM - f->head_len - (uint32_t)(f->head - f->room);
        fill(at, n);
        memcpy(m->bytes + m->start + m->len, at, n);
        m->len += n;
        return m->start + m->len < MODEL_MOST - 1000;
    }
    return true;
}

/* A clone keeps what the frame was while the frame goes on. */
static bool random_run(void)
{
    static struct model m, kept;
    struct hf_frame *f = hf_frame_new(pool), *clone;
    bool good = true;

    m.start = 1000;
    m.len = 0;
    for (int i = 0; i < 40 && m.start + m.len < MODEL_MOST - 50000; i++) {
        good &= operate(f, &m) && same(f, &m);
        if (i != 20)
            continue;
        clone = hf_frame_clone(f);
        kept = m;
        for (int k = 0; k < 10; k++)
            good &= operate(f, &m) && same(f, &m) && same(clone, &kept);
        hf_frame_free(f);
        f = clone;
        m = kept;
    }
    hf_frame_free(f);
    return good;
}

/* A pulled header may need the place where the linear bytes are; what net_off names moves along. */
static void pull_keeps_network_header(void)
{
    struct hf_frame *f = hf_frame_new(pool);
    uint8_t bytes[200];

    fill(bytes, sizeof bytes);
    memcpy(hf_frame_put(f, 100), bytes, 100);
    f->net_off = (uint16_t)(f->head - f->room);
    hf_frame_append(f, bytes + 100, 100);
    hf_frame_trim_front(f, 40);
    OK(hf_frame_pull(f, 120), "pull finds room in front");
    OK(memcmp(f->head, bytes + 40, 120) == 0, "pulled bytes are linear");
    OK(memcmp(f->room + f->net_off, bytes, 40) == 0, "the network header stays readable");
    OK(f->room + f->net_off + 40 == f->head, "and stands where it stood relative to head");
    OK(!hf_frame_pull(f, 161), "more than the frame has is refused");
    hf_frame_free(f);
}

static void clone_keeps_fields(void)
{
    struct hf_frame *f = hf_frame_new(pool), *clone;

    f->cb[5] = 77;
    f->gso_bytes = 1448;
    f->flags = HF_FRAME_CSUM_OK;
    f->when = 99;
    f->next = f;
    memcpy(hf_frame_push(f, 4), "abcd", 4);
    f->net_off = 124;
    hf_frame_trim_front(f, 2);
    clone = hf_frame_clone(f);
    OK(clone->cb[5] == 77 && clone->gso_bytes == 1448 && clone->when == 99 &&
           clone->flags == HF_FRAME_CSUM_OK && clone->net_off == 124,
       "a clone keeps the fields");
    OK(!clone->next && clone->head - clone->room == f->head - f->room, "and the offset of head");
    OK(memcmp(clone->room + clone->net_off, "abcd", 4) == 0, "and headers already passed");
    hf_frame_free(f);
    f = hf_frame_new(pool);
    OK(f->cb[5] == 0 && f->len == 0 && f->flags == 0 && f->when == 0, "a used frame comes clean");
    hf_frame_free(f);
    hf_frame_free(clone);
}

static void pages(void)
{
    static const uint32_t sizes[] = {1,    256,   257,   2048,  2049,
                                     8192, 32767, 32768, 65536, UINT32_MAX};
    struct hf_frame_pool_stats stats;

    for (size_t i = 0; i < HF_COUNT(sizes); i++) {
        struct hf_page *p = hf_page_new(pool, sizes[i]);

        OK(p->size >= HF_MIN(sizes[i], 32768u) && p->size <= 65536 && p->refs == 1 &&
               (uintptr_t)p->data % 16 == 0,
           "a page holds what was asked for, aligned to 16");
        fill(p->data, p->size);
        hf_page_ref(p);
        hf_page_unref(p);
        hf_frame_pool_stats(pool, &stats);
        EQ(stats.page_bytes, p->size, "and is counted");
        hf_page_unref(p);
    }
}

static void idle_memory(void)
{
    static struct hf_page *out[3000];
    size_t before = (hf_frame_pool_trim(pool), env.out);

    for (size_t i = 0; i < HF_COUNT(out); i++)
        out[i] = hf_page_new(pool, 2048);
    for (size_t i = 0; i < HF_COUNT(out); i++)
        hf_page_unref(out[i]);
    OK(env.out - before < HF_COUNT(out) * 2048 / 8, "idle pages beyond a bound are given back");
    hf_frame_pool_trim(pool);
    EQ(env.out, before, "trim gives back all");
}

static void without_memory(void)
{
    struct hf_frame *f = hf_frame_new(pool);
    static uint8_t bytes[60000];
    bool good = true;

    memcpy(hf_frame_put(f, 10), "0123456789", 10);
    for (uint64_t fail = 1; fail < 4; fail++) {
        hf_frame_pool_trim(pool);
        env.allocs = 0;
        env.fail_from = fail;
        if (hf_frame_append(f, bytes, sizeof bytes))
            break;
        good &= f->len == 10 && f->frag_count == 0;
    }
    env.fail_from = 0;
    OK(good && f->len == 60010, "append without memory leaves the frame as it was");
    hf_frame_pool_trim(pool);
    env.fail_from = 1;
    env.allocs = 0;
    OK(!hf_page_new(pool, 1), "no page without memory");
    env.fail_from = 0;
    hf_frame_free(f);
}

int main(void)
{
    struct hf_env hf = testenv_env(&env);
    struct hf_frame_pool_stats stats;
    bool good = true;

    tap_begin(60);
    pool = hf_frame_pool_new(&hf);
    for (int i = 0; i < 1500; i++)
        good &= random_run();
    OK(good, "random operations agree with the model");
    hf_frame_pool_stats(pool, &stats);
    OK(stats.frames == 0 && stats.pages == 0 && stats.page_bytes == 0, "nothing leaks");
    pull_keeps_network_header();
    clone_keeps_fields();
    pages();
    idle_memory();
    without_memory();
    hf_frame_free(NULL);
    hf_frame_pool_free(NULL);
    hf_frame_pool_free(pool);
    EQ(env.out, 0, "the pool gives back all memory");
    env.fail_from = 1;
    OK(!hf_frame_pool_new(&hf), "no pool without memory");
    return tap_end();
}
