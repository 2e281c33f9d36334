/* AF_UNIX: streams, datagrams and sequenced packets between the sockets of one stack.
 *
 * A message goes straight into the receiver's queue (record.c), charged to its sender until it is
 * read. A socket is counted: its owner, who has it for a peer, and each message that came from it
 * hold a reference, so a peer's name outlives it (Linux: struct unix_sock). Nothing here waits: who
 * finds a queue full is noted there and told by `event` when it no longer is. */
#ifndef TRANSPORT_UNIX_UNIX_H
#define TRANSPORT_UNIX_UNIX_H

#include "base/core.h"
#include "base/hash.h"
#include "base/list.h"
#include "handfast/linux.h"
#include "handfast/unix.h"

enum { UNIX_PATH_MAX = 108 };

struct unix_pcb;
struct unix_record;

struct unix_up {
    /* A socket for the other end of a connection, as unix_pcb_init made it; NULL: no memory. */
    struct unix_pcb *(*child_new)(struct unix_pcb *listener);
    void (*event)(struct unix_pcb *u);    /* readiness may have changed */
    void (*released)(struct unix_pcb *u); /* nobody refers to it any more */
    struct unix_pcb *(*of_sock)(struct hf_sock *sk);
};

/* What the AF_UNIX sockets of one stack share. */
struct unix_net {
    struct core *core;
    const struct unix_up *up;
    struct hf_unix_host host;
    struct hash names;
    struct list in_flight; /* sockets that are in messages, by flight */
    uint64_t flight_count; /* references to them */
    uint64_t collect_at;   /* and how many make it worth to look for cycles */
    bool has_garbage;      /* a socket has closed since rights.c looked for cycles */
};

enum unix_state {
    UNIX_CLOSED,      /* as socket() made it; datagram: no peer */
    UNIX_LISTEN,      /* the queue holds connections, not messages */
    UNIX_ESTABLISHED, /* connected; a datagram socket also when it is somebody's peer */
};

enum { UNIX_SHUT_RECV = 1, UNIX_SHUT_SEND = 2, UNIX_SHUT_BOTH = 3 };

struct unix_pcb {
    struct unix_net *net;
    struct unix_name *name; /* a reference, or NULL */
    struct unix_pcb *peer;  /* a reference, or NULL; it may be dead */
    struct list queue;      /* struct unix_record; of a listener: struct unix_pcb by pending */
    struct list pending;
    struct list waiters; /* who waits for room in the queue, by waiting */
    struct list waiting;
    struct unix_record *oob; /* the urgent byte, in the queue, or NULL */
    struct list flight;      /* in net->in_flight */
    uint32_t flights;        /* references to it in messages; the rest is rights.c's */
    uint32_t flights_inside;
    uint32_t refs;
    uint32_t queued;   /* entries of queue */
    uint32_t backlog;  /* the most of them that do not yet count as full */
    uint32_t readable; /* bytes in the queue */
    uint32_t charged;  /* for messages of its own that are in others' queues */
    uint32_t sndbuf, rcvbuf;
    struct hf_credentials own, theirs; /* SO_PEERCRED is theirs; own: a listener's, at listen() */
    int16_t err;                       /* HF_E... pending */
    uint8_t type;                      /* HF_SOCK_STREAM, DGRAM or SEQPACKET */
    uint8_t state;                     /* enum unix_state */
    uint8_t shut;                      /* UNIX_SHUT_* */
    uint8_t pass_cred : 1;             /* SO_PASSCRED */
    uint8_t oob_inline : 1;
    uint8_t reuse_addr : 1, broadcast : 1, pass_sec : 1; /* kept and read back */
    uint8_t is_dead : 1;                                 /* its owner has closed it */
    uint8_t is_embryo : 1;                               /* nobody has accepted it yet */
    uint8_t is_reached : 1;
};

HF_NODISCARD int unix_init(struct unix_net *net, struct core *core, const struct hf_unix_host *host,
                           const struct unix_up *up);
void unix_fini(struct unix_net *net);

void unix_pcb_init(struct unix_net *net, struct unix_pcb *u, int type);
/* The owner's reference goes. */
void unix_close(struct unix_pcb *u);
void unix_shutdown(struct unix_pcb *u, uint8_t how);
/* socketpair(). */
void unix_join(struct unix_pcb *a, struct unix_pcb *b);

static inline bool unix_is_connected_type(const struct unix_pcb *u)
{
    return u->type != HF_SOCK_DGRAM;
}
/* Linux: unix_recvq_full. */
static inline bool unix_is_full(const struct unix_pcb *u)
{
    return u->queued > u->backlog;
}
/* Linux: unix_writable. */
static inline bool unix_is_writable(const struct unix_pcb *u)
{
    return u->state != UNIX_LISTEN && (uint64_t)u->charged * 4 <= u->sndbuf;
}
/* The pending error, taken, as a negated number; 0: none. */
int unix_take_error(struct unix_pcb *u);
/* A datagram would have to wait for its receiver; who asks is told when it need not. */
bool unix_peer_is_full(struct unix_pcb *u);

/* name.c. A name is what follows sun_family: a path (its first byte is not 0, zeros end it) or an
 * abstract name. 0; -HF_EINVAL (bound), -HF_EADDRINUSE, -HF_ENOMEM, and what the file system says.
 */
HF_NODISCARD int unix_bind(struct unix_pcb *u, const uint8_t *path, uint32_t len);
/* A socket that is bound already stays as it is. -HF_ENOSPC: all names are taken. */
HF_NODISCARD int unix_autobind(struct unix_pcb *u);
/* The socket of that name and u's type. -HF_ECONNREFUSED, -HF_EPROTOTYPE, and what the file system
 * says. */
HF_NODISCARD int unix_find(struct unix_pcb *u, const uint8_t *path, uint32_t len,
                           struct unix_pcb **out);
/* The name and its length without sun_family; NULL where there is none. */
const uint8_t *unix_name_of(const struct unix_pcb *u, uint32_t *len);

/* connect.c. -HF_EAGAIN: the listener's queue is full, an event tells when to try again. */
HF_NODISCARD int unix_listen(struct unix_pcb *u, uint32_t backlog);
HF_NODISCARD int unix_connect(struct unix_pcb *u, const uint8_t *path, uint32_t len);
HF_NODISCARD int unix_accept(struct unix_pcb *u, struct unix_pcb **out);
/* dgram.c: the same for SOCK_DGRAM. */
HF_NODISCARD int unix_set_peer(struct unix_pcb *u, const uint8_t *path, uint32_t len);
void unix_unset_peer(struct unix_pcb *u);

/* One message. */
struct unix_message {
    const struct hf_iovec *iov;
    size_t iov_len;
    const uint8_t *path; /* send: to whom, or NULL: the peer; receive: not used */
    uint32_t path_len;
    bool has_cred; /* send: SCM_CREDENTIALS was given; receive: some came */
    struct hf_credentials cred;
    struct hf_ref *refs; /* send: taken on success; receive: given, room for HF_REFS_MAX */
    size_t ref_count;
    struct unix_pcb *from; /* receive: the sender, until unix_message_end */
    bool has_more;         /* receive: refs came that could not be given */
    bool is_short;         /* receive: the message was longer */
};

/* stream.c, dgram.c. As hf_sock_send and hf_sock_recv; flags: HF_MSG_*. */
HF_NODISCARD int64_t unix_stream_send(struct unix_pcb *u, struct unix_message *m, int flags);
HF_NODISCARD int64_t unix_stream_recv(struct unix_pcb *u, struct unix_message *m, int flags,
                                      uint32_t skip);
HF_NODISCARD int64_t unix_dgram_send(struct unix_pcb *u, struct unix_message *m, int flags);
HF_NODISCARD int64_t unix_dgram_recv(struct unix_pcb *u, struct unix_message *m, int flags,
                                     uint32_t skip);
/* After a receive that gave `from`. */
void unix_message_end(struct unix_message *m);
/* Bytes that SIOCINQ tells. */
uint32_t unix_readable(const struct unix_pcb *u);
bool unix_at_mark(const struct unix_pcb *u);

/* rights.c: frees what only messages that nobody can ever read refer to; when is_due. */
static inline bool unix_collect_is_due(const struct unix_net *net)
{
    return net->has_garbage && !list_empty(&net->in_flight);
}
void unix_collect(struct unix_net *net);

#endif
