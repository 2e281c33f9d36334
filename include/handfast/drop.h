/* Why a stack dropped something. Each reason is a counter a user can read: nothing goes in silence.
 */
#ifndef HANDFAST_DROP_H
#define HANDFAST_DROP_H

/* X(NAME, "what a user reads") */
#define HF_DROPS(X)                                                           \
    X(NO_MEMORY, "out of memory")                                             \
    X(NO_LINK, "no link or link down")                                        \
    X(TOO_BIG, "larger than the path takes and not to be fragmented")         \
    X(ETH_SHORT, "truncated Ethernet frame")                                  \
    X(ETH_NOT_OURS, "Ethernet destination is another host's")                 \
    X(ETH_TYPE, "EtherType that is not IP or ARP")                            \
    X(ARP_BAD, "malformed ARP")                                               \
    X(NDP_BAD, "malformed or off-link neighbour discovery")                   \
    X(NEIGH_QUEUE, "queue for an unresolved neighbour overflowed")            \
    X(NEIGH_FAILED, "neighbour did not answer")                               \
    X(IP_SHORT, "truncated IP packet")                                        \
    X(IP_VERSION, "IP version that is neither 4 nor 6")                       \
    X(IP_HEADER, "malformed IP header")                                       \
    X(IP_CSUM, "IPv4 header checksum wrong")                                  \
    X(IP_OPTION, "IP option or extension header that we refuse")              \
    X(IP_MARTIAN_SRC, "source address that cannot be")                        \
    X(IP_MARTIAN_DST, "destination address that cannot be")                   \
    X(IP_NOT_LOCAL, "destination is not this host")                           \
    X(IP_PROTO, "no such protocol here")                                      \
    X(IP_NO_ROUTE, "no route for an outgoing packet")                         \
    X(FRAG_BAD, "malformed or overlapping fragment")                          \
    X(FRAG_LIMIT, "reassembly limit reached")                                 \
    X(FRAG_TIMEOUT, "reassembly timed out")                                   \
    X(ICMP_BAD, "malformed ICMP")                                             \
    X(ICMP_UNMATCHED, "ICMP error that matches no socket")                    \
    X(ICMP_RATE, "ICMP answer withheld by the rate limit")                    \
    X(ICMP_TYPE, "ICMP type we do not act on")                                \
    X(ERR_QUEUE, "a socket's error queue is full")                            \
    X(UDP_BAD, "malformed UDP")                                               \
    X(UDP_CSUM, "UDP checksum wrong or missing")                              \
    X(UDP_NO_PORT, "no UDP socket at that port")                              \
    X(UDP_FOREIGN, "datagram from other than the connected peer")             \
    X(UDP_RCVBUF, "UDP receive buffer full")                                  \
    X(TCP_BAD, "malformed TCP segment")                                       \
    X(TCP_CSUM, "TCP checksum wrong")                                         \
    X(TCP_NO_SOCKET, "TCP segment for no socket")                             \
    X(TCP_NOT_UNICAST, "TCP segment to or from a broadcast or group address") \
    X(TCP_BAD_ACK, "TCP acknowledgement outside what was sent")               \
    X(TCP_OLD, "TCP segment wholly before the window")                        \
    X(TCP_WINDOW, "TCP segment beyond the window")                            \
    X(TCP_DUPLICATE, "TCP bytes we already have")                             \
    X(TCP_PAWS, "TCP timestamp older than the last (PAWS)")                   \
    X(TCP_RST_INEXACT, "TCP reset in window but not exact (RFC 5961)")        \
    X(TCP_SYN_IN_WINDOW, "TCP SYN on an open connection (RFC 5961)")          \
    X(TCP_BACKLOG, "accept queue full")                                       \
    X(TCP_SYN_QUEUE, "SYN queue full")                                        \
    X(TCP_RCVBUF, "TCP receive memory full")                                  \
    X(TCP_MEMORY, "memory of all TCP queues full")                            \
    X(TCP_CLOSED, "TCP data after the program closed")                        \
    X(TCP_NO_FLAGS, "TCP segment without ACK, SYN or RST")                    \
    X(UDP_FILTER, "datagram that the socket's filter refused")                \
    X(TCP_TTL, "TCP segment from farther than IP_MINTTL says")                \
    X(TCP_TIME_WAITS, "TIME-WAIT left out: too many wait")                    \
    X(LINK_WRAPPER, "dropped by a link wrapper, as asked")                    \
    X(LINK_QUEUE, "link queue full")

enum hf_drop {
#define X(name, text) HF_DROP_##name,
    HF_DROPS(X)
#undef X
        HF_DROP_COUNT
};

/* The text above; reason must be below HF_DROP_COUNT. */
const char *hf_drop_text(enum hf_drop reason);

/* The reason's name in lower case, e.g. "tcp_backlog". */
const char *hf_drop_name(enum hf_drop reason);

#endif
