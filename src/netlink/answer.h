/* Messages to a netlink socket, and the datagrams that carry them: parts. What answers one request
 * is made whole before the first of it is received: a dump tells of one moment. */
#ifndef NETLINK_ANSWER_H
#define NETLINK_ANSWER_H

#include "base/core.h"
#include "base/list.h"
#include "netlink/request.h"

/* Of a datagram. Linux's NLMSG_GOODSIZE: who has read a page has read all of it (glibc counts on
 * it). */
#define PART_BYTES    3776
#define MESSAGE_BYTES 2048

struct part {
    struct list link;
    uint32_t room, len;
    uint32_t from; /* port id of who sent it; 0: the kernel's part */
    uint8_t bytes[];
};

struct answer {
    struct core *core;
    const struct request *rq;
    uint32_t port;         /* of who asked */
    struct list parts;     /* struct part */
    bool is_dump;          /* each message is one of many */
    bool is_filtered;      /* only what the request names */
    bool is_short;         /* memory ran out, or a message was too long: it is not whole */
    const char *complaint; /* what is wrong with the request, in words; NULL: the number says it */
    const uint8_t *where;  /* and at which attribute; NULL: none in particular */
    uint32_t len;          /* of the message that is being made */
    uint8_t bytes[MESSAGE_BYTES];
};

void answer_init(struct answer *a, struct core *core, const struct request *rq, uint32_t port);
/* Lets go of what was made. */
void answer_fini(struct answer *a);

/* A message of that type: room for its header of `bytes`, zeroed. */
void *answer_begin(struct answer *a, uint16_t type, uint32_t bytes);
void answer_attr(struct answer *a, uint16_t type, const void *value, uint32_t len);
void answer_u8(struct answer *a, uint16_t type, uint8_t value);
void answer_u32(struct answer *a, uint16_t type, uint32_t value);
void answer_text(struct answer *a, uint16_t type, const char *text);
void answer_end(struct answer *a);

/* How the request ended: NLMSG_ERROR (error 0: an acknowledgement) or, of a dump, NLMSG_DONE.
 * says_why, is_capped: as NETLINK_EXT_ACK and NETLINK_CAP_ACK ask. */
void answer_result(struct answer *a, int error, bool says_why, bool is_capped);

/* -HF_EINVAL, with words for who asks for them. */
int answer_refuse(struct answer *a, const char *complaint);
int answer_refuse_at(struct answer *a, const char *complaint, const uint8_t *where);

/* An empty part, in no list; NULL without memory. */
struct part *part_new(struct core *core, uint32_t room);
/* p is in no list. */
void part_free(struct core *core, struct part *p);

#endif
