/* Requests to the kernel by netlink, and what comes back. */
#ifndef TESTS_POSIX_NETLINK_TALK_H
#define TESTS_POSIX_NETLINK_TALK_H

#include "../lib.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

enum { SEQ = 7, ROOM = 65536 };

/* One answer, as far as it has come. */
struct talk {
    int fd;
    _Alignas(8) char bytes[ROOM];
    int len;             /* of the datagram */
    struct nlmsghdr *at; /* the message in it that is looked at; NULL: none any more */
    int done;            /* NLMSG_DONE's error, or NLMSG_ERROR's; 1: neither has come */
    int done_flags;
};

static inline struct sockaddr_nl nl_addr(unsigned port, unsigned groups)
{
    return (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
}

static inline int nl_type(int f)
{
    return f == AF_INET ? SOCK_RAW : SOCK_DGRAM;
}

static inline int nl_socket(int f, int protocol)
{
    return MUST(socket(AF_NETLINK, nl_type(f), protocol));
}

static inline struct sockaddr_nl nl_name(int fd)
{
    struct sockaddr_nl a = {0};
    socklen_t len = sizeof(a);
    MUST(getsockname(fd, (struct sockaddr *)&a, &len));
    return a;
}

/* A request: its header, a body, and one attribute (type 0: none). */
static inline int ask(int fd, int type, int flags, const void *body, size_t len, int attr,
                      const void *value, size_t n)
{
    _Alignas(8) char bytes[512] = "";
    struct nlmsghdr *h = (struct nlmsghdr *)bytes;
    struct sockaddr_nl kernel = nl_addr(0, 0);
    struct rtattr *a;
    *h = (struct nlmsghdr){.nlmsg_type = (unsigned short)type,
                           .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | flags),
                           .nlmsg_seq = SEQ};
    memcpy(NLMSG_DATA(h), body, len);
    h->nlmsg_len = NLMSG_LENGTH(len);
    if (attr) {
        a = (struct rtattr *)(bytes + NLMSG_ALIGN(h->nlmsg_len));
        a->rta_type = (unsigned short)attr;
        a->rta_len = (unsigned short)RTA_LENGTH(n);
        memcpy(RTA_DATA(a), value, n);
        h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
    }
    return (int)sendto(fd, bytes, h->nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
}

static inline void listen_to(struct talk *t, int fd)
{
    t->fd = fd;
    t->at = NULL;
    t->len = 0;
    t->done = 1;
}

/* The next message; NULL at the end, or when none comes for a while. */
static inline struct nlmsghdr *hear(struct talk *t)
{
    int left;
    if (t->done <= 0)
        return NULL;
    if (t->at) {
        left = t->len - (int)((char *)t->at - t->bytes);
        t->at = NLMSG_NEXT(t->at, left);
        if (left < (int)sizeof(*t->at) || (int)t->at->nlmsg_len > left)
            t->at = NULL;
    }
    if (!t->at) {
        set_timeout(t->fd, SO_RCVTIMEO, PATIENCE_MS);
        t->len = (int)recv(t->fd, t->bytes, sizeof(t->bytes), 0);
        if (t->len < (int)sizeof(struct nlmsghdr))
            return NULL;
        t->at = (struct nlmsghdr *)t->bytes;
    }
    if (t->at->nlmsg_type == NLMSG_DONE || t->at->nlmsg_type == NLMSG_ERROR) {
        memcpy(&t->done, NLMSG_DATA(t->at), sizeof(t->done));
        t->done_flags = t->at->nlmsg_flags;
        return NULL;
    }
    return t->at;
}

/* The value of an attribute of a message whose header has so many bytes; NULL: it has none. */
static inline void *attr_of(struct nlmsghdr *h, size_t header, int type, int *len)
{
    struct rtattr *a = (struct rtattr *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(header));
    int left = (int)h->nlmsg_len - (int)NLMSG_SPACE(header);
    for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
        if ((a->rta_type & NLA_TYPE_MASK) == type) {
            if (len)
                *len = (int)RTA_PAYLOAD(a);
            return RTA_DATA(a);
        }
    return NULL;
}

static inline long long attr_number(struct nlmsghdr *h, size_t header, int type)
{
    unsigned v;
    int len;
    void *at = attr_of(h, header, type, &len);
    if (!at || len < (int)sizeof(v))
        return -1;
    memcpy(&v, at, sizeof(v));
    return v;
}

static inline bool attr_is(struct nlmsghdr *h, size_t header, int type, const void *want, int n)
{
    int len = -1;
    void *at = attr_of(h, header, type, &len);
    return at && len == n && memcmp(at, want, (size_t)n) == 0;
}

static inline const void *loopback_bytes(int f)
{
    static const unsigned char four[4] = {127, 0, 0, 1}, six[16] = {[15] = 1};
    return f == AF_INET ? four : six;
}
static inline int addr_bytes(int f)
{
    return f == AF_INET ? 4 : 16;
}

#endif
