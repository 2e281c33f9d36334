/* Timelines: a page tells what a program calls and what crosses the wire, in virtual time. One
 * stack of ours is the host; the page plays its peer, segment by segment. README.md tells the
 * notation. */
#ifndef TESTS_SCRIPT_SCRIPT_H
#define TESTS_SCRIPT_SCRIPT_H

#include <setjmp.h>

#include "handfast/socket.h"

#include "testenv.h"

#define LINE_MAX_BYTES 512
#define WORDS_MAX      48

/* ---- packet.c: bytes and values ---- */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };

enum option { OPT_MSS, OPT_WS, OPT_SACKOK, OPT_SACK, OPT_TS, OPT_TFO, OPT_COUNT };

#define SACKS_MAX  4
#define COOKIE_MAX 18
#define RAW_MAX    40

struct packet {
    struct packet *next;
    uint8_t proto, ecn; /* ecn: the two bits of the IP header */
    uint16_t from, to;  /* ports */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window, urgent;
    unsigned options; /* bits by enum option */
    uint16_t mss;
    uint8_t shift;
    uint32_t ts_val, ts_ecr;
    unsigned sacks;
    uint32_t sack[SACKS_MAX][2];
    unsigned cookie_len;
    uint8_t cookie[COOKIE_MAX];
    unsigned raw_len; /* of the peer's: options as bytes, behind the others */
    uint8_t raw[RAW_MAX];
    bool has_bad_sum; /* of the peer's */
    uint32_t len;     /* of the payload */
    uint8_t payload[65536];
};

struct icmp {
    uint8_t type, code;
    uint32_t info; /* the MTU of too-big, a pointer */
    uint16_t from, to;
    uint32_t seq; /* of the segment that it quotes */
};

/* The IP packet at `bytes`; NULL when all is well, else what is wrong with it. */
const char *packet_read(const uint8_t *bytes, uint32_t len, bool v6, struct packet *p);
/* The IP packet from the peer to the host; returns how many bytes it has. */
uint32_t packet_write(const struct packet *p, bool v6, uint8_t *to);
uint32_t icmp_write(const struct icmp *e, bool v6, uint8_t *to);

/* ---- world.c: a case's host and what it sends ---- */

/* A pair of ports with the numbers of both ends. What pages call 0 is iss or peer_iss. */
struct flow {
    char name[16];
    uint16_t ours, theirs; /* ports; ours is 0 until the host has told it */
    uint32_t iss, peer_iss;
    bool is_known;                 /* iss */
    uint32_t next, una, peer_next; /* counted from iss, iss and peer_iss */
    uint16_t window;               /* that the peer says */
    bool host_ts, peer_ts;         /* whose SYN has timestamps; both: all segments have them */
    uint32_t ts_recent;            /* the host's last */
    unsigned cookie_len;
    uint8_t cookie[COOKIE_MAX];
};

struct endpoint {
    char name[16];
    struct hf_sock *sk;
    uint32_t written, read; /* bytes, for what they must be */
};

#define FLOWS_MAX   16
#define SOCKETS_MAX 16

struct world {
    bool v6;
    struct testenv memory;
    struct hf_env env;
    struct hf_frame_pool *pool;
    struct hf_stack *stack;
    struct hf_link link;
    hf_time now;
    hf_time slack; /* 0: time is virtual. Else the kernel is the host, and may be so late */
    struct packet *first, *last; /* that the host has sent and no line has told yet */
    struct flow flows[FLOWS_MAX], *flow;
    unsigned flow_count;
    struct endpoint sockets[SOCKETS_MAX], *socket;
    unsigned socket_count;
    const char *broken; /* what is wrong with a packet that the host sent; NULL: nothing */
    jmp_buf out;        /* a line has failed */
};

void world_begin(struct world *w, bool v6);
/* True when the host has given all its memory back. */
bool world_end(struct world *w);
/* The host has sent an IP packet. */
void world_sent(struct world *w, const uint8_t *bytes, uint32_t len);
/* Takes what the host sent first; NULL when there is nothing. */
struct packet *world_take(struct world *w);
/* The addresses of host and peer, as a sockaddr; returns its length. */
uint32_t world_address(const struct world *w, uint16_t port, void *to);

/* The byte at place n of a stream, whoever sends it. */
static inline uint8_t stream_byte(uint32_t n)
{
    return (uint8_t)(n * 7 + (n >> 8) * 13 + 1);
}

/* ---- page.c ---- */

/* A line cut in words. */
struct words {
    int n;
    char *at[WORDS_MAX];
    char text[LINE_MAX_BYTES];
};

/* Says what was expected and what came instead, and ends the case. */
_Noreturn void fail(struct world *w, const char *expected, const char *got);
/* For a page that is wrong itself. */
_Noreturn void refuse(struct world *w, const char *why, const char *word);

enum { FAILED = 1, NOT_OURS /* a case of the other family */ }; /* of world.out */

/* ---- stack.c, or kernel/: the host, its wire and its clock ---- */

/* All pages take less. */
extern const unsigned host_seconds;

void host_begin(struct world *w);
/* True when it has given all its memory back. */
bool host_end(struct world *w);
/* Does all that is due now. */
void world_settle(struct world *w);
/* Lets time pass until the host has sent something, at most so long. */
void world_pass(struct world *w, hf_time most);
void world_input(struct world *w, const uint8_t *bytes, uint32_t len);

/* ---- line.c ---- */

long long number(struct world *w, const char *text);
hf_time duration(struct world *w, const char *text);

/* False when the line's verb is none of this file's. */
bool own_line(struct world *w, struct words *line);

/* ---- segment.c: `in` and `out` ---- */

void segment_in(struct world *w, struct words *line);
void segment_out(struct world *w, struct words *line);
/* Notes what the host sent without looking whether it is right. */
void segment_note(struct world *w, const struct packet *p);
void segment_text(const struct world *w, const struct packet *p, char *to, size_t room);

/* ---- call.c: what the program does ---- */

/* False when the line is no call. */
bool call(struct world *w, struct words *line);

#endif
