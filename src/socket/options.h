/* The options of the socket layer itself; those of TCP and IP live in the transport's block. */
#ifndef SOCKET_OPTIONS_H
#define SOCKET_OPTIONS_H

#include "handfast/types.h"

struct sock_options {
    hf_time rcvtimeo, sndtimeo; /* 0: none */
    uint32_t linger_s;
    uint8_t linger_on : 1;
    /* Ancillary data wanted with each datagram. */
    uint8_t recv_pktinfo : 1, recv_ttl : 1, recv_tos : 1, recv_origdst : 1;
    uint8_t recv_pktinfo6 : 1, recv_hoplimit : 1, recv_tclass : 1;
};

void sock_options_init(struct sock_options *o);

#endif
