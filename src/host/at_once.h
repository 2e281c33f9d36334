/* Calls that are over at once, by the thread that has the bias (bias.h): neither a reference nor a
 * lock is taken, the stacks have nothing to do afterwards, and time is told to the tick. What does
 * not suit is left to the usual call. decisions/0017. */
#ifndef HOST_AT_ONCE_H
#define HOST_AT_ONCE_H

#include <sys/socket.h>

#include "handfast/types.h"

/* send(), recv(): bytes, or 0: nothing has happened. */
size_t at_once_send(int fd, const void *buf, size_t len, int flags);
size_t at_once_recv(int fd, void *buf, size_t len, int flags);

/* connect() of a datagram socket, 0 or -errno; AT_ONCE_NOT: nothing has happened. */
#define AT_ONCE_NOT 1
int at_once_connect(int fd, const struct sockaddr *addr, socklen_t len);

#endif
