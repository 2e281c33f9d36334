/* Handfast's sockets with POSIX's calls: descriptors, errno, blocking, signals, threads.
 *
 *     #define socket hf_socket
 *     #define connect hf_connect
 *     ...
 *
 * and linking with -lhandfast -pthread is all that a program needs. Each call takes and gives what
 * the call of that name does on Linux, which is the reference to the errno and the poll event; what
 * is different is in docs/deviations.md. Below stands what a caller can get, and why.
 *
 * Without any set-up there is one stack, made at the first hf_socket(): it has loopback
 * (127.0.0.0/8 and ::1) and a thread of its own that minds its timers. Any number of threads may
 * use it.
 *
 * Descriptors. A socket's number is a descriptor of the process: the lowest that is free, good for
 * FD_SET, counted by RLIMIT_NOFILE. Every call here takes any descriptor: what is not the library's
 * goes on to libc's call of the same name, as it is. So the calls may replace libc's throughout;
 * they must for whatever may be given a socket (above all close and the dups), for libc's own calls
 * find a socket there that is not connected. Copies made by hf_dup share one socket, which ends
 * when the last is closed and no call is at work on it.
 *
 * Waiting. A socket with O_NONBLOCK, and MSG_DONTWAIT, never wait. Else a call waits until it can
 * be carried out, its SO_SNDTIMEO or SO_RCVTIMEO runs out (EAGAIN; hf_connect: EINPROGRESS), or a
 * signal is caught: EINTR, unless the handler was installed with SA_RESTART and there is no time
 * limit. What has been moved by then is told as a count.
 *
 * Cancellation. The calls that may wait are cancellation points, waiting or not, and so are
 * hf_close and the polling ones. A cancelled call leaves nothing behind: no lock held, no memory or
 * descriptor lost; bytes are not lost either, as a thread is cancelled in its sleep only.
 *
 * Signals handlers may use these calls on descriptors that are not the library's. On sockets they
 * must not: the handler may have interrupted a call that holds the stack's lock.
 *
 * A child of fork() has none of its parent's sockets (ENOTCONN) and begins with a stack of its own.
 * After exec() they are gone.
 *
 * Errors that every call on a descriptor has:
 *   EBADF     fd is not open (C19)
 *   ENOTSOCK  fd is something else than a socket (C20)
 *   EFAULT    memory that was named cannot be read, or written
 */
#ifndef HANDFAST_POSIX_H
#define HANDFAST_POSIX_H

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

struct epoll_event;
struct iovec;
struct mmsghdr;

/* A new socket. type: SOCK_STREAM or SOCK_DGRAM, of AF_UNIX SOCK_SEQPACKET too, with SOCK_NONBLOCK
 * and SOCK_CLOEXEC; or of AF_NETLINK SOCK_RAW or SOCK_DGRAM (NETLINK_ROUTE, NETLINK_SOCK_DIAG),
 * which tells of the stack's links, addresses, routes and sockets. AF_UNIX sockets reach each other
 * inside the stack; for the kernel's, call libc's socket(). EAFNOSUPPORT     no such family here
 *   EINVAL           flags, type or protocol out of range
 *   ESOCKTNOSUPPORT  the family has no such type
 *   EPROTONOSUPPORT  the protocol is not the type's
 *   EPERM            SOCK_RAW
 *   EMFILE, ENFILE   no descriptor is left
 *   ENOBUFS, ENOMEM  no memory */
int hf_socket(int domain, int type, int protocol);

/* Two AF_UNIX sockets that are connected with each other. Other families: as hf_socket, and then
 * EOPNOTSUPP. For a pair that a child of fork() shares, call libc's socketpair(). */
int hf_socketpair(int domain, int type, int protocol, int fds[2]);

/* Binds to a local address; port 0: one that is free.
 *   EINVAL         bound already; a length that is none; an address that cannot be bound
 *   EAFNOSUPPORT   the address's family is not the socket's
 *   EADDRNOTAVAIL  not an address of this stack
 *   EADDRINUSE     somebody else has the port, or none is free (C26)
 *   EACCES         a privileged port (C18)
 *   ENODEV         a link-local address on a link that is not there */
int hf_bind(int fd, const struct sockaddr *addr, socklen_t len);

/* Lets a stream socket be connected to; backlog + 1 connections may wait to be accepted.
 *   EOPNOTSUPP   not a stream
 *   EINVAL       connected
 *   EADDRINUSE   the port was taken since, or none is free */
int hf_listen(int fd, int backlog);

/* The next connection, as a new descriptor (C28). addr, if not NULL, gets its peer. Waits for one;
 * SO_RCVTIMEO is the limit. flags: SOCK_NONBLOCK, SOCK_CLOEXEC; neither is inherited.
 *   EAGAIN       none is there, and no time to wait
 *   EINTR        a signal was caught
 *   EINVAL       not listening (hf_shutdown ends listening); flags; *len is negative: the
 * connection is lost EFAULT       the address could not be written: the connection is lost
 *   EOPNOTSUPP   not a stream
 *   EMFILE, ENFILE, ENOMEM  nothing to hold it; the connection waits on */
int hf_accept(int fd, struct sockaddr *addr, socklen_t *len);
int hf_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

/* Connects a stream, or sets a datagram socket's peer; AF_UNSPEC dissolves either (C01 to C10). A
 * socket without a port gets one (C03). A stream's call waits until the peer has answered (C11), or
 * says EINPROGRESS at once if it must not wait; then the end shows as POLLOUT (C15) and the result
 * by SO_ERROR or another call.
 *   EINPROGRESS    under way (C14); or SO_SNDTIMEO ran out. It goes on
 *   EALREADY       the same, begun by an earlier call (C16)
 *   EINTR          a signal was caught. It goes on, and may be waited for by calling again (C13)
 *   EISCONN        connected (C17), or listening
 *   ECONNREFUSED   the peer said no (C24)
 *   ETIMEDOUT      nobody answered (C12, C23)
 *   ECONNRESET     another thread ended the attempt
 *   ECONNABORTED   the attempt had failed, and its error been taken by SO_ERROR
 *   ENETUNREACH    no route; a broadcast or multicast address; ICMP said so (C25)
 *   EHOSTUNREACH   ICMP, or a route, said so
 *   EACCES         a broadcast address without SO_BROADCAST; forbidden by a route (C18)
 *   EADDRNOTAVAIL  no local port is left, or the connection exists already (C21)
 *   EAGAIN         datagram: no local port is left
 *   EAFNOSUPPORT   the address's family is not the socket's (C02, C22)
 *   EINVAL         a length that is no address's
 *   ENOBUFS        no memory */
int hf_connect(int fd, const struct sockaddr *addr, socklen_t len);

/* Sends. A blocking stream call waits until all is taken, and tells less only where a signal, a
 * time limit or an error cut it short. flags: MSG_DONTWAIT, MSG_NOSIGNAL, MSG_MORE, MSG_OOB; those
 * of routing are taken and mean nothing. hf_write of 0 bytes sends an empty datagram.
 *   EAGAIN         nothing fits, and no time to wait
 *   EINTR          a signal was caught before anything was taken
 *   EPIPE          the sending side is shut down, or there is no connection; SIGPIPE too, unless
 *                  MSG_NOSIGNAL (streams)
 *   ECONNRESET, ECONNREFUSED, ETIMEDOUT, ...  the error that ended the connection, or that ICMP
 *                  told of an earlier datagram; once
 *   EDESTADDRREQ   datagram without address, not connected
 *   EMSGSIZE       too long for a datagram; more than 1024 pieces
 *   EINVAL         lengths, addresses or control data that make no sense
 *   EOPNOTSUPP     MSG_OOB on a datagram socket
 *   EAFNOSUPPORT, ENETUNREACH, EACCES, ...  of the address, as hf_connect
 *   ENOBUFS        no memory */
ssize_t hf_send(int fd, const void *buf, size_t len, int flags);
ssize_t hf_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                  socklen_t addr_len);
ssize_t hf_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t hf_write(int fd, const void *buf, size_t len);
ssize_t hf_writev(int fd, const struct iovec *iov, int n);

/* As many of n messages as go; an error is told only when it hits the first. */
int hf_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);

/* Receives: bytes, or one datagram; 0 at the end of a stream. flags: MSG_DONTWAIT, MSG_PEEK,
 * MSG_WAITALL (as many bytes as asked for), MSG_TRUNC (a datagram's true length; of a stream, bytes
 * are thrown away), MSG_OOB, MSG_ERRQUEUE (there is never anything there yet: EAGAIN). hf_read of 0
 * bytes gives 0 at once, hf_recv of 0 waits for something.
 *   EAGAIN         nothing is there, and no time to wait
 *   EINTR          a signal was caught before anything came
 *   ENOTCONN       a stream that never was connected, or listens
 *   ECONNRESET, ECONNREFUSED, ETIMEDOUT, ...  the error that ended the connection, behind the data
 *                  that came before it; or that ICMP told of an earlier datagram; once
 *   EINVAL         no urgent byte is there (MSG_OOB); lengths that make no sense
 *   EMSGSIZE       more than 1024 pieces
 *   EFAULT         of a stream, the bytes stay; the datagram is lost */
ssize_t hf_recv(int fd, void *buf, size_t len, int flags);
ssize_t hf_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                    socklen_t *addr_len);
ssize_t hf_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t hf_read(int fd, void *buf, size_t len);
ssize_t hf_readv(int fd, const struct iovec *iov, int n);

/* As many of n messages as come until `timeout`, which is looked at after each (NULL: none);
 * MSG_WAITFORONE: waits for the first only. EINVAL also: a time that is none. */
int hf_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout);

/* Files, pipes and stdio. hf_sendfile: from a file to a socket, as much as the socket takes (all,
 * where it may wait); no cancellation point. hf_splice: between a socket and a pipe. hf_fdopen: a
 * stream of stdio on a socket, which fclose() closes; fileno() knows none of it.
 *   EINVAL  one of the two must be a pipe, or a file that can be read anywhere; flags; a mode
 *   ESPIPE  a position in a pipe; hf_sendfile: in a socket
 *   EAGAIN  hf_splice: the pipe is empty, or full, and SPLICE_F_NONBLOCK
 * and the errors of hf_send and hf_recv. */
ssize_t hf_sendfile(int to, int from, off_t *at, size_t count);
ssize_t hf_splice(int from, off_t *from_at, int to, off_t *to_at, size_t len, unsigned flags);
FILE *hf_fdopen(int fd, const char *mode);
int hf_dprintf(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
int hf_vdprintf(int fd, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Ends one direction or both.
 *   ENOTCONN  not connected; of a stream it sticks all the same
 *   EINVAL    how is none of SHUT_RD, SHUT_WR, SHUT_RDWR */
int hf_shutdown(int fd, int how);

/* Gives the descriptor back; with the last one, and the last call at work, the socket ends.
 * SO_LINGER: with time 0 it is reset, with another it waits so long for what is unsent to be
 * acknowledged. A call of another thread that waits on the socket is not woken. */
int hf_close(int fd);

/* All descriptors from first to last, without lingering for any. flags other than 0 are the
 * kernel's alone: CLOSE_RANGE_CLOEXEC works as ever, CLOSE_RANGE_UNSHARE leaves sockets behind. */
int hf_close_range(unsigned first, unsigned last, int flags);

/* Copies of a descriptor.
 *   EMFILE  no descriptor is left
 *   EBADF   also: `to` is out of range
 *   EINVAL  hf_dup3: fd is `to`; flags other than O_CLOEXEC */
int hf_dup(int fd);
int hf_dup2(int fd, int to);
int hf_dup3(int fd, int to, int flags);

/* *len: in: the room at addr; out: the address's true length.
 *   ENOTCONN  hf_getpeername: no peer
 *   EINVAL    *len is negative */
int hf_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int hf_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/* Options of SOL_SOCKET, IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP.
 *   ENOPROTOOPT    no such option, or it cannot be had here
 *   EOPNOTSUPP     no such level
 *   EINVAL         a length or value that makes no sense; not in this state
 *   EDOM           a time out of range
 *   EPERM          for the privileged only
 *   ENODEV, EADDRNOTAVAIL, EADDRINUSE  of links, addresses and group memberships named */
int hf_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int hf_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

/* F_GETFL and F_SETFL know O_NONBLOCK and O_ASYNC; F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX,
 * F_SETSIG and F_GETSIG say who gets SIGURG (for urgent data) and, with O_ASYNC, SIGIO. F_DUPFD,
 * F_DUPFD_CLOEXEC, F_GETFD and F_SETFD are as ever.
 *   EINVAL  no such command, or not of sockets; a signal or an owner that is none
 *   EPERM   F_SETOWN... an owner whom this process may not signal is found out when it is signalled
 */
int hf_fcntl(int fd, int cmd, ...);

/* FIONREAD (SIOCINQ), SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO, FIOASYNC, FIOCLEX, FIONCLEX; and
 * of the stack's links SIOCGIFNAME, SIOCGIFCONF, SIOCGIFADDR and the like. ENODEV  no such link
 *   EINVAL  a listener has no queues
 *   ENOTTY  anything else */
int hf_ioctl(int fd, unsigned long request, ...);

/* Readiness of any mixture of descriptors. A caught signal ends the wait, SA_RESTART or not.
 *   EINTR   a signal was caught
 *   EINVAL  more descriptors than RLIMIT_NOFILE; a time that is none
 *   EBADF   hf_select, hf_pselect: one of them is not open
 *   ENOMEM  no memory, or no descriptor to wait on */
int hf_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int hf_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask);
int hf_select(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout);
int hf_pselect(int n, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
               const sigset_t *mask);

/* Epoll sets. The number is a real epoll descriptor of the kernel: descriptors that are not the
 * library's are in it directly, and it is itself readable (by the kernel's own poll, by another
 * epoll set, by a program's event loop) while any of its sockets is ready. So it is the one
 * descriptor that stands for all sockets put into it: a program with a loop of its own watches it
 * there and then calls hf_epoll_wait with time-out 0.
 * EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE are as on Linux; EPOLLWAKEUP means nothing.
 *   EEXIST, ENOENT  the descriptor is in the set already, or is not
 *   EINVAL          fd is no epoll set, or is the set itself; flags that cannot go together; no
 * room EPERM           a file that cannot be polled EINTR           a signal was caught EMFILE,
 * ENFILE, ENOMEM, ENOSPC  nothing to hold it */
int hf_epoll_create1(int flags);
int hf_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
int hf_epoll_wait(int epfd, struct epoll_event *events, int n, int timeout_ms);
int hf_epoll_pwait(int epfd, struct epoll_event *events, int n, int timeout_ms,
                   const sigset_t *mask);

#endif
