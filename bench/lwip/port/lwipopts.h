/* lwIP as it does best at what the bench asks of it: large segments and windows, pools rather than
 * a heap, no checksums on loopback (neither have we there). LWIP_DEFAULTS: with its own sizes and
 * checksums instead, to be shown beside. */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_IPV6            1
#define LWIP_IPV6_MLD        0
#define IPV6_FRAG_COPYHEADER 1 /* pointers have 64 bits */
#define LWIP_ARP             0
#define LWIP_HAVE_LOOPIF     1
#define LWIP_NETIF_LOOPBACK  1
#define LWIP_STATS           0
#define MEM_LIBC_MALLOC      1
#define MEM_ALIGNMENT        8

#define MEMP_NUM_TCP_PCB        40000
#define MEMP_NUM_TCP_PCB_LISTEN 128
#define MEMP_NUM_TCP_SEG        4096
#define MEMP_NUM_PBUF           4096
#define MEMP_NUM_UDP_PCB        16
#define PBUF_POOL_SIZE          64

#ifndef LWIP_DEFAULTS
#define TCP_MSS          32768
#define LWIP_WND_SCALE   1
#define TCP_RCV_SCALE    5
#define TCP_WND          (1024 * 1024)
#define TCP_SND_BUF      (1024 * 1024)
#define TCP_SND_QUEUELEN 512
/* They hold for segments of 16383 bytes and for reception into pools; this is loopback. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#define CHECKSUM_GEN_IP    0
#define CHECKSUM_GEN_UDP   0
#define CHECKSUM_GEN_TCP   0
#define CHECKSUM_CHECK_IP  0
#define CHECKSUM_CHECK_UDP 0
#define CHECKSUM_CHECK_TCP 0
#define PBUF_POOL_BUFSIZE  1536
#endif

#endif
