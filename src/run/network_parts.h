/* What the parts of the network share. */
#ifndef RUN_NETWORK_PARTS_H
#define RUN_NETWORK_PARTS_H

#include "gateway/resolv.h"
#include "handfast/links.h"
#include "host/loop.h"
#include "run/network.h"

struct whole_network {
    struct network network; /* what others see */
    struct loop *loop;
    struct loop_source source;
    struct hf_link *link; /* with its wrappers; attached */
    struct hf_link *wire; /* host: the gateway's end */
    struct gateway *gateway;
    struct resolvers resolvers;
    const char *resolver_texts[RESOLVERS];
    struct hf_link *device; /* tap, tun: below the wrappers */
    struct loop_fd device_fd;
};

/* network.c. What can fail returns 0 or -errno, and has then said why. */

/* Says why: for network_new's caller. Returns err. */
__attribute__((format(printf, 2, 3))) int network_complain(int err, const char *format, ...);
/* Puts the wrappers on link and attaches it all. Takes link. */
HF_NODISCARD int network_attach(struct whole_network *n, const struct hf_link_spec *spec,
                                struct hf_link *link);
HF_NODISCARD int network_add_address(struct whole_network *n, const char *prefix);
HF_NODISCARD int network_add_default_route(struct whole_network *n, const char *via);

/* network_host.c, network_device.c */
HF_NODISCARD int network_begin_host(struct whole_network *n, const struct hf_link_spec *spec,
                                    const struct network_config *config);
HF_NODISCARD int network_begin_device(struct whole_network *n, const struct hf_link_spec *spec);

#endif
