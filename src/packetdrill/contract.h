/* What packetdrill asks of a shared object that it is to test, in the order and with the types it
 * has them in memory: packetdrill calls packetdrill_interface_init once, which fills in the table.
 * Each function gets `userdata` first, and is else the system call of its name, with errno. */
#ifndef PACKETDRILL_CONTRACT_H
#define PACKETDRILL_CONTRACT_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct epoll_event;

struct packetdrill_interface {
    void *userdata;
    void (*free)(void *userdata);

    int (*socket)(void *, int domain, int type, int protocol);
    int (*bind)(void *, int fd, const struct sockaddr *addr, socklen_t len);
    int (*listen)(void *, int fd, int backlog);
    int (*accept)(void *, int fd, struct sockaddr *addr, socklen_t *len);
    int (*connect)(void *, int fd, const struct sockaddr *addr, socklen_t len);

    ssize_t (*read)(void *, int fd, void *buf, size_t len);
    ssize_t (*readv)(void *, int fd, const struct iovec *iov, int n);
    ssize_t (*recv)(void *, int fd, void *buf, size_t len, int flags);
    ssize_t (*recvfrom)(void *, int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                        socklen_t *addr_len);
    ssize_t (*recvmsg)(void *, int fd, struct msghdr *m, int flags);

    ssize_t (*write)(void *, int fd, const void *buf, size_t len);
    ssize_t (*writev)(void *, int fd, const struct iovec *iov, int n);
    ssize_t (*send)(void *, int fd, const void *buf, size_t len, int flags);
    ssize_t (*sendto)(void *, int fd, const void *buf, size_t len, int flags,
                      const struct sockaddr *addr, socklen_t addr_len);
    ssize_t (*sendmsg)(void *, int fd, const struct msghdr *m, int flags);

    int (*fcntl)(void *, int fd, int cmd, ...);
    int (*ioctl)(void *, int fd, unsigned long request, ...);
    int (*close)(void *, int fd);
    int (*shutdown)(void *, int fd, int how);
    int (*getsockopt)(void *, int fd, int level, int name, void *value, socklen_t *len);
    int (*setsockopt)(void *, int fd, int level, int name, const void *value, socklen_t len);
    int (*poll)(void *, struct pollfd *fds, nfds_t n, int timeout_ms);

    /* An IP packet for the stack. 0, or -1. */
    int (*netdev_send)(void *, const void *packet, size_t len);
    /* The next IP packet from the stack: *len is the room at first, then the bytes, 0 for none;
     * *time_us is when it left. Waits for one. 0, or -1: packetdrill asks again. */
    int (*netdev_receive)(void *, void *packet, size_t *len, long long *time_us);

    /* The script's only clock. */
    int (*usleep)(void *, useconds_t us);
    int (*gettimeofday)(void *, struct timeval *tv, struct timezone *tz);

    int (*epoll_create)(void *, int size);
    int (*epoll_ctl)(void *, int epfd, int op, int fd, struct epoll_event *event);
    int (*epoll_wait)(void *, int epfd, struct epoll_event *events, int n, int timeout_ms);
    int (*pipe)(void *, int fds[2]);
    int (*splice)(void *, int in, loff_t *off_in, int out, loff_t *off_out, size_t len,
                  unsigned flags);
};

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *table);

#endif
