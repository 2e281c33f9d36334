/* Moving bytes between the program's memory and a socket: what send, write, sendmsg and so on, and
 * their counterparts, have in common. They wait, and check memory, as Linux does. */
#ifndef HOST_TRANSFER_H
#define HOST_TRANSFER_H

#include "host/posix.h"

/* msg->iov has been checked (user_check_vector): its `total` bytes may be bad memory all the same.
 * Address and control data are the library's own copies. Bytes sent, or -errno; SIGPIPE has been
 * raised where Linux raises it. */
HF_NODISCARD int64_t transfer_send(struct call *c, const struct hf_msg *msg, size_t total,
                                   int flags);

/* The same way in. msg->flags, addr_len and control_len are set. */
HF_NODISCARD int64_t transfer_receive(struct call *c, struct hf_msg *msg, size_t total, int flags);

/* The same for a stream of AF_UNIX, with the host's lock held. */
HF_NODISCARD int64_t transfer_receive_local(struct call *c, struct hf_msg *msg, size_t total,
                                            int flags);

/* What both are made of: one attempt, into what follows the first `done` bytes, of which `want`
 * will be written. Bad memory leaves the bytes where they are. */
HF_NODISCARD int64_t transfer_receive_some(struct file *f, struct hf_msg *msg, size_t done,
                                           size_t total, size_t want, int flags);

/* Bytes that can be read now; of datagrams, the first one's. */
size_t transfer_waiting(struct file *f);

/* How many bytes a caller who asks a stream for `total` is content with. */
size_t transfer_low_water(struct file *f, size_t total, int flags);

#endif
