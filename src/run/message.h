/* A struct msghdr of the program, and what calls with one have in common. */
#ifndef RUN_MESSAGE_H
#define RUN_MESSAGE_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "run/address.h"

#define MESSAGE_CONTROL_MAX 4096
/* Bytes of one call. One more than the largest UDP datagram, so that a longer one is seen to be too
 * long. */
#define MESSAGE_BYTES_MAX 65536

struct message {
    uint64_t at;        /* where the program keeps it; 0: none, the pieces came as arguments */
    struct msghdr head; /* its pointers are the program's */
    struct iovec iov[UIO_MAXIOV];
};

/* Reads the struct msghdr at `at` with its pieces. 0, -EFAULT, -EMSGSIZE, -EINVAL, CALL_GONE. */
HF_NODISCARD int message_read(const struct call *c, uint64_t at, struct message *out);

/* One buffer, as sendto and recvfrom have it. */
void message_from_buffer(uint64_t buf, uint64_t len, struct message *out);

/* The bytes of its pieces, MESSAGE_BYTES_MAX at most. */
size_t message_length(const struct message *m);

/* Sends m on f: bytes taken, -EAGAIN, or the error. */
HF_NODISCARD int64_t message_send(const struct call *c, struct file *f, const struct message *m,
                                  int flags);

/* Receives one datagram, or bytes of a stream, into m. head then has what Linux tells there; the
 * address is in addr (28 bytes, head.msg_namelen of them) and, when head.msg_name is not NULL, with
 * the program too. Returns recvmsg's result, or CALL_CONTINUE. message_received follows. */
HF_NODISCARD int64_t message_receive(const struct call *c, struct file *f, struct message *m,
                                     int flags, uint8_t *addr);

/* The call on f that message_receive was part of comes to `result`, which it returns: a datagram is
 * taken now, unless the caller went away before he had all of it. */
int64_t message_received(struct file *f, int64_t result);

/* EPIPE on f: the caller is answered, then signalled where Linux would. Returns what a handler
 * does. */
int64_t message_broken_pipe(const struct call *c, const struct file *f, int flags);

/* Writes head's out fields back to m->at. 0, -EFAULT or CALL_GONE. */
HF_NODISCARD int message_write_back(const struct call *c, const struct message *m);

#endif
