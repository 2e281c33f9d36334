/* Neighbour discovery messages. RFC 4861 4. */
#include "wire/ndp.h"

#define NDP_OPT_SOURCE_MAC 1
#define NDP_OPT_TARGET_MAC 2
#define NDP_OPTIONS_MAX    96 /* of one message that we look at: what fits a frame's linear part */

static bool options_read(const uint8_t *p, uint32_t len, struct ndp_message *out)
{
    uint8_t wanted = out->type == NDP_SOLICIT ? NDP_OPT_SOURCE_MAC : NDP_OPT_TARGET_MAC;

    while (len) {
        uint32_t size = len >= 2 ? p[1] * 8u : 0;

        if (!size || size > len)
            return false;
        if (p[0] == wanted && size == 8) {
            out->has_mac = true;
            memcpy(out->mac, p + 2, 6);
        }
        p += size;
        len -= size;
    }
    return true;
}

bool ndp_read(struct hf_frame *f, struct ndp_message *out)
{
    uint32_t len = f->len;
    const uint8_t *p;

    if (len < NDP_MESSAGE || len > NDP_MESSAGE + NDP_OPTIONS_MAX || !hf_frame_pull(f, len))
        return false;
    p = f->head;
    if ((p[0] != NDP_SOLICIT && p[0] != NDP_ADVERT) || p[1] != 0)
        return false;
    memset(out, 0, sizeof(*out));
    out->type = p[0];
    if (out->type == NDP_ADVERT) {
        out->is_router = p[4] & 0x80;
        out->is_solicited = p[4] & 0x40;
        out->is_override = p[4] & 0x20;
    }
    out->target = addr_from6(p + 8);
    return !addr_is_multicast(&out->target) && !addr_is4(&out->target) &&
           options_read(p + NDP_MESSAGE, len - NDP_MESSAGE, out);
}

uint32_t ndp_write(const struct ndp_message *m, uint8_t to[NDP_MESSAGE_MAX])
{
    memset(to, 0, NDP_MESSAGE_MAX);
    to[0] = m->type;
    to[4] = (uint8_t)((m->is_router ? 0x80 : 0) | (m->is_solicited ? 0x40 : 0) |
                      (m->is_override ? 0x20 : 0));
    memcpy(to + 8, m->target.b, 16);
    if (!m->has_mac)
        return NDP_MESSAGE;
    to[24] = m->type == NDP_SOLICIT ? NDP_OPT_SOURCE_MAC : NDP_OPT_TARGET_MAC;
    to[25] = 1;
    memcpy(to + 26, m->mac, 6);
    return NDP_MESSAGE_MAX;
}

struct ip_addr ndp_solicited_node(const struct ip_addr *addr)
{
    struct ip_addr group = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0}}};

    memcpy(group.b + 13, addr->b + 13, 3);
    return group;
}
