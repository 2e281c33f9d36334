/* lwIP's raw API on its loopback interface, driven by polling. */
#ifndef BENCH_LWIP_RIG_H
#define BENCH_LWIP_RIG_H

#include <stdbool.h>

#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/sys.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"

#include "measure.h"

#define DOOR 900

struct pair {
    struct tcp_pcb *client, *server;
};

struct rig {
    ip_addr_t here;
    uint8_t type;             /* IPADDR_TYPE_* */
    struct tcp_pcb *accepted; /* the latest */
    bool is_connected;        /* the latest */
};

void rig_init(struct rig *r, const struct args *args);
/* What is queued on loopback arrives, and timers that are due run. */
void rig_settle(void);
struct tcp_pcb *rig_listen(struct rig *r, uint16_t port);
struct pair rig_join(struct rig *r, uint16_t port);
void rig_reset(struct pair p); /* by RST */
void must(err_t err, const char *what);

void lwip_cycle(const struct args *args);     /* number: pairs held */
void lwip_cycle_fin(const struct args *args); /* all to one address: it has no more */
void lwip_latency(const struct args *args);
void lwip_memory(const struct args *args); /* number: pairs */
void lwip_rr(const struct args *args);
void lwip_bulk(const struct args *args);
void lwip_udp(const struct args *args);

#endif
