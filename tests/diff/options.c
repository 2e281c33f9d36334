/* The options by name, and what can be said of few of them only. */
#include "diff.h"

#include <string.h>

#include "handfast/linux.h"

#define SO(x)                              \
    {                                      \
        HF_SOL_SOCKET, HF_SO_##x, "SO_" #x \
    }
#define IP(x)                          \
    {                                  \
        HF_SOL_IP, HF_IP_##x, "IP_" #x \
    }
#define IP6(x)                               \
    {                                        \
        HF_SOL_IPV6, HF_IPV6_##x, "IPV6_" #x \
    }
#define TCP(x)                            \
    {                                     \
        HF_SOL_TCP, HF_TCP_##x, "TCP_" #x \
    }
#define UDP(x)                                \
    {                                         \
        HF_IPPROTO_UDP, HF_UDP_##x, "UDP_" #x \
    }
#define MANY(x)                              \
    {                                        \
        HF_SOL_IP, HF_MCAST_##x, "MCAST_" #x \
    }

const struct option_name option_names[] = {
    SO(DEBUG),
    SO(REUSEADDR),
    SO(TYPE),
    SO(ERROR),
    SO(DONTROUTE),
    SO(BROADCAST),
    SO(SNDBUF),
    SO(RCVBUF),
    SO(KEEPALIVE),
    SO(OOBINLINE),
    SO(NO_CHECK),
    SO(PRIORITY),
    SO(LINGER),
    SO(BSDCOMPAT),
    SO(REUSEPORT),
    SO(PASSCRED),
    SO(PEERCRED),
    SO(RCVLOWAT),
    SO(SNDLOWAT),
    SO(RCVTIMEO_OLD),
    SO(SNDTIMEO_OLD),
    SO(BINDTODEVICE),
    SO(ATTACH_FILTER),
    SO(DETACH_FILTER),
    SO(PEERNAME),
    SO(TIMESTAMP_OLD),
    SO(ACCEPTCONN),
    SO(PEERSEC),
    SO(SNDBUFFORCE),
    SO(RCVBUFFORCE),
    SO(PASSSEC),
    SO(TIMESTAMPNS_OLD),
    SO(MARK),
    SO(TIMESTAMPING_OLD),
    SO(PROTOCOL),
    SO(DOMAIN),
    SO(RXQ_OVFL),
    SO(WIFI_STATUS),
    SO(PEEK_OFF),
    SO(NOFCS),
    SO(LOCK_FILTER),
    SO(SELECT_ERR_QUEUE),
    SO(BUSY_POLL),
    SO(MAX_PACING_RATE),
    SO(BPF_EXTENSIONS),
    SO(INCOMING_CPU),
    SO(ATTACH_BPF),
    SO(ATTACH_REUSEPORT_CBPF),
    SO(ATTACH_REUSEPORT_EBPF),
    SO(CNX_ADVICE),
    SO(MEMINFO),
    SO(INCOMING_NAPI_ID),
    SO(COOKIE),
    SO(PEERGROUPS),
    SO(ZEROCOPY),
    SO(TXTIME),
    SO(BINDTOIFINDEX),
    SO(TIMESTAMP_NEW),
    SO(TIMESTAMPNS_NEW),
    SO(TIMESTAMPING_NEW),
    SO(RCVTIMEO_NEW),
    SO(SNDTIMEO_NEW),
    SO(DETACH_REUSEPORT_BPF),
    SO(PREFER_BUSY_POLL),
    SO(BUSY_POLL_BUDGET),
    SO(NETNS_COOKIE),
    SO(BUF_LOCK),
    SO(RESERVE_MEM),
    SO(TXREHASH),
    SO(RCVMARK),
    IP(TOS),
    IP(TTL),
    IP(HDRINCL),
    IP(OPTIONS),
    IP(ROUTER_ALERT),
    IP(RECVOPTS),
    IP(RETOPTS),
    IP(PKTINFO),
    IP(PKTOPTIONS),
    IP(MTU_DISCOVER),
    IP(RECVERR),
    IP(RECVTTL),
    IP(RECVTOS),
    IP(MTU),
    IP(FREEBIND),
    IP(IPSEC_POLICY),
    IP(XFRM_POLICY),
    IP(PASSSEC),
    IP(TRANSPARENT),
    IP(RECVORIGDSTADDR),
    IP(MINTTL),
    IP(NODEFRAG),
    IP(CHECKSUM),
    IP(BIND_ADDRESS_NO_PORT),
    IP(RECVFRAGSIZE),
    IP(RECVERR_RFC4884),
    IP(MULTICAST_IF),
    IP(MULTICAST_TTL),
    IP(MULTICAST_LOOP),
    IP(ADD_MEMBERSHIP),
    IP(DROP_MEMBERSHIP),
    IP(UNBLOCK_SOURCE),
    IP(BLOCK_SOURCE),
    IP(ADD_SOURCE_MEMBERSHIP),
    IP(DROP_SOURCE_MEMBERSHIP),
    IP(MSFILTER),
    IP(MULTICAST_ALL),
    IP(UNICAST_IF),
    IP(LOCAL_PORT_RANGE),
    IP(PROTOCOL),
    MANY(JOIN_GROUP),
    MANY(LEAVE_GROUP),
    MANY(JOIN_SOURCE_GROUP),
    MANY(LEAVE_SOURCE_GROUP),
    IP6(ADDRFORM),
    IP6(2292PKTINFO),
    IP6(2292HOPOPTS),
    IP6(2292DSTOPTS),
    IP6(2292RTHDR),
    IP6(2292PKTOPTIONS),
    IP6(CHECKSUM),
    IP6(2292HOPLIMIT),
    IP6(NEXTHOP),
    IP6(AUTHHDR),
    IP6(UNICAST_HOPS),
    IP6(MULTICAST_IF),
    IP6(MULTICAST_HOPS),
    IP6(MULTICAST_LOOP),
    IP6(ADD_MEMBERSHIP),
    IP6(DROP_MEMBERSHIP),
    IP6(ROUTER_ALERT),
    IP6(MTU_DISCOVER),
    IP6(MTU),
    IP6(RECVERR),
    IP6(V6ONLY),
    IP6(JOIN_ANYCAST),
    IP6(LEAVE_ANYCAST),
    IP6(MULTICAST_ALL),
    IP6(ROUTER_ALERT_ISOLATE),
    IP6(RECVERR_RFC4884),
    IP6(IPSEC_POLICY),
    IP6(XFRM_POLICY),
    IP6(HDRINCL),
    IP6(RECVPKTINFO),
    IP6(PKTINFO),
    IP6(RECVHOPLIMIT),
    IP6(HOPLIMIT),
    IP6(RECVHOPOPTS),
    IP6(HOPOPTS),
    IP6(RTHDRDSTOPTS),
    IP6(RECVRTHDR),
    IP6(RTHDR),
    IP6(RECVDSTOPTS),
    IP6(DSTOPTS),
    IP6(RECVPATHMTU),
    IP6(PATHMTU),
    IP6(DONTFRAG),
    IP6(RECVTCLASS),
    IP6(TCLASS),
    IP6(AUTOFLOWLABEL),
    IP6(ADDR_PREFERENCES),
    IP6(MINHOPCOUNT),
    IP6(RECVORIGDSTADDR),
    IP6(TRANSPARENT),
    IP6(UNICAST_IF),
    IP6(RECVFRAGSIZE),
    IP6(FREEBIND),
    TCP(NODELAY),
    TCP(MAXSEG),
    TCP(CORK),
    TCP(KEEPIDLE),
    TCP(KEEPINTVL),
    TCP(KEEPCNT),
    TCP(SYNCNT),
    TCP(LINGER2),
    TCP(DEFER_ACCEPT),
    TCP(WINDOW_CLAMP),
    TCP(INFO),
    TCP(QUICKACK),
    TCP(CONGESTION),
    TCP(MD5SIG),
    TCP(THIN_LINEAR_TIMEOUTS),
    TCP(THIN_DUPACK),
    TCP(USER_TIMEOUT),
    TCP(REPAIR),
    TCP(FASTOPEN),
    TCP(TIMESTAMP),
    TCP(NOTSENT_LOWAT),
    TCP(CC_INFO),
    TCP(SAVE_SYN),
    TCP(SAVED_SYN),
    TCP(FASTOPEN_CONNECT),
    TCP(ULP),
    TCP(MD5SIG_EXT),
    TCP(FASTOPEN_KEY),
    TCP(FASTOPEN_NO_COOKIE),
    TCP(ZEROCOPY_RECEIVE),
    TCP(INQ),
    TCP(TX_DELAY),
    UDP(CORK),
    UDP(ENCAP),
    UDP(NO_CHECK6_TX),
    UDP(NO_CHECK6_RX),
    UDP(SEGMENT),
    UDP(GRO),
};
const int option_count = COUNT(option_names);

const char *option_text(int level, int name)
{
    for (int i = 0; i < option_count; i++)
        if (option_names[i].level == level && option_names[i].name == name)
            return option_names[i].text;
    return NULL;
}

const char *level_text(int level)
{
    return level == HF_SOL_SOCKET    ? "SOCKET"
           : level == HF_SOL_IP      ? "IP"
           : level == HF_SOL_IPV6    ? "IPV6"
           : level == HF_SOL_TCP     ? "TCP"
           : level == HF_IPPROTO_UDP ? "UDP"
                                     : NULL;
}

struct exception {
    int level, name;
    const char *why;
};

static const char *find(const struct exception *list, size_t n, int level, int name)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].level == level && list[i].name == name)
            return list[i].why;
    return NULL;
}

/* Groups are told apart from their last option on; the ranges hold the whole of a subject. */
static const struct {
    int level, first, last;
    const char *why;
} skipped[] = {
    {HF_SOL_SOCKET, HF_SO_ATTACH_BPF, HF_SO_ATTACH_REUSEPORT_EBPF, "programs in the kernel"},
    {HF_SOL_IP, HF_IP_MULTICAST_IF, HF_IP_MULTICAST_LOOP, "one of both families in an IPv6 socket"},
    {HF_SOL_IP, HF_IP_TOS, HF_IP_TTL, "likewise"},
    {HF_SOL_IP, HF_IP_MTU_DISCOVER, HF_IP_MTU_DISCOVER, "likewise"},
    {HF_SOL_IP, HF_IP_ADD_MEMBERSHIP, HF_MCAST_LEAVE_SOURCE_GROUP + 1, "groups"},
    {HF_SOL_IP, HF_IP_PKTOPTIONS, HF_IP_PKTOPTIONS, "RFC 2292's like, for TCP"},
    {HF_SOL_IP, 64, 109, "netfilter"},
    {HF_SOL_IPV6, 64, 65, "netfilter"},
    {HF_SOL_IPV6, 11, 11, "flow labels"},
    {HF_SOL_IPV6, 32, 33, "flow labels"},
    {HF_SOL_IPV6, HF_IPV6_2292PKTOPTIONS, HF_IPV6_2292PKTOPTIONS, "RFC 2292, for TCP"},
    {HF_SOL_IPV6, HF_IPV6_ADD_MEMBERSHIP, HF_IPV6_DROP_MEMBERSHIP, "groups"},
    {HF_SOL_IPV6, HF_IPV6_JOIN_ANYCAST, HF_IPV6_LEAVE_ANYCAST, "groups"},
    {HF_SOL_IPV6, 42, 48, "groups; IPV6_2292 flow labels"},
    {HF_SOL_IPV6, 68, 69, "netfilter"},
    {HF_SOL_IPV6, 80, 109, "netfilter"},
    {HF_SOL_TCP, HF_TCP_ZEROCOPY_RECEIVE, HF_TCP_ZEROCOPY_RECEIVE, "maps pages"},
    {HF_SOL_TCP, HF_TCP_CC_INFO, HF_TCP_CC_INFO, "the algorithm's own"},
    {HF_SOL_TCP, 38, 109, "newer than the headers here"},
    {HF_SOL_IP, HF_IP_MTU, HF_IP_MTU, "what route is cached"},
    {HF_SOL_IP, HF_IP_IPSEC_POLICY, HF_IP_XFRM_POLICY, "IPsec"},
    {HF_SOL_IPV6, HF_IPV6_MULTICAST_IF, HF_IPV6_MULTICAST_LOOP, "children have their SYN's"},
    {HF_SOL_IPV6, HF_IPV6_MTU, HF_IPV6_MTU, "what route is cached"},
    {HF_SOL_IPV6, HF_IPV6_IPSEC_POLICY, HF_IPV6_XFRM_POLICY, "IPsec"},
    {HF_SOL_TCP, 20, 22, "CRIU's"},
    {HF_SOL_TCP, 29, 29, "CRIU's"},
    {HF_SOL_SOCKET, 77, 81, "devices' memory; a peer's process"},
    {HF_SOL_SOCKET, 84, 109, "newer than the headers here"},
};

const char *option_skipped(int level, int name)
{
    if (level == HF_IPPROTO_UDPLITE)
        level = HF_IPPROTO_UDP;
    for (size_t i = 0; i < COUNT(skipped); i++)
        if (skipped[i].level == level && name >= skipped[i].first && name <= skipped[i].last)
            return skipped[i].why;
    return NULL;
}

const char *option_hidden(int level, int name, bool is_stream)
{
    static const struct exception list[] = {
        {HF_SOL_SOCKET, HF_SO_COOKIE, "a number of the kernel's choice"},
        {HF_SOL_SOCKET, HF_SO_NETNS_COOKIE, "likewise"},
        {HF_SOL_SOCKET, HF_SO_INCOMING_CPU, "where a packet was handled"},
        {HF_SOL_SOCKET, HF_SO_MEMINFO, "counts the kernel's own memory"},
        {HF_SOL_TCP, HF_TCP_CONGESTION, "the algorithm's name"},
        {HF_SOL_TCP, HF_TCP_TIMESTAMP, "a clock"},
        {HF_SOL_IP, HF_IP_PROTOCOL, "a port, as a number"},
    };
    static const struct exception of_streams[] = {
        {HF_SOL_SOCKET, HF_SO_RCVBUF, "tuned as data flows"},
        {HF_SOL_SOCKET, HF_SO_SNDBUF, "tuned as data flows"},
        {HF_SOL_TCP, HF_TCP_WINDOW_CLAMP, "tuned with the receive buffer"},
        {HF_SOL_TCP, HF_TCP_MAXSEG, "what the path and the window make of it"},
    };
    const char *why = find(list, COUNT(list), level, name);

    return why || !is_stream ? why : find(of_streams, COUNT(of_streams), level, name);
}

const char *option_unset(int level, int name)
{
    static const struct exception list[] = {
        {HF_SOL_SOCKET, HF_SO_ATTACH_FILTER, "refused: docs/deviations.md, as all of these"},
        {HF_SOL_SOCKET, HF_SO_MAX_PACING_RATE, "pacing"},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMP_OLD, "the time of day is not the stack's"},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMPNS_OLD, "likewise"},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMPING_OLD, "likewise"},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMP_NEW, "likewise"},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMPNS_NEW, "likewise"},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMPING_NEW, "likewise"},
        {HF_SOL_SOCKET, HF_SO_TXTIME, "likewise"},
        {HF_SOL_SOCKET, HF_SO_RXQ_OVFL, "drops are counted for the stack"},
        {HF_SOL_SOCKET, HF_SO_ZEROCOPY, "no notifications"},
        {HF_SOL_SOCKET, HF_SO_BUSY_POLL, "root's on a device"},
        {HF_SOL_SOCKET, HF_SO_INCOMING_CPU, "there is one owner"},
        {HF_SOL_IP, HF_IP_OPTIONS, "no IP options are sent"},
        {HF_SOL_IP, HF_IP_MINTTL, "GTSM"},
        {HF_SOL_IPV6, HF_IPV6_MINHOPCOUNT, "GTSM"},
        {HF_SOL_IPV6, HF_IPV6_MTU, "a smaller MTU by hand"},
        {HF_SOL_IPV6, HF_IPV6_PKTINFO, "no source for all datagrams"},
        {HF_SOL_TCP, HF_TCP_NOTSENT_LOWAT, "what a closed socket has not sent"},
        {HF_SOL_IPV6, HF_IPV6_ADDRFORM, "an IPv6 socket stays one"},
        {HF_SOL_IPV6, HF_IPV6_UNICAST_HOPS, "shared with IP_TTL, likewise the next ones"},
        {HF_SOL_IPV6, HF_IPV6_TCLASS, "IP_TOS"},
        {HF_SOL_IPV6, HF_IPV6_MULTICAST_HOPS, "IP_MULTICAST_TTL"},
        {HF_SOL_IPV6, HF_IPV6_MULTICAST_LOOP, "IP_MULTICAST_LOOP"},
        {HF_SOL_IPV6, HF_IPV6_MULTICAST_IF, "IP_MULTICAST_IF"},
        {HF_SOL_IPV6, HF_IPV6_MTU_DISCOVER, "IP_MTU_DISCOVER"},
        {HF_SOL_TCP, HF_TCP_REPAIR, "CRIU's"},
        {HF_SOL_TCP, HF_TCP_DEFER_ACCEPT, "247 s are the most"},
        {HF_SOL_TCP, HF_TCP_MD5SIG, "RFC 2385"},
        {HF_SOL_TCP, HF_TCP_MD5SIG_EXT, "RFC 2385"},
        {HF_SOL_TCP, HF_TCP_FASTOPEN, "RFC 7413"},
        {HF_SOL_TCP, HF_TCP_FASTOPEN_CONNECT, "RFC 7413"},
        {HF_SOL_TCP, HF_TCP_FASTOPEN_NO_COOKIE, "RFC 7413"},
        {HF_SOL_TCP, HF_TCP_INQ, "no such message"},
        {HF_SOL_TCP, HF_TCP_ULP, "kernel TLS"},
        {HF_SOL_TCP, HF_TCP_TX_DELAY, "a test's delay"},
        {HF_SOL_TCP, HF_TCP_CONGESTION, "others than ours"},
        {HF_IPPROTO_UDP, HF_UDP_SEGMENT, "GSO"},
        {HF_IPPROTO_UDP, HF_UDP_GRO, "GRO"},
        {HF_IPPROTO_UDP, HF_UDP_ENCAP, "IPsec"},
        {HF_IPPROTO_UDP, HF_UDP_NO_CHECK6_TX, "RFC 6935"},
        {HF_IPPROTO_UDP, HF_UDP_NO_CHECK6_RX, "RFC 6935"},
    };

    return find(list, COUNT(list), level == HF_IPPROTO_UDPLITE ? HF_IPPROTO_UDP : level, name);
}
