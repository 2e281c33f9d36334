/* A send that opens its stream: MSG_FASTOPEN. */
#ifndef RUN_OPEN_SEND_H
#define RUN_OPEN_SEND_H

#include "run/message.h"
#include "run/notify.h"

/* Begins the open, with what of m its SYN may carry. A blocking caller is held, with `rest` asking
 * again, until the open has ended and the rest has been taken; what open_send_rest says of that. */
HF_NODISCARD int64_t open_send(const struct call *c, struct file *f, const struct message *m,
                               int flags, retry_fn *rest);
HF_NODISCARD int64_t open_send_rest(const struct call *c, struct file *f, struct message *m,
                                    int flags, bool expired);

/* sys_connect.c: an open has begun, and the vehicle shows it: 0, or it is undone and this the
 * error. */
HF_NODISCARD int64_t connect_shown(const struct call *c, struct file *f);
/* How an open ended: CALL_HELD while it has not (-EINPROGRESS when the caller's time is over), 0,
 * or the error. */
HF_NODISCARD int64_t connect_ended(const struct call *c, struct file *f, bool expired);

#endif
