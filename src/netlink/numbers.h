/* Linux's numbers of AF_NETLINK (uapi/linux/netlink.h, rtnetlink.h, if_link.h, sock_diag.h and
 * theirs). A unit test holds them to the host's own. */
#ifndef NETLINK_NUMBERS_H
#define NETLINK_NUMBERS_H

enum { NL_ROUTE = 0, NL_SOCK_DIAG = 4, NL_PROTOCOLS = 32 };

/* messages of all protocols */
enum { NL_NOOP = 1, NL_ERROR = 2, NL_DONE = 3, NL_FIRST_TYPE = 16 };

enum {
    NL_F_REQUEST = 0x1,
    NL_F_MULTI = 0x2,
    NL_F_ACK = 0x4,
    NL_F_DUMP_FILTERED = 0x20,
    NL_F_DUMP = 0x300, /* NLM_F_ROOT | NLM_F_MATCH */
    NL_F_CAPPED = 0x100,
    NL_F_ACK_TLVS = 0x200,
};

/* attributes of an extended acknowledgement, and of all messages */
enum { NL_ACK_MSG = 1, NL_ACK_OFFS = 2, NL_ATTR_NESTED = 0x8000, NL_ATTR_TYPE = 0x3fff };

/* SOL_NETLINK options */
enum {
    NL_ADD_MEMBERSHIP = 1,
    NL_DROP_MEMBERSHIP = 2,
    NL_PKTINFO = 3,
    NL_BROADCAST_ERROR = 4,
    NL_NO_ENOBUFS = 5,
    NL_LISTEN_ALL_NSID = 8,
    NL_LIST_MEMBERSHIPS = 9,
    NL_CAP_ACK = 10,
    NL_EXT_ACK = 11,
    NL_GET_STRICT_CHK = 12,
};

/* NETLINK_ROUTE */
enum {
    RT_NEWLINK = 16,
    RT_GETLINK = 18,
    RT_NEWADDR = 20,
    RT_GETADDR = 22,
    RT_NEWROUTE = 24,
    RT_GETROUTE = 26,
    RT_NEWNEIGH = 28,
    RT_GETNEIGH = 30,
    RT_NEWRULE = 32,
    RT_GETRULE = 34,
    RT_LAST = 123, /* the highest that Linux 6.18 knows */
    RT_KIND_MASK = 3,
    RT_KIND_GET = 2,
    RT_GROUP_LAST = 39,
};

/* families beside those of handfast/linux.h */
enum { NL_AF_BRIDGE = 7, NL_AF_PACKET = 17 };

enum {
    IFLA_ADDRESS_ = 1,
    IFLA_BROADCAST_ = 2,
    IFLA_IFNAME_ = 3,
    IFLA_MTU_ = 4,
    IFLA_QDISC_ = 6,
    IFLA_MASTER_ = 10,
    IFLA_TXQLEN_ = 13,
    IFLA_OPERSTATE_ = 16,
    IFLA_LINKMODE_ = 17,
    IFLA_LINKINFO_ = 18,
    IFLA_GROUP_ = 27,
    IFLA_EXT_MASK_ = 29,
    IFLA_PROMISCUITY_ = 30,
    IFLA_NUM_TX_QUEUES_ = 31,
    IFLA_NUM_RX_QUEUES_ = 32,
    IFLA_CARRIER_ = 33,
    IFLA_CARRIER_CHANGES_ = 35,
    IFLA_PROTO_DOWN_ = 39,
    IFLA_TARGET_NETNSID_ = 46,
    IFLA_MIN_MTU_ = 50,
    IFLA_MAX_MTU_ = 51,
    IFLA_ALT_IFNAME_ = 53,
};

enum {
    IFA_ADDRESS_ = 1,
    IFA_LOCAL_ = 2,
    IFA_LABEL_ = 3,
    IFA_BROADCAST_ = 4,
    IFA_CACHEINFO_ = 6,
    IFA_FLAGS_ = 8,
    IFA_TARGET_NETNSID_ = 10,
    IFA_F_PERMANENT_ = 0x80,
};

enum {
    RTA_DST_ = 1,
    RTA_SRC_ = 2,
    RTA_OIF_ = 4,
    RTA_GATEWAY_ = 5,
    RTA_PRIORITY_ = 6,
    RTA_PREFSRC_ = 7,
    RTA_CACHEINFO_ = 12,
    RTA_TABLE_ = 15,
    RTA_PREF_ = 20,
    RTA_UID_ = 25,
};

enum {
    RTN_UNICAST_ = 1,
    RTN_LOCAL_ = 2,
    RTN_BROADCAST_ = 3,
    RTN_MULTICAST_ = 5,
    RTN_BLACKHOLE_ = 6,
    RTN_UNREACHABLE_ = 7,
    RTN_PROHIBIT_ = 8,
    RT_PROTOCOL_KERNEL = 2,
    RT_PROTOCOL_BOOT = 3,
    RT_SCOPE_UNIVERSE_ = 0,
    RT_SCOPE_LINK_ = 253,
    RT_SCOPE_HOST_ = 254,
    RT_TABLE_DEFAULT_ = 253,
    RT_TABLE_MAIN_ = 254,
    RT_TABLE_LOCAL_ = 255,
    RTM_F_CLONED_ = 0x200,
    RTM_F_FIB_MATCH_ = 0x2000,
};
#define RTCF_LOCAL_ 0x80000000u

enum { NDA_DST_ = 1, NDA_LLADDR_ = 2, NDA_CACHEINFO_ = 3, NDA_PROBES_ = 4 };
enum { NDA_IFINDEX_ = 8, NDA_MASTER_ = 9 };
enum {
    NUD_INCOMPLETE_ = 0x1,
    NUD_REACHABLE_ = 0x2,
    NUD_STALE_ = 0x4,
    NUD_DELAY_ = 0x8,
    NUD_PROBE_ = 0x10,
};

enum {
    FRA_PRIORITY_ = 6,
    FRA_SUPPRESS_PREFIXLEN_ = 14,
    FRA_TABLE_ = 15,
    FRA_PROTOCOL_ = 21,
    FR_ACT_TO_TBL_ = 1,
};

/* NETLINK_SOCK_DIAG */
enum {
    DIAG_BY_FAMILY = 20,
    DIAG_MEMINFO = 1,
    DIAG_INFO = 2,
    DIAG_CONG = 4,
    DIAG_SHUTDOWN = 8,
    DIAG_SKV6ONLY = 11,
};

#endif
