/* The options of the socket layer itself; those of TCP and IP live in the transport's block. And
 * the options that are a switch: those a call only turns on, off, and reads. */
#ifndef SOCKET_OPTIONS_H
#define SOCKET_OPTIONS_H

#include "handfast/types.h"

struct hf_sock;
struct ip_addr;

/* Linux's MAX_SCHEDULE_TIMEOUT: wait for ever. 0 is what a negative SO_RCVTIMEO means: not at all.
 */
#define SOCK_TIMEO_NONE UINT32_MAX

/* What SO_RCVBUF and SO_SNDBUF may ask for: Linux's sysctls rmem_max, wmem_max. */
#define OPTION_BUFFER_MOST 4194304u

/* What they then are. Linux: doubled, for the bookkeeping that shares it. */
static inline uint32_t option_buffer(bool receives, uint32_t bytes)
{
    uint32_t least = receives ? 2304 : 4608;

    return 2 * bytes > least ? 2 * bytes : least;
}

struct sock_options {
    uint32_t rcvtimeo_ms, sndtimeo_ms; /* SOCK_TIMEO_NONE, 0: do not wait */
    uint32_t linger_s;
    uint32_t mark;
    uint32_t rcvlowat; /* 1 or more */
    int32_t peek_off;  /* below 0: off */
    uint32_t inert;    /* by enum sock_inert */
    union {
        uint16_t ancillary; /* data wanted with each datagram: 0 none */
        struct {
            uint16_t recv_pktinfo : 1, recv_ttl : 1, recv_tos : 1, recv_origdst : 1;
            uint16_t recv_origdst6 : 1, recv_pktinfo6 : 1, recv_hoplimit : 1, recv_tclass : 1;
            uint16_t old_pktinfo6 : 1, old_hoplimit : 1; /* RFC 2292's messages */
        };
    };
    uint8_t linger_on : 1;
    uint8_t keepalive : 1,
        oob_inline : 1; /* what SO_KEEPALIVE, SO_OOBINLINE say; TCP's are set too */
    uint8_t dont_fragment6 : 1, recv_path_mtu : 1, counts_drops : 1; /* UDP's are set too */
    uint8_t mcast_loop4 : 1, mcast_loop6 : 1;                        /* likewise */
    uint8_t hops_zero : 1; /* IPV6_UNICAST_HOPS was set to 0 */
    uint8_t pingpong : 1;  /* TCP_QUICKACK was turned off */
    uint8_t udp_cork : 1;
    uint8_t addr_preferences : 3; /* options_fixed.c */
    uint8_t rcvbuf_locked : 1, sndbuf_locked : 1;
    uint8_t fastopen_connect : 1, fastopen_no_cookie : 1;
    uint8_t has_fastopen : 1;           /* sock_fastopen finds something */
    uint8_t zerocopy : 1, recv_inq : 1; /* SO_ZEROCOPY, TCP_INQ */
    int8_t priority;                    /* Deviates: an administrator's beyond that is cut */
    uint8_t unicast_if4, unicast_if6;   /* link indexes, 0: none */
    uint16_t busy_poll;                 /* Deviates: an administrator's beyond that is cut */
};

/* Switches that are kept and read back and change nothing here: what they ask for is so anyway, or
 * cannot occur (packets with IP options, a second way past the routes, ...). */
enum sock_inert {
    INERT_DEBUG = 1 << 0,
    INERT_DONTROUTE = 1 << 1,
    INERT_NO_CHECK = 1 << 2,
    INERT_SELECT_ERR_QUEUE = 1 << 3, /* not quite: poll.c looks at it */
    INERT_RECVOPTS = 1 << 4,
    INERT_RETOPTS = 1 << 5,
    INERT_MULTICAST_ALL = 1 << 6,
    INERT_MULTICAST_ALL6 = 1 << 7,
    INERT_RFC4884 = 1 << 8,
    INERT_RECVRTHDR = 1 << 9,
    INERT_RECVHOPOPTS = 1 << 10,
    INERT_RECVDSTOPTS = 1 << 11,
    INERT_RFC4884_6 = 1 << 12,
    INERT_AUTOFLOWLABEL = 1 << 13,
    INERT_THIN_LTO = 1 << 14,
    INERT_RECVFRAGSIZE = 1 << 16,
    INERT_RECVFRAGSIZE6 = 1 << 17,
    INERT_2292RTHDR = 1 << 18,
    INERT_2292HOPOPTS = 1 << 19,
    INERT_2292DSTOPTS = 1 << 20,
    INERT_ALERT_ISOLATE = 1 << 21,
    INERT_NOFCS = 1 << 22,
    INERT_WIFI_STATUS = 1 << 23,
    INERT_LOCK_FILTER = 1 << 24,
    INERT_RCVMARK = 1 << 25,
    INERT_RCVPRIORITY = 1 << 26,
    INERT_PREFER_BUSY_POLL = 1 << 27,
    INERT_TXREHASH = 1 << 28,
    INERT_PASSSEC = 1 << 29,
    INERT_CHECKSUM = 1 << 30,
};

void sock_options_init(struct sock_options *o);

/* The switch that level and name stand for; OPTION_OTHER: not a switch. */
enum option_switch {
    OPTION_OTHER,
    OPTION_REUSEADDR,
    OPTION_REUSEPORT,
    OPTION_BROADCAST,
    OPTION_KEEPALIVE,
    OPTION_OOBINLINE,
    OPTION_PKTINFO,
    OPTION_RECVTTL,
    OPTION_RECVTOS,
    OPTION_RECVORIGDST,
    OPTION_RECVORIGDST6,
    OPTION_RECVERR,
    OPTION_RECVERR6,
    OPTION_DONTFRAG,
    OPTION_RECVPATHMTU,
    OPTION_FREEBIND,
    OPTION_TRANSPARENT,
    OPTION_BIND_NO_PORT,
    OPTION_MULTICAST_LOOP,
    OPTION_MULTICAST_LOOP6,
    OPTION_V6ONLY,
    OPTION_RECVPKTINFO6,
    OPTION_RECVHOPLIMIT,
    OPTION_RECVTCLASS,
    OPTION_2292PKTINFO,
    OPTION_2292HOPLIMIT,
    OPTION_RXQ_OVFL,
    OPTION_INERT, /* from here on: OPTION_INERT + an enum sock_inert */
};
int option_find(int level, int name);
bool option_is_on(const struct hf_sock *sk, int which);
void option_turn(struct hf_sock *sk, int which, bool on);

/* setsockopt.c, getsockopt.c: SOL_SOCKET, what all families share. */
HF_NODISCARD int setsockopt_socket(struct hf_sock *sk, int name, const void *value, uint32_t len);
HF_NODISCARD int getsockopt_socket(struct hf_sock *sk, int name, void *value, uint32_t *len);

/* setsockopt_ip.c, setsockopt_tcp.c: one level each, as hf_sock_setsockopt. */
HF_NODISCARD int setsockopt_ip(struct hf_sock *sk, int name, const void *value, uint32_t len);
HF_NODISCARD int setsockopt_ipv6(struct hf_sock *sk, int name, const void *value, uint32_t len);
HF_NODISCARD int setsockopt_tcp(struct hf_sock *sk, int name, const void *value, uint32_t len);

/* fastopen.c: TCP_FASTOPEN, TCP_FASTOPEN_KEY; and what listen() does where all listeners have it.
 */
HF_NODISCARD int fastopen_limit(struct hf_sock *sk, uint32_t limit);
HF_NODISCARD int fastopen_set_keys(struct hf_sock *sk, const void *value, uint32_t len);
HF_NODISCARD int fastopen_get_keys(const struct hf_sock *sk, void *value, uint32_t *len);
void fastopen_listen(struct hf_sock *sk, uint32_t backlog);

/* setsockopt_group.c: joining (else leaving) a group, as struct ip_mreq and ip_mreqn, ipv6_mreq and
 * group_req say. */
HF_NODISCARD int membership_ip(struct hf_sock *sk, bool joins, const uint8_t *value, uint32_t len);
HF_NODISCARD int membership_ipv6(struct hf_sock *sk, bool joins, const uint8_t *value,
                                 uint32_t len);
HF_NODISCARD int membership_group(struct hf_sock *sk, bool is_v6, bool joins, const uint8_t *value,
                                  uint32_t len);
/* The link that index names, or that has the address, or by which the group is reached. 0: none. */
uint32_t membership_link(const struct hf_sock *sk, const struct ip_addr *group,
                         const struct ip_addr *addr, uint32_t index);
/* A datagram socket joins on that link. As membership_join, and -HF_ENODEV: there is none. */
HF_NODISCARD int membership_enter(struct hf_sock *sk, const struct ip_addr *group,
                                  const struct ip_addr *addr, uint32_t index, bool includes);

/* group_source.c: IP_ADD_SOURCE_MEMBERSHIP, MCAST_JOIN_SOURCE_GROUP and their like; IP_MSFILTER and
 * MCAST_MSFILTER, which when read say in value what is asked for. */
HF_NODISCARD int membership_source_ip(struct hf_sock *sk, int name, const uint8_t *value,
                                      uint32_t len);
HF_NODISCARD int membership_source(struct hf_sock *sk, bool is_v6, int name, const uint8_t *value,
                                   uint32_t len);
HF_NODISCARD int membership_filter_ip(struct hf_sock *sk, const uint8_t *value, uint32_t len);
HF_NODISCARD int membership_filter(struct hf_sock *sk, bool is_v6, const uint8_t *value,
                                   uint32_t len);
HF_NODISCARD int membership_get_filter_ip(const struct hf_sock *sk, uint8_t *value, uint32_t *len);
HF_NODISCARD int membership_get_filter(const struct hf_sock *sk, bool is_v6, uint8_t *value,
                                       uint32_t *len);

/* timestamp.c */
HF_NODISCARD int timestamp_set(struct hf_sock *sk, int name, int v);
int timestamp_get(const struct hf_sock *sk, int name);
HF_NODISCARD int timestamping_set(struct hf_sock *sk, int name, const void *value, uint32_t len);
HF_NODISCARD int timestamping_get(const struct hf_sock *sk, int name, void *value, uint32_t *len);

/* getsockopt_ip.c, getsockopt_tcp.c: one level each, as hf_sock_getsockopt. */
HF_NODISCARD int getsockopt_ip(struct hf_sock *sk, int name, void *value, uint32_t *len);
HF_NODISCARD int getsockopt_ipv6(struct hf_sock *sk, int name, void *value, uint32_t *len);
HF_NODISCARD int getsockopt_tcp(struct hf_sock *sk, int name, void *value, uint32_t *len);

/* options_fixed.c: what is asked last. v: the value as an int, as far as it is one.
 * -HF_ENOPROTOOPT: no such option. */
HF_NODISCARD int option_get_fixed(const struct hf_sock *sk, int level, int name, void *value,
                                  uint32_t *len);
HF_NODISCARD int option_set_fixed(struct hf_sock *sk, int level, int name, int v, uint32_t len);

/* Copies what fits of n bytes and says how much that was; returns 0. */
int option_give(void *value, uint32_t *len, const void *from, uint32_t n);
int option_give_int(void *value, uint32_t *len, int v);
/* Linux, SOL_IP: a small number fits into a byte where there is no room for an int. */
int option_give_small(void *value, uint32_t *len, int v);

#endif
