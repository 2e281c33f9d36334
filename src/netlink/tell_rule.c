/* RTM_GETRULE: the rules that Linux begins with, for none can be added. Linux: fib_nl_dumprule,
 * fib_nl_fill_rule. */
#include "netlink/netlink.h"

/* Linux's struct fib_rule_hdr. */
struct rule_header {
    uint8_t family, dst_len, src_len, tos, table, pad[2], action;
    uint32_t flags;
};

static const struct rule {
    uint8_t family, table;
    uint32_t priority;
} rules[] = {
    {HF_AF_INET, RT_TABLE_LOCAL_, 0},       {HF_AF_INET, RT_TABLE_MAIN_, 32766},
    {HF_AF_INET, RT_TABLE_DEFAULT_, 32767}, {HF_AF_INET6, RT_TABLE_LOCAL_, 0},
    {HF_AF_INET6, RT_TABLE_MAIN_, 32766},
};

/* Linux: fib_valid_dumprule_req. */
static int check_dump(const struct question *q)
{
    struct rule_header h;

    if (!q->rq->is_strict)
        return 0;
    if (request_body_len(q->rq) < sizeof(h))
        return answer_refuse(q->a, "Invalid header for fib rule dump request");
    memcpy(&h, request_body(q->rq), sizeof(h));
    if (h.dst_len || h.src_len || h.tos || h.table || h.pad[0] || h.pad[1] || h.action || h.flags)
        return answer_refuse(q->a, "Invalid values in header for fib rule dump request");
    return request_body_len(q->rq) > sizeof(h)
               ? answer_refuse(q->a, "Invalid data after header in fib rule dump request")
               : 0;
}

int tell_rules(const struct question *q)
{
    uint8_t family = request_family(q->rq);
    int err = check_dump(q);

    if (err)
        return err;
    if (family && family != HF_AF_INET && family != HF_AF_INET6)
        return -HF_EAFNOSUPPORT;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct rule *r = &rules[i];
        struct rule_header h = {.family = r->family, .table = r->table, .action = FR_ACT_TO_TBL_};

        if (family && family != r->family)
            continue;
        memcpy(answer_begin(q->a, RT_NEWRULE, sizeof(h)), &h, sizeof(h));
        answer_u32(q->a, FRA_TABLE_, r->table);
        answer_u32(q->a, FRA_SUPPRESS_PREFIXLEN_, UINT32_MAX);
        answer_u8(q->a, FRA_PROTOCOL_, RT_PROTOCOL_KERNEL);
        if (r->priority)
            answer_u32(q->a, FRA_PRIORITY_, r->priority);
        answer_end(q->a);
    }
    return 0;
}
