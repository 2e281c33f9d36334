/* Socket filters: classic BPF programs, run on each datagram before it is queued. Linux:
 * sk_filter_trim_cap, bpf_check_classic, with McCanne and Jacobson's machine. */
#ifndef TRANSPORT_BPF_H
#define TRANSPORT_BPF_H

#include "base/core.h"
#include "wire/addr.h"

struct bpf;
struct udp_dgram;

/* struct sock_filter */
struct bpf_insn {
    uint16_t code;
    uint8_t jt, jf;
    uint32_t k;
};

#define BPF_INSNS_MAX 4096

/* Takes a copy of a program of n instructions. -HF_EINVAL: one that does not end, jumps out, reads
 * scratch memory it has not written, or has an instruction that there is not. -HF_ENOMEM. */
HF_NODISCARD int bpf_new(const struct core *core, const struct bpf_insn *insns, uint32_t n,
                         struct bpf **out);
/* NULL is fine. */
void bpf_free(const struct core *core, struct bpf *f);

uint32_t bpf_length(const struct bpf *f);

/* How many bytes of the datagram, its header's 8 among them, are to be kept; 0: it is dropped.
 * payload: what follows the header. Of the headers, the program sees what is noted in d: no
 * checksum, no identification, no options. */
uint32_t bpf_run(struct core *core, const struct bpf *f, const struct udp_dgram *d,
                 const struct hf_frame *payload);

#endif
