/* Shared by the files of AF_UNIX. */
#ifndef TRANSPORT_UNIX_INTERNAL_H
#define TRANSPORT_UNIX_INTERNAL_H

#include "transport/unix/unix.h"

/* A message, or a piece of a stream that one call sent: in the receiver's queue. */
struct unix_record {
    struct list link;
    struct unix_pcb *from; /* a reference; charged */
    struct hf_ref *refs;   /* ref_count of them, or NULL */
    uint32_t ref_count;
    uint32_t len, consumed;
    uint32_t charge; /* Linux: skb->truesize */
    struct hf_credentials cred;
    bool has_cred;
    uint8_t shift; /* where in data the bytes begin */
    uint8_t data[];
};

static inline const uint8_t *record_bytes(const struct unix_record *r)
{
    return r->data + r->shift;
}

static inline void unix_ref(struct unix_pcb *u)
{
    u->refs++;
}
void unix_unref(struct unix_pcb *u);

static inline uint32_t record_left(const struct unix_record *r)
{
    return r->len - r->consumed;
}
static inline struct unix_record *record_first(const struct unix_pcb *u)
{
    return list_empty(&u->queue) ? NULL : container_of(u->queue.next, struct unix_record, link);
}
static inline struct unix_record *record_next(const struct unix_pcb *u, const struct unix_record *r)
{
    return r->link.next == &u->queue ? NULL : container_of(r->link.next, struct unix_record, link);
}

/* The piece of the vector that begins after `skip` bytes and is len long, with m's references, as
 * one record of u's, not charged and in no queue yet. -HF_ENOBUFS without memory for the record,
 * -HF_ENOMEM for the references, which are still the caller's then. */
HF_NODISCARD int record_new(struct unix_pcb *u, struct unix_message *m, size_t skip, uint32_t len,
                            struct unix_record **out);
void record_free(struct unix_net *net, struct unix_record *r);
/* Into the queue of `to`, charged to its sender. */
void record_deliver(struct unix_record *r, struct unix_pcb *to, uint32_t charge);
/* Out of u's queue, the charge given back, freed. */
void record_drop(struct unix_pcb *u, struct unix_record *r);
/* Copies at most len bytes from offset `at` into the vector after `skip` bytes. */
size_t record_copy(const struct unix_record *r, uint32_t at, size_t len,
                   const struct unix_message *m, size_t skip);
/* What a message says beside its bytes, to who reads it; a peek leaves the references. */
void record_tell(struct unix_pcb *u, struct unix_record *r, struct unix_message *m, bool peeks);
/* What Linux charges for a linear part of so many bytes. */
uint32_t record_charge(uint32_t linear_bytes);
size_t message_bytes(const struct unix_message *m);
/* May u send now, as far as its buffer goes? Linux: sock_alloc_send_pskb. */
HF_NODISCARD int unix_check_room(struct unix_pcb *u);

/* Who waits for room in u's queue is told to try again. */
void unix_wake(struct unix_pcb *u);
void unix_wait_for(struct unix_pcb *u, struct unix_pcb *other);
void unix_event(struct unix_pcb *u);
/* The caller's credentials. */
void unix_who(struct unix_net *net, struct hf_credentials *out);

/* name.c. An accepted socket shows its listener's name, but is not found by it. */
void unix_name_share(struct unix_pcb *u, const struct unix_pcb *listener);
/* The name can be had again; who asks u is still told it. */
void unix_name_unbind(struct unix_pcb *u);
void unix_name_end(struct unix_pcb *u);

/* rights.c */
void refs_launch(struct unix_net *net, const struct hf_ref *refs, size_t n);
void refs_land(struct unix_net *net, const struct hf_ref *refs, size_t n);

#endif
