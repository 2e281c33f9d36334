/* A stack: one host's TCP/IP, its links, addresses, routes and sockets.
 *
 * A stack does no I/O and never asks for the time. Its owner brings both: links hand frames in and
 * take them out, hf_stack_poll brings the time and makes everything due happen, hf_stack_deadline
 * says when to call it next. After any call on the stack or on one of its sockets, call
 * hf_stack_poll before waiting: calls leave work for it (frames to the stack itself, for one).
 * A stack is used by one thread at a time, shares nothing with other stacks but the frame pool,
 * and is deterministic: same calls, clock and random bytes give the same frames. */
#ifndef HANDFAST_STACK_H
#define HANDFAST_STACK_H

#include "handfast/drop.h"
#include "handfast/env.h"
#include "handfast/frame.h"
#include "handfast/link.h"
#include "handfast/linux.h"
#include "handfast/types.h"
#include "handfast/unix.h"

struct hf_stack;
struct hf_sock;

/* Readiness of sk may have changed: ask hf_sock_poll. Called from inside hf_stack_poll and socket
 * calls; must not call back into the stack (note it, act afterwards). */
typedef void hf_event_fn(void *ctx, struct hf_sock *sk, void *user);

/* Does anybody still have sk? For owners that hear late of a close: asked before a SYN or a
 * datagram is taken for sk, and before a SYN of its is repeated or its answer taken. False: the
 * stack goes on as if sk were closed, which the owner does soon. May not call the stack, as above.
 */
typedef bool hf_wanted_fn(void *ctx, struct hf_sock *sk, void *user);

struct hf_stack_config {
    struct hf_env env;
    struct hf_frame_pool *pool; /* kept; must outlive the stack */
    hf_time now;                /* the clock's first reading */
    hf_event_fn *event;         /* NULL: no call-backs */
    hf_wanted_fn *wanted;       /* NULL: every socket is, until it is closed */
    void *event_ctx;            /* of both */
    bool privileged; /* socket options that Linux keeps for CAP_NET_ADMIN and CAP_NET_RAW are
                        allowed */
    bool any_source; /* martian checks are off: a gateway sees what other hosts would never send */
    const struct hf_unix_host *unix_host; /* NULL: AF_UNIX stays wholly inside; copied */
    uint16_t port_min, port_max;          /* automatic ports; both 0: Linux's 32768..60999 */
    uint16_t unprivileged_port_start;     /* bind() below it is EACCES unless privileged */
    uint32_t syn_ms; /* until a SYN is first repeated; 0: a second (RFC 6298 2.1) */
};

/* A stack with a loopback link ("lo", 127.0.0.1/8, ::1/128, MTU 65536), up. Returns 0 or
 * -HF_ENOMEM, -HF_EINVAL (no pool, a port range that is empty). */
HF_NODISCARD int hf_stack_new(const struct hf_stack_config *config, struct hf_stack **out);

/* Ends the stack: sockets not yet closed are freed with it (their pointers die), nothing more is
 * sent, links are detached but not freed. NULL is fine. */
void hf_stack_free(struct hf_stack *st);

/* Brings the time without doing work: for calls that start timers. now never goes back. */
void hf_stack_clock(struct hf_stack *st, hf_time now);

/* What to add to the stack's time to have the time since 1970, for SO_TIMESTAMP and its like. 0 at
 * first; may be told again whenever the owner's clock is set. */
void hf_stack_set_epoch(struct hf_stack *st, hf_time epoch);

/* Does everything that is due at now: timers, links, frames to the stack itself. */
void hf_stack_poll(struct hf_stack *st, hf_time now);

/* When hf_stack_poll must be called next: at or before now means at once; HF_TIME_NEVER. */
hf_time hf_stack_deadline(const struct hf_stack *st);

/* Attaches the link (lent: it must outlive the stack or be detached). 0, -HF_EEXIST (its name is
 * taken), -HF_EINVAL (MTU out of range), -HF_ENOSPC (too many links). */
HF_NODISCARD int hf_stack_attach(struct hf_stack *st, struct hf_link *link);
void hf_stack_detach(struct hf_stack *st, struct hf_link *link);

/* Addresses and routes take text, "10.0.2.15/24" or "fd00:2::15/64" (no prefix: the host alone).
 * Adding an address adds the route to its prefix, as Linux does. IPv6 addresses are used at once
 * (no duplicate address detection). 0, -HF_EINVAL (not an address), -HF_EEXIST, -HF_ENOMEM. */
HF_NODISCARD int hf_addr_add(struct hf_stack *st, struct hf_link *link, const char *prefix);

enum hf_route_kind {
    HF_ROUTE_UNICAST,     /* by link, through `via` when it is given */
    HF_ROUTE_LOCAL,       /* every address in it is this host's */
    HF_ROUTE_UNREACHABLE, /* EHOSTUNREACH */
    HF_ROUTE_PROHIBIT,    /* EACCES */
    HF_ROUTE_BLACKHOLE,   /* EINVAL, as Linux answers */
    HF_ROUTE_UNLESS_BOUND /* unicast, but this host's own where a socket here is bound to that port
                           */
};

struct hf_route {
    const char *prefix;   /* "0.0.0.0/0", "::/0", "127.0.0.53/32" */
    const char *via;      /* gateway address, or NULL: on the link */
    const char *source;   /* preferred source address, or NULL */
    struct hf_link *link; /* NULL for unreachable, prohibit, blackhole and local */
    enum hf_route_kind kind;
    uint32_t metric; /* lower wins among equal prefixes */
};
HF_NODISCARD int hf_route_add(struct hf_stack *st, const struct hf_route *route);
/* -HF_ENOENT when there is no such route. */
HF_NODISCARD int hf_route_del(struct hf_stack *st, const char *prefix, uint32_t metric);

/* What TCP's new sockets start from: Linux's sysctls net.ipv4.tcp_* of the same names. */
enum hf_tcp_setting {
    HF_TCP_RMEM_DEFAULT, /* bytes, as SO_RCVBUF reports them: 4096..2^30, here and below */
    HF_TCP_RMEM_MAX,
    HF_TCP_WMEM_DEFAULT,
    HF_TCP_WMEM_MAX,
    HF_TCP_SYN_RETRIES,    /* 1..127 */
    HF_TCP_SYNACK_RETRIES, /* 1..127 */
    HF_TCP_TIMESTAMPS,     /* 0 or 1 */
    HF_TCP_SACK,           /* 0 or 1 */
    HF_TCP_WINDOW_SCALING, /* 0 or 1 */
    /* Fast Open, RFC 7413: 1: clients may (the default; without
     * it the cookies they were given are forgotten); 2: listeners may that TCP_FASTOPEN asks for;
     * 4: clients need no cookie; 0x200: nor do listeners; 0x400: all listeners do. */
    HF_TCP_FASTOPEN_MODE,
    HF_TCP_SLOW_START_AFTER_IDLE, /* 0 or 1 */
    HF_TCP_UNSENT_DEFAULT,        /* bytes; sockets that do not say otherwise */
    HF_TCP_MIN_TSO_SEGS,          /* 1..65535: a super-segment has that many, where cwnd lets it */
    HF_TCP_MTU_PROBING, /* RFC 4821: 1: where full segments vanish (the default); 0: never */
    HF_TCP_SYN_COOKIES, /* 1: when a listener's SYN queue is full (the default); 2: always; 0: never
                         */
    HF_TCP_ECN, /* RFC 3168: 2: for who asks (the default); 1: and when we connect; 0: not at all */
    /* tcp_mem's second and third number, in pages of 4096 bytes: from so many bytes in the queues
     * of all connections on no buffer grows; and no more than so many, but for a little that lets
     * each connection go on. 1 GiB and 1.5 GiB */
    HF_TCP_MEM_PRESSURE,
    HF_TCP_MEM_MAX,
    HF_TCP_MAX_ORPHANS, /* connections whose program has closed them: who is beyond that is reset */
    HF_TCP_FASTOPEN_PAUSE, /* tcp_fastopen_blackhole_timeout_sec: 0..86400; 0: never */
};
/* For sockets made from now on. -HF_EINVAL: out of range. */
HF_NODISCARD int hf_stack_set_tcp(struct hf_stack *st, enum hf_tcp_setting what, uint32_t value);

/* Linux's tcp_fastopen_key: 16 bytes that Fast Open cookies are made with, as TCP_FASTOPEN_KEY has
 * them, or 32 with the key before. -HF_EINVAL: another length. Otherwise the key is random. */
HF_NODISCARD int hf_stack_set_fastopen_key(struct hf_stack *st, const void *key, uint32_t len);

/* ioctl(2)'s requests about links, SIOCGIFNAME to SIOCGIFMAP: ifreq is Linux's struct ifreq, in and
 * out; family: of the socket that asks (addresses are AF_INET's alone).
 *   -HF_ENODEV         no such link
 *   -HF_EADDRNOTAVAIL  it has no address of IPv4
 *   -HF_ENOTTY         none of these requests */
HF_NODISCARD int hf_stack_ifreq(const struct hf_stack *st, int family, unsigned long request,
                                uint8_t ifreq[HF_IFREQ_BYTES]);
/* SIOCGIFCONF: a struct ifreq for each address of IPv4, as many as fit into room bytes. Returns how
 * many bytes that is; `to` NULL: how many there would be. */
size_t hf_stack_ifconf(const struct hf_stack *st, uint8_t *to, size_t room);

/* How often the stack dropped something for that reason. */
uint64_t hf_stack_drops(const struct hf_stack *st, enum hf_drop reason);

/* Sockets now open, TCP connections by being alive, TIME-WAIT records: for leak checks and metrics.
 */
struct hf_stack_stats {
    uint64_t sockets, tcp_connections, tcp_time_wait, udp_sockets;
    uint64_t segments_in, segments_out, segments_retransmitted, packets_in, packets_out;
    uint64_t syn_cookies_sent, syn_cookies_taken;
    uint64_t tcp_memory; /* bytes in TCP's queues now */
    uint64_t tcp_orphans,
        tcp_orphans_reset; /* closed and still at work; reset for being too many */
};
void hf_stack_stats(const struct hf_stack *st, struct hf_stack_stats *out);

#endif
