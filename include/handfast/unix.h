/* AF_UNIX: what a stack asks of the world outside it, and descriptors on their way in messages.
 *
 * Names, queues and connections are the stack's; nodes in the file system, who the caller is, and
 * what a descriptor is are its owner's. Any function may be NULL: without node_make and node_find a
 * path names a socket inside the stack only, and ends with it; without credentials everybody is
 * nobody; without ref_hold a peek gives no descriptors. */
#ifndef HANDFAST_UNIX_H
#define HANDFAST_UNIX_H

#include "handfast/types.h"

struct hf_sock;

/* As Linux's struct ucred. */
struct hf_credentials {
    int32_t pid;
    uint32_t uid, gid;
};

/* A socket's node in the file system: known by device and inode while handle keeps it alive. */
struct hf_node {
    uint64_t device, inode;
    int64_t handle;
};

/* A descriptor in a message: the owner's reference to what it stands for. sk: the AF_UNIX socket
 * of this very stack that it stands for, or NULL. */
struct hf_ref {
    void *object;
    struct hf_sock *sk;
};

/* None may call the stack. Errors are negated HF_E... */
struct hf_unix_host {
    void *ctx; /* handed to each */

    /* bind(): makes the node. -HF_EADDRINUSE: there is something; else why it cannot be. */
    int (*node_make)(void *ctx, const char *path, struct hf_node *out);
    /* The node that was just made is not wanted after all. */
    void (*node_undo)(void *ctx, const char *path, const struct hf_node *node);
    /* connect(): finds a node that the caller may write. -HF_ECONNREFUSED: not a socket's. */
    int (*node_find)(void *ctx, const char *path, struct hf_node *out);
    /* The socket has gone; the node stays where it is. */
    void (*node_release)(void *ctx, const struct hf_node *node);

    void (*credentials)(void *ctx, struct hf_credentials *out);
    /* May the caller say that he is that one? */
    bool (*may_claim)(void *ctx, const struct hf_credentials *who);

    void (*ref_hold)(void *ctx, const struct hf_ref *ref);
    void (*ref_drop)(void *ctx, const struct hf_ref *ref);
    /* How many references to the object there are, in messages and outside. */
    uint32_t (*ref_count)(void *ctx, const struct hf_ref *ref);
};

/* The most descriptors of one message: Linux's SCM_MAX_FD. */
#define HF_REFS_MAX 253

#endif
