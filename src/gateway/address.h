/* Socket addresses of the host, which are the stack's too: both use Linux's. */
#ifndef GATEWAY_ADDRESS_H
#define GATEWAY_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

union address {
    struct sockaddr sa;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

#define ADDRESS_TEXT 64

/* A numeric address, with %interface where it is link-local; false when it is none. */
bool address_parse(const char *text, uint16_t port, union address *out);
/* A literal of ours, that cannot be wrong. */
union address address_of(const char *text, uint16_t port);
socklen_t address_len(const union address *a);
uint16_t address_port(const union address *a);
void address_set_port(union address *a, uint16_t port);
bool address_same_host(const union address *a, const union address *b);
bool address_eq(const union address *a, const union address *b);
uint64_t address_hash(const union address *a, uint64_t seed);
/* "10.0.2.15:80", "[fd00:2::15]:80"; returns buf. */
char *address_text(const union address *a, char buf[ADDRESS_TEXT]);

/* 127/8, ::1, and what the host takes for them: 0/8, ::, and IPv4 in an IPv6 address of any kind
 * that is not a prefix of its own (::ffff:0:0/96, ::/96). */
bool address_is_loopback(const union address *a);
/* Broadcast or multicast. */
bool address_is_group(const union address *a);

#endif
