#include "gateway/tcp_flow.h"

#include <stdlib.h>
#include <unistd.h>

int tcp_flow_watch(struct tcp_flow *flow, uint32_t events)
{
    int err;

    if (flow->is_watched) {
        loop_change(flow->g->config.loop, &flow->host, events);
        return 0;
    }
    flow->host.events = events;
    err = loop_add(flow->g->config.loop, &flow->host);
    flow->is_watched = !err;
    return err;
}

void tcp_flow_unwatch(struct tcp_flow *flow)
{
    if (flow->is_watched)
        loop_remove(flow->g->config.loop, &flow->host);
    flow->is_watched = false;
}

void tcp_flow_free(struct tcp_flow *flow)
{
    if (flow->is_watched)
        loop_forget(flow->g->config.loop, &flow->host);
    if (flow->host.fd >= 0)
        close(flow->host.fd);
    hf_sock_close(flow->sk);
    ring_leave(&flow->notice.link);
    ring_leave(&flow->link);
    due_cancel(&flow->due);
    free(flow);
}

void tcp_flow_reset(struct tcp_flow *flow)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (flow->host.fd >= 0)
        setsockopt(flow->host.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (flow->sk &&
        hf_sock_setsockopt(flow->sk, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0)
        gateway_log(flow->g, "tcp: a connection could not be reset and is closed");
    tcp_flow_free(flow);
}
