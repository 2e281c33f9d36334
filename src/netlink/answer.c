#include "netlink/answer.h"

#include "netlink/numbers.h"

struct part *part_new(struct core *core, uint32_t room)
{
    struct part *p = core->env.alloc(core->env.ctx, sizeof(*p) + room);

    if (!p)
        return NULL;
    list_init(&p->link);
    p->room = room;
    p->len = 0;
    p->from = 0;
    return p;
}

void part_free(struct core *core, struct part *p)
{
    core->env.free(core->env.ctx, p, sizeof(*p) + p->room);
}

void answer_init(struct answer *a, struct core *core, const struct request *rq, uint32_t port)
{
    memset(a, 0, offsetof(struct answer, bytes));
    a->core = core;
    a->rq = rq;
    a->port = port;
    list_init(&a->parts);
}

void answer_fini(struct answer *a)
{
    struct list *l;

    while ((l = list_pop_front(&a->parts)))
        part_free(a->core, container_of(l, struct part, link));
}

static void write_head(uint8_t *to, const struct answer *a, uint32_t len, uint16_t type,
                       uint16_t flags)
{
    struct nl_header h = {len, type, flags, a->rq->head.seq, a->port};

    memcpy(to, &h, sizeof(h));
}

static uint16_t dump_flags(const struct answer *a)
{
    return (uint16_t)((a->is_dump ? NL_F_MULTI : 0) | (a->is_filtered ? NL_F_DUMP_FILTERED : 0));
}

/* Room for n bytes in a datagram: of a dump in the last one as long as it is not full, else in one
 * of its own, as Linux sends it. NULL without memory. */
static uint8_t *append(struct answer *a, uint32_t n)
{
    struct part *p = list_empty(&a->parts) ? NULL : container_of(a->parts.prev, struct part, link);

    if (!p || p->room - p->len < n) {
        p = part_new(a->core, a->is_dump ? HF_MAX(n, (uint32_t)PART_BYTES) : n);
        if (!p) {
            a->is_short = true;
            return NULL;
        }
        list_push_back(&a->parts, &p->link);
    }
    p->len += n;
    return p->bytes + p->len - n;
}

void *answer_begin(struct answer *a, uint16_t type, uint32_t bytes)
{
    a->len = NL_HEADER + nl_padded(bytes);
    memset(a->bytes, 0, a->len);
    write_head(a->bytes, a, 0, type, dump_flags(a));
    return a->bytes + NL_HEADER;
}

void answer_attr(struct answer *a, uint16_t type, const void *value, uint32_t len)
{
    uint16_t head[2] = {(uint16_t)(NL_ATTR + len), type};
    uint32_t whole = nl_padded(NL_ATTR + len);

    if (whole > sizeof(a->bytes) - a->len) {
        a->is_short = true;
        return;
    }
    memset(a->bytes + a->len + whole - 4, 0, 4); /* what pads it */
    memcpy(a->bytes + a->len, head, sizeof(head));
    memcpy(a->bytes + a->len + sizeof(head), value, len);
    a->len += whole;
}

void answer_u8(struct answer *a, uint16_t type, uint8_t value)
{
    answer_attr(a, type, &value, sizeof(value));
}

void answer_u32(struct answer *a, uint16_t type, uint32_t value)
{
    answer_attr(a, type, &value, sizeof(value));
}

static uint32_t length(const char *text)
{
    uint32_t n = 0;

    while (text[n])
        n++;
    return n;
}

void answer_text(struct answer *a, uint16_t type, const char *text)
{
    answer_attr(a, type, text, length(text) + 1);
}

void answer_end(struct answer *a)
{
    uint8_t *to;

    memcpy(a->bytes, &a->len, sizeof(a->len));
    to = append(a, a->len);
    if (to)
        memcpy(to, a->bytes, a->len);
}

int answer_refuse(struct answer *a, const char *complaint)
{
    return answer_refuse_at(a, complaint, NULL);
}

int answer_refuse_at(struct answer *a, const char *complaint, const uint8_t *where)
{
    a->complaint = complaint;
    a->where = where;
    return -HF_EINVAL;
}

/* Linux: netlink_ack_tlv_fill; the offset is not told of a dump. */
static uint32_t reason_bytes(const struct answer *a)
{
    uint32_t n = a->complaint ? nl_padded(NL_ATTR + length(a->complaint) + 1) : 0;

    return n + (a->where && !a->is_dump ? NL_ATTR + 4 : 0);
}

static void write_reason(const struct answer *a, uint8_t *to)
{
    uint16_t head[2] = {0, NL_ACK_MSG};
    uint32_t n, offset;

    if (a->complaint) {
        n = length(a->complaint) + 1;
        head[0] = (uint16_t)(NL_ATTR + n);
        memset(to, 0, nl_padded(NL_ATTR + n));
        memcpy(to, head, sizeof(head));
        memcpy(to + NL_ATTR, a->complaint, n);
        to += nl_padded(NL_ATTR + n);
    }
    if (a->where && !a->is_dump) {
        offset = (uint32_t)(a->where - a->rq->bytes);
        head[0] = NL_ATTR + sizeof(offset);
        head[1] = NL_ACK_OFFS;
        memcpy(to, head, sizeof(head));
        memcpy(to + NL_ATTR, &offset, sizeof(offset));
    }
}

/* Linux: netlink_dump_done. */
static void write_done(struct answer *a, int error, uint32_t reason)
{
    uint32_t len = NL_HEADER + sizeof(error) + reason;
    uint8_t *to = append(a, len);

    if (!to)
        return;
    write_head(to, a, len, NL_DONE, (uint16_t)(dump_flags(a) | (reason ? NL_F_ACK_TLVS : 0)));
    memcpy(to + NL_HEADER, &error, sizeof(error));
    if (reason)
        write_reason(a, to + NL_HEADER + sizeof(error));
}

/* Linux: netlink_ack. The request comes back with an error, its header alone with none. */
void answer_result(struct answer *a, int error, bool says_why, bool is_capped)
{
    uint32_t reason = says_why && error ? reason_bytes(a) : 0;
    uint32_t quoted = error && !is_capped ? nl_padded(a->rq->head.len) : NL_HEADER;
    uint32_t len = NL_HEADER + (uint32_t)sizeof(error) + quoted + reason;
    bool is_cut = !error || is_capped;
    uint8_t *to;

    if (a->is_dump) {
        write_done(a, error, reason);
        return;
    }
    to = append(a, len);
    if (!to)
        return;
    memset(to, 0, len);
    write_head(to, a, len, NL_ERROR,
               (uint16_t)((is_cut ? NL_F_CAPPED : 0) | (reason ? NL_F_ACK_TLVS : 0)));
    memcpy(to + NL_HEADER, &error, sizeof(error));
    memcpy(to + NL_HEADER + sizeof(error), a->rq->bytes, is_cut ? NL_HEADER : a->rq->head.len);
    if (reason)
        write_reason(a, to + NL_HEADER + sizeof(error) + quoted);
}
