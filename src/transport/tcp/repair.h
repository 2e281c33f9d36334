/* What a connection knows of its losses, in both directions. It exists only while there is
 * something to repair; without memory for it TCP falls back to NewReno and to saying nothing of
 * gaps.
 *
 * Sending: the scoreboard. What is out, from snd_una to snd_max, is a row of runs without gaps; the
 * bytes of a run were sent at one time and have one fate. RFC 6675's pipe follows from three sums.
 */
#ifndef TRANSPORT_TCP_REPAIR_H
#define TRANSPORT_TCP_REPAIR_H

#include "transport/tcp/flow.h"

enum {
    RUN_SACKED = 1,   /* the peer has it */
    RUN_LOST = 2,     /* believed lost, counted in `lost` */
    RUN_REPEATED = 4, /* its newest transmission is a repeat and still out, counted in `repeated` */
    RUN_EVER = 8,     /* was repeated at some time: Karn */
};

struct run {
    uint32_t end;     /* it begins where the one before ends */
    uint32_t sent_us; /* its newest transmission, tcp_us() clock */
    uint32_t order;   /* which sweep through the sequence that was: time alone does not tell */
    uint8_t flags;
};

enum repair_phase {
    REPAIR_OPEN,     /* nothing is known to be lost */
    REPAIR_RECOVERY, /* fast recovery: RACK found losses, PRR says how much goes out */
    REPAIR_LOSS,     /* after a timeout: slow start through what is missing */
};

struct repair {
    /* Receiving: blocks beyond the gap, the newest first. RFC 2018 4 */
    struct sack_block got[4];
    uint8_t got_count;

    /* Sending, while runs is not NULL. */
    uint8_t phase; /* enum repair_phase */
    bool tlp_out;  /* a tail loss probe is unanswered; tlp_end: snd_max then */
    bool tlp_repeats;
    struct run *runs;
    uint32_t count, room;            /* of runs */
    uint32_t begin;                  /* of the first run */
    uint32_t sacked, lost, repeated; /* bytes in runs with these flags */
    uint32_t fack;                   /* end of the highest run that was delivered */
    uint32_t order, order_end;       /* the present sweep, and how far it has come */
    uint32_t rack_order, rack_end;   /* the newest transmission that was delivered, RFC 8985 */
    uint32_t rack_rtt_us;            /* and how long it took */
    uint32_t prr_delivered, prr_out; /* RFC 6937 */
    uint32_t undo_bytes;             /* repeated, and not reported as duplicates so far */
    uint32_t tlp_end, tlp_ts;
    uint32_t dsack_round; /* snd_max when a D-SACK last widened the reordering window */
    uint32_t keep_until;  /* the scoreboard waits for late D-SACKs up to here */
};

/* What one acknowledgement told. */
struct tally {
    uint32_t delivered;   /* bytes that were not known to be there */
    uint32_t dsack_bytes; /* bytes that came twice */
    bool is_original;     /* among them some believed lost, and never repeated */
    bool is_news;         /* bytes were delivered by SACK */
    uint32_t late;        /* how far behind the highest the first that came late stands; 0: none */
};

/* The scoreboard, when there is one. */
static inline struct repair *board_of(const struct tcb *tcb)
{
    return repair_of(tcb) && repair_of(tcb)->runs ? repair_of(tcb) : NULL;
}

/* RFC 6675 4: what is believed to be in the network, of the bytes that are out. */
static inline uint32_t board_pipe(const struct tcb *tcb, const struct repair *r)
{
    return tcb_flight(tcb) - r->sacked - r->lost + r->repeated;
}

static inline uint32_t board_begin_of(const struct repair *r, uint32_t i)
{
    return i ? r->runs[i - 1].end : r->begin;
}

static inline bool run_is_missing(const struct run *run)
{
    return (run->flags & (RUN_LOST | RUN_REPEATED | RUN_SACKED)) == RUN_LOST;
}

/* scoreboard.c */
/* The scoreboard of what is out now, new or as it stands; NULL without memory, or while NewReno is
 * at work. */
struct repair *board_open(struct tcb *tcb);
void board_close(struct tcb *tcb);
/* snd_una has moved. */
void board_ack(struct tcb *tcb, struct tally *t, const struct segment *s);
/* The peer has left to right, within what is out. */
void board_sack(struct tcb *tcb, const struct sack_block *b, struct tally *t,
                const struct segment *s);
/* The cumulative part of an acknowledgement, or all of its blocks, has been taken: what came late
 * is one event, however many pieces. */
void board_note_reordering(struct tcb *tcb, struct tally *t);
/* seq to end goes out: for the first time when seq is snd_max, or again. False when there is no
 * room to note the repeat. */
bool board_sent(struct tcb *tcb, uint32_t seq, uint32_t end);
void board_lose(struct repair *r, uint32_t i);
/* All but what the peer has: nothing of it is lost after all. */
void board_find_all(struct repair *r);
/* The first run that is to be sent again: its place, or r->count. */
uint32_t board_missing(const struct repair *r);

/* rack.c */
/* The run, up to end, was delivered. RFC 8985 6.2, steps 1 to 3 */
void rack_delivered(struct tcb *tcb, const struct run *run, uint32_t end, const struct segment *s);
/* Marks what must be lost by now, and arms the timer for what may be soon. RFC 8985 6.2, step 5 */
void rack_detect(struct tcb *tcb);
/* A D-SACK: one of our repeats was for nothing. RFC 8985 6.2, step 4 */
void rack_widen(struct tcb *tcb);
void tlp_answered(struct tcb *tcb, const struct segment *s, uint32_t bytes, const struct tally *t);

/* sack.c */
/* Reads what s says beyond its acknowledgement. */
void sack_take(struct tcb *tcb, const struct segment *s, struct tally *t);
/* Frees it when neither direction needs it. */
void repair_settle(struct tcb *tcb);
struct repair *repair_new(struct tcb *tcb);

#endif
