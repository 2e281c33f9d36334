/* A TCP connection through the gateway: a socket of the stack's and one of the host's. */
#ifndef GATEWAY_TCP_FLOW_H
#define GATEWAY_TCP_FLOW_H

#include "gateway/inside.h"

/*     DIALING   the host's socket is connecting, the stack's is held
 *     ANSWERED  the host's is connected, the program's handshake is going on
 *     CALLING   the host's was accepted, the stack's is connecting to the program
 *     OPEN      bytes pass, each direction by itself, until both have seen their end
 *
 * The host's socket is watched while it is DIALING and from OPEN on. */
enum tcp_flow_state { DIALING, ANSWERED, CALLING, OPEN };

struct tcp_flow {
    struct notice notice;
    struct loop_fd host;
    struct due due; /* DIALING */
    struct ring link;
    struct gateway *g;
    struct hf_sock *sk;
    enum tcp_flow_state state;
    uint32_t syns;    /* DIALING: seen when due was armed */
    bool is_watched;  /* the loop knows host */
    bool is_over;     /* nothing changes at host any more: there is but what can be read */
    bool host_failed; /* it was reset: what it has sent before goes on, then the program is reset */
    bool host_sends_much; /* else its messages are short */
    bool host_is_full;    /* bytes for it wait in the stack */
    bool sk_is_full;      /* bytes for it may wait in the host's socket */
    bool in_done;         /* the host's end of stream has been passed on */
    bool out_done;        /* the program's has */
    bool is_left;         /* the program has closed: after its last byte the host's may be, too */
};

/* tcp_flow.c */

/* Asks the loop to tell of `events` at the host's socket. 0 or -errno; a change cannot fail. */
HF_NODISCARD int tcp_flow_watch(struct tcp_flow *flow, uint32_t events);
void tcp_flow_unwatch(struct tcp_flow *flow);

/* Closes both ends, where they are still there. */
void tcp_flow_free(struct tcp_flow *flow);

/* The same, with a reset to each. An end that cannot be asked to reset is closed as it is. */
void tcp_flow_reset(struct tcp_flow *flow);

/* tcp_bytes.c: passes on what can be, for an OPEN flow, and has the loop tell when there is more.
 * is_readable: epoll says so of the host's socket. The flow may be gone afterwards. */
void tcp_flow_pump(struct tcp_flow *flow, bool is_readable);

#endif
