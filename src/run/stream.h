/* Reads and writes of streams that are notified. */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include "run/supervisor.h"

/* Can the vehicle answer a read of len bytes with these flags as TCP would? is_named: the program
 * asks for the address, which TCP does not tell. */
bool stream_reads_natively(const struct file *f, uint64_t len, int flags, bool is_named);

/* Takes up to room bytes into buf, as recv() does; with MSG_TRUNC they are counted only. Waiting is
 * the caller's: -EAGAIN when what is there does not satisfy the flags, unless they have
 * MSG_DONTWAIT. CALL_CONTINUE where the vehicle must answer after all. */
HF_NODISCARD int64_t stream_take(const struct call *c, struct file *f, uint8_t *buf, size_t room,
                                 int flags);

/* Are len bytes, sent with these flags, to wait in the stack for what follows (MSG_MORE)? The
 * vehicle would forget that; of many bytes, or where there is little room, it may. */
bool stream_keeps_back(struct file *f, uint64_t len, int flags);

/* Hands bytes to the stack, behind those in the vehicle: how many were taken, -EAGAIN when none
 * fit, or send()'s error. */
HF_NODISCARD int64_t stream_give(const struct call *c, struct file *f, const struct hf_msg *msg,
                                 int flags);

#endif
