/* The network that a program sees: a stack with its link, addresses and routes, as `--link` says.
 */
#ifndef RUN_NETWORK_H
#define RUN_NETWORK_H

#include "gateway/gateway.h"
#include "handfast/stack.h"
#include "host/loop.h"

struct network_config {
    struct loop *loop;
    /* KIND[:ARG][,wrapper=value]...: "host", "host,loss=2%,delay=20ms",
     * "tap:tap0,address=10.9.0.2/24, gateway=10.9.0.1", "none". A comma inside a value is doubled.
     */
    const char *link;
    const char *const *publish; /* gateway_publish's specs; only with "host" */
    size_t publish_count;
    bool host_loopback;
    hf_event_fn *event;   /* the stack's */
    hf_wanted_fn *wanted; /* the same */
    void *event_ctx;
    void (*log)(void *ctx, const char *line); /* for -v; may be NULL */
    void *log_ctx;
};

struct network {
    struct hf_stack *stack; /* polled by the loop: it is a loop_source there */
    struct hf_frame_pool *pool;
};

/* 0 or -errno; on error *why is a message for the user that says what to do about it. */
HF_NODISCARD int network_new(const struct network_config *config, struct network **out,
                             const char **why);
void network_free(struct network *n);

/* Carries what has been sent as far as it comes without waiting, and what that brings back. */
void network_settle(struct network *n);

/* The program closes that connection for good. For a moment before hf_sock_close. */
void network_left(struct network *n, const struct hf_sock *sk);

/* The link grammar, for --help. */
extern const char network_link_help[];

#endif
