#include "transport/bpf.h"

#include "handfast/errno.h"
#include "handfast/link.h"
#include "transport/udp.h"
#include "wire/bytes.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/udp.h"

enum {
    /* Classes, and what is in the other bits of a code. */
    BPF_LD = 0,
    BPF_LDX = 1,
    BPF_ST = 2,
    BPF_STX = 3,
    BPF_ALU = 4,
    BPF_JMP = 5,
    BPF_RET = 6,
    CLASS = 7,
    BPF_W = 0x00,
    BPF_H = 0x08,
    BPF_B = 0x10,
    SIZE = 0x18,
    BPF_IMM = 0x00,
    BPF_ABS = 0x20,
    BPF_IND = 0x40,
    BPF_MEM = 0x60,
    BPF_LEN = 0x80,
    BPF_MSH = 0xa0,
    MODE = 0xe0,
    BPF_ADD = 0x00,
    BPF_SUB = 0x10,
    BPF_MUL = 0x20,
    BPF_DIV = 0x30,
    BPF_OR = 0x40,
    BPF_AND = 0x50,
    BPF_LSH = 0x60,
    BPF_RSH = 0x70,
    BPF_NEG = 0x80,
    BPF_MOD = 0x90,
    BPF_XOR = 0xa0,
    BPF_JA = 0x00,
    BPF_JEQ = 0x10,
    BPF_JGT = 0x20,
    BPF_JGE = 0x30,
    BPF_JSET = 0x40,
    OPERATION = 0xf0,
    BPF_X = 0x08,
    BPF_A = 0x10, /* of BPF_RET */
    BPF_TXA = 0x80,
    MEMORY_WORDS = 16,
    /* Offsets that mean something else than a byte of the packet: Linux's SKF_*. */
    ANCILLARY = -0x1000,
    NETWORK = -0x100000,
    AD_PROTOCOL = 0,
    AD_IFINDEX = 8,
    AD_HATYPE = 28,
    AD_ALU_XOR_X = 40,
    AD_RANDOM = 56,
    AD_LAST = 60,
};

struct bpf {
    uint32_t count;
    struct bpf_insn insns[];
};

/* ---- checking ---- */

static bool is_ancillary(uint32_t k)
{
    uint32_t what = k - (uint32_t)ANCILLARY;

    return what <= AD_LAST && what % 4 == 0;
}

static bool load_is_known(const struct bpf_insn *i)
{
    bool is_x = (i->code & CLASS) == BPF_LDX;
    unsigned size = i->code & SIZE;

    switch (i->code & MODE) {
    case BPF_IMM:
    case BPF_LEN:
        return size == BPF_W;
    case BPF_MEM:
        return size == BPF_W && i->k < MEMORY_WORDS;
    case BPF_ABS: /* Linux: offsets this near the end that mean nothing are a mistake */
        return !is_x && size != SIZE && (i->k < (uint32_t)ANCILLARY || is_ancillary(i->k));
    case BPF_IND:
        return !is_x && size != SIZE;
    case BPF_MSH:
        return is_x && size == BPF_B;
    default:
        return false;
    }
}

static bool alu_is_known(const struct bpf_insn *i)
{
    unsigned op = i->code & OPERATION;
    bool is_k = !(i->code & BPF_X);

    if (op == BPF_NEG)
        return is_k;
    if ((op == BPF_DIV || op == BPF_MOD) && is_k && !i->k)
        return false;
    if ((op == BPF_LSH || op == BPF_RSH) && is_k && i->k >= 32)
        return false;
    return op <= BPF_XOR;
}

/* left: how many instructions follow. */
static bool jump_is_known(const struct bpf_insn *i, uint32_t left)
{
    unsigned op = i->code & OPERATION;

    if (op == BPF_JA)
        return !(i->code & BPF_X) && i->k < left;
    return op <= BPF_JSET && i->jt < left && i->jf < left;
}

static bool is_known(const struct bpf_insn *i, uint32_t left)
{
    if (i->code > 0xff)
        return false;
    switch (i->code & CLASS) {
    case BPF_LD:
    case BPF_LDX:
        return load_is_known(i);
    case BPF_ST:
    case BPF_STX:
        return !(i->code & ~CLASS) && i->k < MEMORY_WORDS;
    case BPF_ALU:
        return alu_is_known(i);
    case BPF_JMP:
        return jump_is_known(i, left);
    case BPF_RET:
        return !(i->code & ~(CLASS | BPF_A));
    default:
        return !(i->code & ~(CLASS | BPF_TXA));
    }
}

/* Linux: check_load_and_stores. Which words of memory are written on every way to an instruction;
 * written[]: one bit a word, room for all instructions. */
static bool memory_is_written(const struct bpf *f, uint16_t *written)
{
    uint16_t now = 0;

    memset(written, 0xff, f->count * sizeof(*written));
    for (uint32_t pc = 0; pc < f->count; pc++) {
        const struct bpf_insn *i = &f->insns[pc];

        now &= written[pc];
        switch (i->code & CLASS) {
        case BPF_ST:
        case BPF_STX:
            now |= (uint16_t)(1u << i->k);
            break;
        case BPF_LD:
        case BPF_LDX:
            if ((i->code & MODE) == BPF_MEM && !(now >> i->k & 1))
                return false;
            break;
        case BPF_JMP:
            if ((i->code & OPERATION) == BPF_JA) {
                written[pc + 1 + i->k] &= now;
            } else {
                written[pc + 1 + i->jt] &= now;
                written[pc + 1 + i->jf] &= now;
            }
            now = UINT16_MAX;
            break;
        default:
            break;
        }
    }
    return true;
}

static int check(const struct core *core, const struct bpf *f)
{
    uint32_t bytes = f->count * (uint32_t)sizeof(uint16_t);
    uint16_t *written;
    bool good;

    for (uint32_t pc = 0; pc < f->count; pc++) {
        if (!is_known(&f->insns[pc], f->count - pc - 1))
            return -HF_EINVAL;
    }
    if ((f->insns[f->count - 1].code & CLASS) != BPF_RET)
        return -HF_EINVAL;
    written = core->env.alloc(core->env.ctx, bytes);
    if (!written)
        return -HF_ENOMEM;
    good = memory_is_written(f, written);
    core->env.free(core->env.ctx, written, bytes);
    return good ? 0 : -HF_EINVAL;
}

static size_t size_of(uint32_t count)
{
    return sizeof(struct bpf) + count * sizeof(struct bpf_insn);
}

int bpf_new(const struct core *core, const struct bpf_insn *insns, uint32_t n, struct bpf **out)
{
    struct bpf *f;
    int err;

    if (n == 0 || n > BPF_INSNS_MAX)
        return -HF_EINVAL;
    f = core->env.alloc(core->env.ctx, size_of(n));
    if (!f)
        return -HF_ENOMEM;
    f->count = n;
    memcpy(f->insns, insns, n * sizeof(*insns));
    err = check(core, f);
    if (err)
        bpf_free(core, f);
    else
        *out = f;
    return err;
}

void bpf_free(const struct core *core, struct bpf *f)
{
    if (f)
        core->env.free(core->env.ctx, f, size_of(f->count));
}

uint32_t bpf_length(const struct bpf *f)
{
    return f->count;
}

/* ---- running ---- */

/* The packet as the program sees it. */
struct view {
    uint8_t headers[IP6_HEADER + UDP_HEADER];
    uint32_t net_bytes; /* of the IP header */
    uint32_t header_bytes;
    const struct udp_dgram *d;
    const struct hf_frame *payload;
};

struct machine {
    struct core *core;
    struct view view;
    uint32_t a, x;
    uint32_t memory[MEMORY_WORDS];
};

static void view_init(struct view *v, const struct udp_dgram *d, const struct hf_frame *payload)
{
    bool is4 = addr_is4(&d->dst);
    uint16_t len = (uint16_t)(payload->len + UDP_HEADER);
    struct udp_header h = {.src_port = d->src_port, .dst_port = d->dst_port, .len = len};
    struct ip4_header h4 = {.src = d->src,
                            .dst = d->dst,
                            .total_bytes = (uint16_t)(len + IP4_HEADER),
                            .tos = d->tos,
                            .ttl = d->ttl,
                            .proto = IP_PROTO_UDP};
    struct ip6_header h6 = {.src = d->src,
                            .dst = d->dst,
                            .payload_bytes = len,
                            .next_header = IP_PROTO_UDP,
                            .hop_limit = d->ttl,
                            .traffic_class = d->tos};

    v->d = d;
    v->payload = payload;
    v->net_bytes = is4 ? IP4_HEADER : IP6_HEADER;
    v->header_bytes = v->net_bytes + UDP_HEADER;
    if (is4)
        ip4_header_write(&h4, v->headers);
    else
        ip6_header_write(&h6, v->headers);
    udp_header_write(&h, v->headers + v->net_bytes);
}

/* n bytes as a number; false: they are not all there. */
static bool load_bytes(const struct view *v, uint32_t k, uint32_t n, uint32_t *out)
{
    uint64_t at = (int32_t)k >= 0 ? (uint64_t)v->net_bytes + k : (uint64_t)(k - (uint32_t)NETWORK);
    uint8_t byte;

    if ((int32_t)k < NETWORK || at + n > (uint64_t)v->header_bytes + v->payload->len)
        return false;
    *out = 0;
    for (; n; n--, at++) {
        if (at < v->header_bytes)
            byte = v->headers[at];
        else
            hf_frame_read(v->payload, (uint32_t)at - v->header_bytes, &byte, 1);
        *out = *out << 8 | byte;
    }
    return true;
}

/* Loopback's link is the first. */
static uint32_t load_ancillary(struct machine *m, uint32_t what)
{
    const struct view *v = &m->view;

    switch (what) {
    case AD_PROTOCOL:
        return addr_is4(&v->d->dst) ? 0x0800 : 0x86dd;
    case AD_IFINDEX:
        return v->d->link_index;
    case AD_HATYPE:
        return v->d->link_index == 1 ? HF_ARPHRD_LOOPBACK : HF_ARPHRD_ETHER;
    case AD_ALU_XOR_X:
        return m->a ^ m->x;
    case AD_RANDOM:
        return core_random32(m->core);
    default: /* what packets here have none of */
        return 0;
    }
}

/* False: the program ends, and the packet is dropped. */
static bool load(struct machine *m, const struct bpf_insn *i)
{
    uint32_t n = (i->code & SIZE) == BPF_W ? 4 : (i->code & SIZE) == BPF_H ? 2 : 1;

    switch (i->code & MODE) {
    case BPF_IMM:
        m->a = i->k;
        return true;
    case BPF_LEN:
        m->a = m->view.payload->len + UDP_HEADER;
        return true;
    case BPF_MEM:
        m->a = m->memory[i->k];
        return true;
    case BPF_ABS:
        if (is_ancillary(i->k)) {
            m->a = load_ancillary(m, i->k - (uint32_t)ANCILLARY);
            return true;
        }
        return load_bytes(&m->view, i->k, n, &m->a);
    default:
        return load_bytes(&m->view, m->x + i->k, n, &m->a);
    }
}

static bool load_x(struct machine *m, const struct bpf_insn *i)
{
    uint32_t byte;

    switch (i->code & MODE) {
    case BPF_IMM:
        m->x = i->k;
        return true;
    case BPF_LEN:
        m->x = m->view.payload->len + UDP_HEADER;
        return true;
    case BPF_MEM:
        m->x = m->memory[i->k];
        return true;
    default: /* the length of an IPv4 header */
        if (!load_bytes(&m->view, i->k, 1, &byte))
            return false;
        m->x = (byte & 0xf) << 2;
        return true;
    }
}

static bool compute(struct machine *m, const struct bpf_insn *i)
{
    uint32_t v = i->code & BPF_X ? m->x : i->k;

    switch (i->code & OPERATION) {
    case BPF_ADD:
        m->a += v;
        return true;
    case BPF_SUB:
        m->a -= v;
        return true;
    case BPF_MUL:
        m->a *= v;
        return true;
    case BPF_OR:
        m->a |= v;
        return true;
    case BPF_AND:
        m->a &= v;
        return true;
    case BPF_XOR:
        m->a ^= v;
        return true;
    case BPF_LSH: /* Linux: by the lower bits of X */
        m->a <<= v & 31;
        return true;
    case BPF_RSH:
        m->a >>= v & 31;
        return true;
    case BPF_NEG:
        m->a = -m->a;
        return true;
    case BPF_DIV:
        m->a = v ? m->a / v : 0;
        return v;
    default:
        m->a = v ? m->a % v : 0;
        return v;
    }
}

/* How many instructions are left out. */
static uint32_t jump(const struct machine *m, const struct bpf_insn *i)
{
    uint32_t v = i->code & BPF_X ? m->x : i->k;
    bool is_so;

    switch (i->code & OPERATION) {
    case BPF_JA:
        return i->k;
    case BPF_JEQ:
        is_so = m->a == v;
        break;
    case BPF_JGT:
        is_so = m->a > v;
        break;
    case BPF_JGE:
        is_so = m->a >= v;
        break;
    default:
        is_so = m->a & v;
        break;
    }
    return is_so ? i->jt : i->jf;
}

/* Jumps go forward only, so it ends. */
uint32_t bpf_run(struct core *core, const struct bpf *f, const struct udp_dgram *d,
                 const struct hf_frame *payload)
{
    struct machine m = {.core = core};

    view_init(&m.view, d, payload);
    for (uint32_t pc = 0;; pc++) {
        const struct bpf_insn *i = &f->insns[pc];
        bool goes_on = true;

        switch (i->code & CLASS) {
        case BPF_LD:
            goes_on = load(&m, i);
            break;
        case BPF_LDX:
            goes_on = load_x(&m, i);
            break;
        case BPF_ST:
            m.memory[i->k] = m.a;
            break;
        case BPF_STX:
            m.memory[i->k] = m.x;
            break;
        case BPF_ALU:
            goes_on = compute(&m, i);
            break;
        case BPF_JMP:
            pc += jump(&m, i);
            break;
        case BPF_RET:
            return i->code & BPF_A ? m.a : i->k;
        default:
            if (i->code & BPF_TXA)
                m.a = m.x;
            else
                m.x = m.a;
            break;
        }
        if (!goes_on)
            return 0;
    }
}
