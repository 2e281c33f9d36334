/* Fast Open of who is connected to. RFC 7413 3, 4.1.2, 4.2.2; Linux: tcp_try_fastopen.
 *
 * A cookie is a keyed hash of both addresses: nothing is kept for it. Whoever brings one with its
 * SYN has shown that it receives at its address, and so its connection goes to the accept queue at
 * once, in SYN-RECEIVED, with what the SYN carried; it may be answered before the handshake is
 * done (fo_pending). snd_una is one past the SYN from the beginning: the SYN-ACK has the
 * retransmission timer to itself, and nothing else is repeated before it is answered.
 *
 * How many connections a listener has in that state is limited (TCP_FASTOPEN), and one that was
 * reset counts for another minute: somebody uses other people's addresses. RFC 7413 5.1 */
#include "base/siphash.h"
#include "transport/tcp/fastopen.h"
#include "transport/tcp/flow.h"

#define COOKIE_BYTES 8
#define RESET_COUNTS (60 * HF_S)

struct fastopen_reset {
    struct list link; /* the oldest first */
    hf_time until;
};

/* ---- the listener's part ---- */

struct tcp_fastopen_queue *tcp_fastopen_queue_new(struct tcp *tcp)
{
    const struct hf_env *env = &tcp->core->env;
    struct tcp_fastopen_queue *q = env->alloc(env->ctx, sizeof(*q));

    if (!q)
        return NULL;
    *q = (struct tcp_fastopen_queue){.tcp = tcp, .refs = 1};
    list_init(&q->resets);
    return q;
}

static void drop_reset(struct tcp_fastopen_queue *q)
{
    const struct hf_env *env = &q->tcp->core->env;
    struct list *first = list_pop_front(&q->resets);

    env->free(env->ctx, container_of(first, struct fastopen_reset, link),
              sizeof(struct fastopen_reset));
    q->pending--;
}

void tcp_fastopen_queue_put(struct tcp_fastopen_queue *q)
{
    const struct hf_env *env;

    if (!q || --q->refs)
        return;
    env = &q->tcp->core->env;
    while (!list_empty(&q->resets))
        drop_reset(q);
    env->free(env->ctx, q, sizeof(*q));
}

/* The connection counts on, though it is no more. Without memory it does not. */
static void note_reset(struct tcp_fastopen_queue *q)
{
    const struct hf_env *env = &q->tcp->core->env;
    struct fastopen_reset *r = env->alloc(env->ctx, sizeof(*r));

    if (!r)
        return;
    r->until = q->tcp->core->now + RESET_COUNTS;
    list_push_back(&q->resets, &r->link);
    q->pending++;
}

static bool has_room(struct tcp_fastopen_queue *q)
{
    if (q->pending < q->limit)
        return true;
    if (list_empty(&q->resets) ||
        container_of(q->resets.next, struct fastopen_reset, link)->until > q->tcp->core->now)
        return false;
    drop_reset(q);
    return q->pending < q->limit;
}

/* ---- cookies ---- */

void tcp_fastopen_make_keys(struct tcp *tcp)
{
    const struct hf_env *env = &tcp->core->env;

    if (tcp->fastopen_keys.count)
        return;
    env->random(env->ctx, tcp->fastopen_keys.key[0], sizeof(tcp->fastopen_keys.key[0]));
    tcp->fastopen_keys.count = 1;
}

static uint64_t cookie_of(const struct segment *s, const uint64_t key[2])
{
    uint8_t both[32];
    uint32_t bytes = addr_is4(&s->ip->src) ? 4 : 16;

    memcpy(both, s->ip->src.b + 16 - bytes, bytes);
    memcpy(both + bytes, s->ip->dst.b + 16 - bytes, bytes);
    return siphash24(key, both, 2 * bytes);
}

static void write_cookie(uint8_t *to, uint64_t cookie)
{
    for (int i = 0; i < COOKIE_BYTES; i++)
        to[i] = (uint8_t)(cookie >> 8 * i);
}

/* Which of the keys made the cookie that s brought, from 1; 0: none. */
static unsigned key_of(const struct tcp_fastopen_keys *keys, const struct segment *s)
{
    uint8_t made[COOKIE_BYTES];

    if (s->h.fastopen_len != COOKIE_BYTES)
        return 0;
    for (unsigned i = 0; i < keys->count; i++) {
        write_cookie(made, cookie_of(s, keys->key[i]));
        if (memcmp(made, s->h.fastopen, COOKIE_BYTES) == 0)
            return i + 1;
    }
    return 0;
}

/* ---- a SYN ---- */

bool fastopen_accepts(struct tcb *listener, const struct segment *s, struct tcp_header *answer)
{
    struct tcp *tcp = listener->tcp;
    struct tcp_fastopen_queue *q = tcp->up->fastopen_queue(listener);
    const struct tcp_fastopen_keys *keys = q && q->keys.count ? &q->keys : &tcp->fastopen_keys;
    unsigned key;

    *answer = (struct tcp_header){0};
    if (!(tcp->fastopen.bits & TCP_FASTOPEN_SERVER) || !q || !(s->len || s->h.has_fastopen) ||
        !has_room(q))
        return false;
    if (tcp->fastopen.bits & TCP_FASTOPEN_SERVER_NO_COOKIE || q->no_cookie)
        return true;
    if (!s->h.has_fastopen || !keys->count)
        return false;
    key = key_of(keys, s);
    if (key != 1) { /* it asks, or its cookie is false or from an older key */
        answer->has_fastopen = true;
        answer->fastopen_exp = s->h.fastopen_exp;
        answer->fastopen_len = COOKIE_BYTES;
        write_cookie(answer->fastopen, cookie_of(s, keys->key[0]));
    }
    return key != 0;
}

void fastopen_begin(struct tcb *child, struct tcb *listener, struct segment *s)
{
    struct tcp_fastopen_queue *q = child->tcp->up->fastopen_queue(listener);

    q->pending++;
    child->fo_pending = 1;
    child->snd_una = child->snd_nxt = child->snd_max = child->iss + 1;
    child->snd_up = child->snd_sml = child->recover = child->snd_una;
    tcb_note_window(child);
    child->rcv_adv = child->rcv_nxt + HF_MIN(child->rcvbuf / 2, 65535u);
    options_sync_mss(child);
    cong_start(child);
    if (!s->len)
        return;
    if (flow_of(child))
        child->flow->data_segs_in++;
    s->seq++;
    child->fo_acked = 1;
    (void)receive_segment(child, s); /* a SYN with FIN never comes here */
}

/* ---- its end ---- */

static struct tcp_fastopen_queue *queue_of(struct tcb *tcb)
{
    return tcb->is_child ? tcb->tcp->up->fastopen_queue(tcb->child.listener) : tcb->open.queue;
}

void fastopen_accepted(struct tcb *child, struct tcp_fastopen_queue *q)
{
    child->open.queue = q;
    q->refs++;
}

void fastopen_settled(struct tcb *tcb, bool by_reset)
{
    struct tcp_fastopen_queue *q;

    if (!tcb->fo_pending)
        return;
    q = queue_of(tcb);
    tcb->fo_pending = 0;
    q->pending--;
    if (by_reset)
        note_reset(q);
    if (!tcb->is_child) {
        tcb->open.queue = NULL;
        tcp_fastopen_queue_put(q);
    }
}

bool fastopen_confirmed(struct tcb *tcb, struct segment *s)
{
    if (seq_lt(s->h.ack, tcb->snd_una) || seq_gt(s->h.ack, tcb->snd_max)) {
        reset_answer(tcb->tcp, s, HF_DROP_TCP_BAD_ACK);
        return false;
    }
    fastopen_settled(tcb, false);
    if (tcb->rcv_wscale == UINT8_MAX)
        tcb->rcv_wscale = 0;
    if (tcb->is_timed)
        rtt_sample(tcb, tcp_us(tcb->tcp) - tcb->rtt_at);
    tcb->is_timed = 0;
    tcb->retries = tcb->backoff = 0;
    tcb->rexmt_due = tcb->rexmt_since = 0;
    if (tcb_flight(tcb))
        timer_rexmt(tcb);
    if (tcb->state == TCP_SYN_RECEIVED) {
        tcp_set_state(tcb, TCP_ESTABLISHED);
        if (tcb->fin_queued)
            tcp_set_state(tcb, TCP_FIN_WAIT_1);
    }
    timer_slow(tcb);
    tcp_event(tcb);
    return true;
}
