/* What the rows of lwIP's side share. */
#include "rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

u32_t sys_now(void)
{
    return (u32_t)(now_ns() / 1000000);
}

void must(err_t err, const char *what)
{
    if (err == ERR_OK)
        return;
    errno = 0;
    die(what);
}

void rig_init(struct rig *r, const struct args *args)
{
    memset(r, 0, sizeof(*r));
    lwip_init();
    r->type = args->family == AF_INET6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4;
    if (r->type == IPADDR_TYPE_V6)
        IP_ADDR6_HOST(&r->here, 0, 0, 0, 1);
    else
        IP_ADDR4(&r->here, 127, 0, 0, 1);
}

void rig_settle(void)
{
    netif_poll_all();
    sys_check_timeouts();
}

/* The other side's RST: the block is gone already. */
static void reset_by_peer(void *arg, err_t err) {}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct rig *r = arg;

    r->accepted = pcb;
    tcp_err(pcb, reset_by_peer);
    return ERR_OK;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct rig *r = arg;

    r->is_connected = true;
    return ERR_OK;
}

struct tcp_pcb *rig_listen(struct rig *r, uint16_t port)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(r->type);

    must(tcp_bind(pcb, &r->here, port), "bind");
    pcb = tcp_listen(pcb);
    if (!pcb)
        die("listen");
    tcp_arg(pcb, r);
    tcp_accept(pcb, accepted);
    return pcb;
}

struct pair rig_join(struct rig *r, uint16_t port)
{
    struct pair p = {.client = tcp_new_ip_type(r->type)};

    if (!p.client)
        die("a connection's block");
    r->accepted = NULL;
    r->is_connected = false;
    tcp_arg(p.client, r);
    must(tcp_connect(p.client, &r->here, port, connected), "connect");
    while (!r->accepted || !r->is_connected)
        rig_settle();
    p.server = r->accepted;
    return p;
}

void rig_reset(struct pair p)
{
    tcp_abort(p.client);
    rig_settle();
}
