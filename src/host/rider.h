/* Descriptors on their way in AF_UNIX messages: struct hf_ref's objects. A rider holds a copy of
 * the kernel's descriptor and, of one of ours, a reference to its file, so either sort arrives. */
#ifndef HOST_RIDER_H
#define HOST_RIDER_H

#include "host/file.h"

struct rider;

/* Those that control data (SCM_RIGHTS) name, on failure none: -EBADF, -EINVAL (too many), -ENOMEM,
 * -ETOOMANYREFS (no descriptor left to hold one). Control data that is malformed is left to who
 * reads it next. */
HF_NODISCARD int rider_take_all(const void *control, size_t len, struct hf_ref refs[HF_REFS_MAX],
                                size_t *count);

/* Makes descriptors of a received message's references, as many as the control data has room for,
 * and adds them to it. room: all there is at msg->control. */
void rider_give_all(struct hf_host *h, struct hf_msg *msg, size_t room, bool cloexec);

/* Not with the lock held. */
void rider_end(struct rider *r);

/* hf_unix_host's; the lock is held. The last drop leaves the rider to who gives the lock back. */
void rider_hold(void *ctx, const struct hf_ref *ref);
void rider_drop(void *ctx, const struct hf_ref *ref);
uint32_t rider_count(void *ctx, const struct hf_ref *ref);

/* What was dropped, the caller's to end; NULL too while another thread is at it. The lock is held.
 */
struct rider *rider_take_dropped(struct world *w);
/* Without the lock: these, and what their ends drop. */
void rider_end_all(struct world *w, struct rider *dropped);

#endif
