/* Stacks of a program's own behind POSIX's calls: as many as it likes, with links to each other and
 * to the outside. A *host* is a stack with a lock and a thread that brings it time; hf_socket makes
 * its sockets on one that is there by itself, hf_host_socket on one made here. */
#ifndef HANDFAST_HOST_H
#define HANDFAST_HOST_H

#include "handfast/posix.h"
#include "handfast/stack.h"

struct hf_host;

/* A host with loopback and nothing else. beside: NULL, or a host to share the lock, the thread and
 * the frame pool with, so that links may join the two (hf_link_pair_new); hosts that have nothing
 * to say to each other are better apart. NULL with errno: ENOMEM, EMFILE, ENFILE, EAGAIN (no
 * thread). A child of fork() must leave its parent's hosts alone. */
struct hf_host *hf_host_new(struct hf_host *beside);

/* Ends it. Detach and free its links before: their frames are of its pool. 0, or -1 with errno:
 *   EBUSY  it has sockets that are open */
int hf_host_free(struct hf_host *h);

/* hf_socket there. h NULL: on the host that hf_socket uses. */
int hf_host_socket(struct hf_host *h, int domain, int type, int protocol);

/* The stack, to give it links, addresses and routes, and to ask it for figures: nobody else uses it
 * until hf_host_unlock. No call of handfast/posix.h in between. h NULL: as above; NULL when that
 * cannot be made. */
struct hf_stack *hf_host_lock(struct hf_host *h);
void hf_host_unlock(struct hf_host *h);

/* Where its frames and those of its links must come from; it ends with the last host beside. */
struct hf_frame_pool *hf_host_pool(struct hf_host *h);

/* With the lock held: from now on the thread calls ready(arg), with the lock held, whenever fd is
 * readable (a TAP device's, say). hf_host_unwatch ends that. 0, or -1 with errno:
 *   ENOSPC  16 are watched already
 * fd stays the caller's. */
int hf_host_watch(struct hf_host *h, int fd, void (*ready)(void *arg), void *arg);
void hf_host_unwatch(struct hf_host *h, int fd);

#endif
