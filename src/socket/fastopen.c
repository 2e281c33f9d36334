/* Fast Open of a listener, as its options say. RFC 7413; Linux: fastopen_queue_tune,
 * tcp_fastopen_reset_cipher. */
#include "base/siphash.h"
#include "socket/sock.h"

#define KEY_BYTES 16

/* Few sockets have one, and who has none pays a bit for it: it is found by a table. */
static uint32_t hash_of(const struct hf_sock *sk)
{
    uintptr_t key = (uintptr_t)sk;

    return (uint32_t)siphash(sk->all->core.key, &key, sizeof(key));
}

struct tcp_fastopen_queue *sock_fastopen(const struct hf_sock *sk)
{
    if (!sk->opt.has_fastopen)
        return NULL;
    for (struct hash_node *n = hash_first(&sk->all->fastopen, hash_of(sk)); n; n = hash_next(n)) {
        struct tcp_fastopen_queue *q = container_of(n, struct tcp_fastopen_queue, node);

        if (q->owner == sk)
            return q;
    }
    return NULL;
}

static struct tcp_fastopen_queue *make(struct hf_sock *sk)
{
    struct tcp_fastopen_queue *q = sock_fastopen(sk);

    if (q)
        return q;
    q = tcp_fastopen_queue_new(&sk->all->tcp);
    if (!q)
        return NULL;
    q->no_cookie = sk->opt.fastopen_no_cookie;
    q->owner = sk;
    hash_insert(&sk->all->fastopen, &q->node, hash_of(sk));
    sk->opt.has_fastopen = 1;
    return q;
}

void sock_fastopen_drop(struct hf_sock *sk)
{
    struct tcp_fastopen_queue *q = sock_fastopen(sk);

    if (!q)
        return;
    hash_remove(&sk->all->fastopen, &q->node);
    sk->opt.has_fastopen = 0;
    tcp_fastopen_queue_put(q);
}

int fastopen_limit(struct hf_sock *sk, uint32_t limit)
{
    struct tcp_fastopen_queue *q = make(sk);

    if (!q)
        return -HF_ENOMEM;
    tcp_fastopen_make_keys(&sk->all->tcp);
    q->limit = HF_MIN(limit, (uint32_t)HF_SOMAXCONN);
    return 0;
}

/* Without memory it is an ordinary listener. */
void fastopen_listen(struct hf_sock *sk, uint32_t backlog)
{
    uint32_t wanted = TCP_FASTOPEN_ALL_LISTENERS | TCP_FASTOPEN_SERVER;
    const struct tcp_fastopen_queue *q = sock_fastopen(sk);

    if ((sk->all->tcp.fastopen.bits & wanted) == wanted && !(q && q->limit))
        (void)!fastopen_limit(sk, backlog);
}

static uint64_t load(const uint8_t *p)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static void store(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* One key, or a new one and the one before it. */
int fastopen_read_keys(struct tcp_fastopen_keys *keys, const void *value, uint32_t len)
{
    if (len != KEY_BYTES && len != 2 * KEY_BYTES)
        return -HF_EINVAL;
    keys->count = (uint8_t)(len / KEY_BYTES);
    for (unsigned i = 0; i < len / 8; i++)
        keys->key[i / 2][i % 2] = load((const uint8_t *)value + i * 8);
    return 0;
}

int fastopen_set_keys(struct hf_sock *sk, const void *value, uint32_t len)
{
    struct tcp_fastopen_keys keys;
    struct tcp_fastopen_queue *q;
    int err = fastopen_read_keys(&keys, value, len);

    if (err)
        return err;
    q = make(sk);
    if (!q)
        return -HF_ENOMEM;
    q->keys = keys;
    return 0;
}

int fastopen_get_keys(const struct hf_sock *sk, void *value, uint32_t *len)
{
    const struct tcp_fastopen_queue *q = sock_fastopen(sk);
    const struct tcp_fastopen_keys *k = q && q->keys.count ? &q->keys : &sk->all->tcp.fastopen_keys;
    uint8_t bytes[2 * KEY_BYTES];

    for (unsigned i = 0; i < 4; i++)
        store(bytes + i * 8, k->key[i / 2][i % 2]);
    return option_give(value, len, bytes, k->count * KEY_BYTES);
}
