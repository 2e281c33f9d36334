/* The drop reasons in words. */
#include "handfast/drop.h"

#include <assert.h>

#include "base/assert.h"

static const char *const texts[] = {
#define X(name, text) text,
    HF_DROPS(X)
#undef X
};

/* The preprocessor cannot make lower case: a unit test holds these against the enum. */
static const char *const names[] = {
    [HF_DROP_NO_MEMORY] = "no_memory",
    [HF_DROP_NO_LINK] = "no_link",
    [HF_DROP_TOO_BIG] = "too_big",
    [HF_DROP_ETH_SHORT] = "eth_short",
    [HF_DROP_ETH_NOT_OURS] = "eth_not_ours",
    [HF_DROP_ETH_TYPE] = "eth_type",
    [HF_DROP_ARP_BAD] = "arp_bad",
    [HF_DROP_NDP_BAD] = "ndp_bad",
    [HF_DROP_NEIGH_QUEUE] = "neigh_queue",
    [HF_DROP_NEIGH_FAILED] = "neigh_failed",
    [HF_DROP_IP_SHORT] = "ip_short",
    [HF_DROP_IP_VERSION] = "ip_version",
    [HF_DROP_IP_HEADER] = "ip_header",
    [HF_DROP_IP_CSUM] = "ip_csum",
    [HF_DROP_IP_OPTION] = "ip_option",
    [HF_DROP_IP_MARTIAN_SRC] = "ip_martian_src",
    [HF_DROP_IP_MARTIAN_DST] = "ip_martian_dst",
    [HF_DROP_IP_NOT_LOCAL] = "ip_not_local",
    [HF_DROP_IP_PROTO] = "ip_proto",
    [HF_DROP_IP_NO_ROUTE] = "ip_no_route",
    [HF_DROP_FRAG_BAD] = "frag_bad",
    [HF_DROP_FRAG_LIMIT] = "frag_limit",
    [HF_DROP_FRAG_TIMEOUT] = "frag_timeout",
    [HF_DROP_ICMP_BAD] = "icmp_bad",
    [HF_DROP_ICMP_UNMATCHED] = "icmp_unmatched",
    [HF_DROP_ICMP_RATE] = "icmp_rate",
    [HF_DROP_ICMP_TYPE] = "icmp_type",
    [HF_DROP_ERR_QUEUE] = "err_queue",
    [HF_DROP_UDP_BAD] = "udp_bad",
    [HF_DROP_UDP_CSUM] = "udp_csum",
    [HF_DROP_UDP_NO_PORT] = "udp_no_port",
    [HF_DROP_UDP_FOREIGN] = "udp_foreign",
    [HF_DROP_UDP_RCVBUF] = "udp_rcvbuf",
    [HF_DROP_TCP_BAD] = "tcp_bad",
    [HF_DROP_TCP_CSUM] = "tcp_csum",
    [HF_DROP_TCP_NO_SOCKET] = "tcp_no_socket",
    [HF_DROP_TCP_NOT_UNICAST] = "tcp_not_unicast",
    [HF_DROP_TCP_BAD_ACK] = "tcp_bad_ack",
    [HF_DROP_TCP_OLD] = "tcp_old",
    [HF_DROP_TCP_WINDOW] = "tcp_window",
    [HF_DROP_TCP_DUPLICATE] = "tcp_duplicate",
    [HF_DROP_TCP_PAWS] = "tcp_paws",
    [HF_DROP_TCP_RST_INEXACT] = "tcp_rst_inexact",
    [HF_DROP_TCP_SYN_IN_WINDOW] = "tcp_syn_in_window",
    [HF_DROP_TCP_BACKLOG] = "tcp_backlog",
    [HF_DROP_TCP_SYN_QUEUE] = "tcp_syn_queue",
    [HF_DROP_TCP_RCVBUF] = "tcp_rcvbuf",
    [HF_DROP_TCP_MEMORY] = "tcp_memory",
    [HF_DROP_TCP_CLOSED] = "tcp_closed",
    [HF_DROP_TCP_NO_FLAGS] = "tcp_no_flags",
    [HF_DROP_UDP_FILTER] = "udp_filter",
    [HF_DROP_TCP_TTL] = "tcp_ttl",
    [HF_DROP_TCP_TIME_WAITS] = "tcp_time_waits",
    [HF_DROP_LINK_WRAPPER] = "link_wrapper",
    [HF_DROP_LINK_QUEUE] = "link_queue",
};

static_assert(HF_COUNT(texts) == HF_DROP_COUNT, "a text for each reason");
static_assert(HF_COUNT(names) == HF_DROP_COUNT, "a name for each reason");

const char *hf_drop_text(enum hf_drop reason)
{
    return texts[reason];
}

const char *hf_drop_name(enum hf_drop reason)
{
    return names[reason];
}
