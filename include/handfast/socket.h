/* Sockets of a stack, by handle. The core's own face: nothing here ever waits.
 *
 * Addresses, options, flags and error numbers are Linux's own bytes and values, so a host passes
 * its struct sockaddr, its IPPROTO_TCP and its MSG_PEEK straight through. Every function returns 0
 * or a count when good and a negated HF_E... when not. A call that would have to wait returns
 * -HF_EAGAIN (connect: -HF_EINPROGRESS); when the event call-back has told of a change, call again
 * (connect: hf_sock_connect_result). Waiting, EINTR and time-outs are the caller's. */
#ifndef HANDFAST_SOCKET_H
#define HANDFAST_SOCKET_H

#include "handfast/stack.h"

/* socket(2). type without SOCK_NONBLOCK and SOCK_CLOEXEC.
 *   -HF_EAFNOSUPPORT     domain is not AF_INET, AF_INET6, AF_UNIX or AF_NETLINK (below AF_MAX)
 *   -HF_EINVAL           type or protocol out of range
 *   -HF_ESOCKTNOSUPPORT  no such type in this family
 *   -HF_EPROTONOSUPPORT  protocol is not the type's
 *   -HF_EPERM            SOCK_RAW in a stack that is not privileged
 *   -HF_ENOBUFS          no memory
 * The socket is the caller's until hf_sock_close. */
HF_NODISCARD int hf_sock_new(struct hf_stack *st, int domain, int type, int protocol,
                             struct hf_sock **out);

/* socketpair(2) of AF_UNIX: errors as above, -HF_ENOMEM. Nothing is left behind on failure. */
HF_NODISCARD int hf_sock_pair(struct hf_stack *st, int type, int protocol, struct hf_sock *out[2]);

/* close(2) of the last descriptor: the handle ends now, the connection as TCP ends it (SO_LINGER
 * with time 0 resets; a lingering close does not wait here). NULL is fine. */
void hf_sock_close(struct hf_sock *sk);

/* close(2) must wait: the socket asks for lingering, and its FIN, with all that comes before it, is
 * not acknowledged yet; then *seconds says how long at most. The recipe: if so, shut down the
 * sending side, note the time, ask again at each event; when it says no, or the time is over,
 * hf_sock_close. O_NONBLOCK does not matter; a process that exits does not wait (Linux). */
bool hf_sock_lingers(const struct hf_sock *sk, uint32_t *seconds);

/* The owner's pointer, handed back by the event call-back. */
void hf_sock_set_user(struct hf_sock *sk, void *user);
void *hf_sock_user(const struct hf_sock *sk);
struct hf_stack *hf_sock_stack(const struct hf_sock *sk);

/* poll(2)'s answer now: HF_POLL*, everything that holds, asked for or not. */
uint32_t hf_sock_poll(const struct hf_sock *sk);

HF_NODISCARD int hf_sock_bind(struct hf_sock *sk, const void *addr, uint32_t len);
HF_NODISCARD int hf_sock_listen(struct hf_sock *sk, int backlog);

/* The next connection that is ready: -HF_EAGAIN when none is, -HF_EINVAL when not listening. */
HF_NODISCARD int hf_sock_accept(struct hf_sock *sk, struct hf_sock **out);

/* accept(2)'s address: where an accepted connection came from, though it may have ended since. len
 * as in hf_sock_getpeername. -HF_ENOTCONN when it never had a peer. */
HF_NODISCARD int hf_sock_accepted_from(const struct hf_sock *sk, void *addr, uint32_t *len);

/* connect(2). can_wait: the caller is blocking, so an open under way is joined rather than answered
 * by EALREADY.
 *   0                 connected (UDP: peer set; TCP: an earlier open has ended well)
 *   -HF_EINPROGRESS   under way. A waiter calls hf_sock_connect_result at each event
 *   else              connect(2)'s error */
HF_NODISCARD int hf_sock_connect(struct hf_sock *sk, const void *addr, uint32_t len, bool can_wait);

/* For a waiter: how the open ended. -HF_EINPROGRESS while it has not; 0; or the error, once, after
 * which the socket can connect anew. */
HF_NODISCARD int hf_sock_connect_result(struct hf_sock *sk);

/* One message out or in. iov is read, never changed. Addresses may be NULL. */
struct hf_msg {
    const struct hf_iovec *iov;
    size_t iov_len;
    void *addr;        /* send: destination; receive: room for the source */
    uint32_t addr_len; /* receive: in: room; out: the address's true length, may exceed the room */
    void *control;
    size_t control_len; /* receive: in: room; out: used */
    int flags;          /* receive: out: HF_MSG_TRUNC, HF_MSG_CTRUNC, ... */
    /* AF_UNIX, SCM_RIGHTS. Send: descriptors that go with it; taken where the call succeeds, else
     * still the caller's. Receive: room for HF_REFS_MAX of them, or NULL:
     * they are dropped; out: how many came, the caller's now. In control data SCM_RIGHTS is neither
     * read nor written. */
    struct hf_ref *refs;
    size_t ref_count;
};

/* Bytes taken or given, or the error. Never raises SIGPIPE (the caller does, on -HF_EPIPE). A
 * stream takes what fits now: -HF_EAGAIN when nothing does. HF_MSG_DONTWAIT, or what stands for it
 * at the caller's, should be among the flags: after SHUT_RD an empty datagram socket says 0 to one
 * who would wait, -HF_EAGAIN to one who would not. */
HF_NODISCARD int64_t hf_sock_send(struct hf_sock *sk, const struct hf_msg *msg, int flags);
/* HF_MSG_FASTOPEN on a stream begins an open to the address, and its SYN carries what it may of the
 * message; so does the first send after a connect() that TCP_FASTOPEN_CONNECT put off (it said 0,
 * and poll says HF_POLLOUT). With HF_MSG_DONTWAIT: how many bytes went with it, -HF_EINPROGRESS
 * when none did. Without: -HF_EINPROGRESS; when hf_sock_connect_result says 0, the message's first
 * hf_sock_opened_with bytes have been taken, and the rest is to be sent as ever. */
size_t hf_sock_opened_with(const struct hf_sock *sk);
HF_NODISCARD int64_t hf_sock_recv(struct hf_sock *sk, struct hf_msg *msg, int flags);

/* The same for what is over at once: to a connected socket of this stack all of it can be handed
 * over, or from the queue as much be read as a plain hf_sock_recv of one that waits would give, and
 * nothing is left for hf_stack_poll to do. 0: it is not so, nothing has happened, and
 * hf_sock_send or hf_sock_recv is the call to make. These need of the time no more than some
 * milliseconds. len: 1 or more. */
HF_NODISCARD size_t hf_sock_send_now(struct hf_sock *sk, const void *buf, size_t len);
HF_NODISCARD size_t hf_sock_recv_now(struct hf_sock *sk, void *buf, size_t len);

/* Streams without a copy. reserve: writable room in the send queue, at most `want` bytes in at most
 * n pieces; returns how many pieces, 0 when the queue is full, or send's error, which stays for
 * the next send, receive or SO_ERROR to take. commit: the first `len` of those bytes are data now,
 * send them. Nothing else may touch the socket in between. */
HF_NODISCARD int hf_sock_reserve(struct hf_sock *sk, size_t want, struct hf_iovec *iov, int n);
void hf_sock_commit(struct hf_sock *sk, size_t len);

/* peek: what can be read now, in at most n pieces; returns how many, 0 at the end of the stream,
 * -HF_EAGAIN when nothing is there, or recv's error (which is thereby taken). consume: the first
 * `len` bytes are done with. */
HF_NODISCARD int hf_sock_peek(struct hf_sock *sk, struct hf_iovec *iov, int n);
void hf_sock_consume(struct hf_sock *sk, size_t len);

HF_NODISCARD int hf_sock_shutdown(struct hf_sock *sk, int how);

/* len: in: room; out: the true length. At most that room is written. */
HF_NODISCARD int hf_sock_getsockname(struct hf_sock *sk, void *addr, uint32_t *len);
HF_NODISCARD int hf_sock_getpeername(struct hf_sock *sk, void *addr, uint32_t *len);
HF_NODISCARD int hf_sock_getsockopt(struct hf_sock *sk, int level, int name, void *value,
                                    uint32_t *len);
/* Of that option (IP_MSFILTER, MCAST_MSFILTER) value must say what is asked for: it is read, too.
 */
bool hf_sock_getsockopt_asks(int level, int name);
/* Of HF_SO_ATTACH_FILTER the value is the program itself, 8 bytes an instruction, not where it is.
 */
HF_NODISCARD int hf_sock_setsockopt(struct hf_sock *sk, int level, int name, const void *value,
                                    uint32_t len);

/* How long a waiter waits: SO_RCVTIMEO or SO_SNDTIMEO. 0: not at all (a time below 0 was set, which
 * getsockopt does not tell from none); HF_TIME_NEVER: for ever. */
hf_time hf_sock_timeout(const struct hf_sock *sk, int option);

/* Whether the caller of the calls that follow has CAP_NET_ADMIN and CAP_NET_RAW over the network,
 * of hf_sock_bind CAP_NET_BIND_SERVICE: he is allowed what Linux allows the administrator. Off at
 * first. */
void hf_sock_set_admin(struct hf_sock *sk, bool is_admin);

/* Whose socket it is, if one of AF_NETLINK, whose requests tell of this stack: the port id that it
 * gets where none is named (Linux's is the process's id; 0, as at first: any), and whether he may
 * change the network. That nothing can be changed this way he hears as EOPNOTSUPP, others as EPERM.
 */
void hf_sock_set_owner(struct hf_sock *sk, uint32_t port, bool is_admin);

/* ioctl(2): SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK; value is the int it fills. -HF_ENOTTY else.
 */
HF_NODISCARD int hf_sock_ioctl(struct hf_sock *sk, unsigned long request, int *value);

/* What one connect has come to, for those who explain it. Times are the stack's; 0: not yet. */
struct hf_connect_record {
    hf_time began, ended;
    uint32_t syns_sent;
    int error; /* HF_E..., 0 while pending or when it went well */
};
void hf_sock_connect_record(const struct hf_sock *sk, struct hf_connect_record *out);

/* ---- For gateways: sockets that stand for other hosts (privileged stacks only) ---- */

/* Listens for connections to any address and port not otherwise taken. accept gives *held*
 * connections: the SYN has been noted, nothing answered; getsockname tells where it wanted to go,
 * getpeername from where. Retransmitted SYNs are absorbed (hf_sock_held_since tells of them).
 * -HF_EPERM when the stack is not privileged. */
HF_NODISCARD int hf_sock_listen_any(struct hf_sock *sk, int backlog);

/* Answers a held connection's SYN: the handshake goes on, the socket becomes writable when it ends.
 */
HF_NODISCARD int hf_sock_answer(struct hf_sock *sk);

enum hf_refusal {
    HF_REFUSE_RESET,      /* RST: ECONNREFUSED there */
    HF_REFUSE_NET,        /* ICMP network unreachable: ENETUNREACH */
    HF_REFUSE_HOST,       /* ICMP host unreachable: EHOSTUNREACH */
    HF_REFUSE_PROHIBITED, /* ICMP administratively prohibited */
    HF_REFUSE_SILENCE     /* nothing: the other side times out */
};
/* Refuses a held connection and closes the handle. */
void hf_sock_refuse(struct hf_sock *sk, enum hf_refusal how);

/* When the newest SYN of a held connection came, and how many have come. */
hf_time hf_sock_held_since(const struct hf_sock *sk, uint32_t *syns);

/* The other end of sk's connection, by its addresses, in the stack of `any`: NULL when it is not
 * there, or closed. */
struct hf_sock *hf_sock_far_end(const struct hf_sock *sk, const struct hf_sock *any);

/* UDP: receives every datagram that no other socket takes, whatever its destination, which comes
 * as HF_IP_PKTINFO / HF_IPV6_PKTINFO control data and, ports included, as IP_ORIGDSTADDR does. */
HF_NODISCARD int hf_sock_receive_any(struct hf_sock *sk);

/* UDP: tells the sender of the datagram that came from `addr` to this socket's own address that it
 * could not go on: the ICMP error that `how` stands for (HF_REFUSE_RESET: port unreachable). */
void hf_sock_report(struct hf_sock *sk, const void *addr, uint32_t len, enum hf_refusal how);

/* A gateway's sockets bind foreign addresses with the option IP_TRANSPARENT / IPV6_TRANSPARENT. */

#endif
