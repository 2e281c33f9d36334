/* What is told of links and their addresses. */
#include "handfast/stack.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "handfast/errno.h"
#include "handfast/links.h"
#include "host/env.h"
#include "tap.h"

static struct hf_stack *stack;

static int ask(const char *name, unsigned long request, struct ifreq *q)
{
    memset(q, 0x55, sizeof(*q));
    memset(q->ifr_name, 0, sizeof(q->ifr_name));
    strcpy(q->ifr_name, name);
    return hf_stack_ifreq(stack, HF_AF_INET, request, (uint8_t *)q);
}

static const char *address(const struct ifreq *q)
{
    static char text[INET_ADDRSTRLEN];
    struct sockaddr_in in;

    memcpy(&in, &q->ifr_addr, sizeof(in));
    return inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text));
}

static void test_addresses(void)
{
    struct ifreq q;

    EQ(ask("pair0", HF_SIOCGIFADDR, &q), 0, "an address");
    OK(strcmp(address(&q), "10.1.2.3") == 0, "the first that was added");
    EQ(ask("pair0", HF_SIOCGIFNETMASK, &q), 0, "a mask");
    OK(strcmp(address(&q), "255.255.255.0") == 0, "of the prefix's length");
    EQ(ask("pair0", HF_SIOCGIFBRDADDR, &q), 0, "a broadcast address");
    OK(strcmp(address(&q), "10.1.2.255") == 0, "the prefix's last");
    EQ(ask("pair1", HF_SIOCGIFADDR, &q), -HF_EADDRNOTAVAIL, "a link with an IPv6 address alone");
    EQ(ask("pair2", HF_SIOCGIFADDR, &q), -HF_ENODEV, "no such link");
    EQ(ask("pair", HF_SIOCGIFADDR, &q), -HF_ENODEV, "a part of a name is none");
    EQ(hf_stack_ifreq(stack, HF_AF_INET6, HF_SIOCGIFADDR, (uint8_t *)&q), -HF_ENOTTY,
       "IPv6 sockets are told no addresses");
}

static void test_links(void)
{
    struct ifreq q;

    EQ(ask("pair0", HF_SIOCGIFMTU, &q), 0, "an MTU");
    EQ(q.ifr_mtu, 1500, "the link's");
    EQ(ask("pair0", HF_SIOCGIFFLAGS, &q), 0, "flags");
    EQ(q.ifr_flags, IFF_UP | IFF_RUNNING | IFF_NOARP, "of a link without neighbours");
    EQ(ask("pair0", HF_SIOCGIFHWADDR, &q), 0, "a kind of link");
    EQ((uint16_t)q.ifr_hwaddr.sa_family, ARPHRD_NONE, "that has no addresses of its own");
    EQ(ask("pair0", HF_SIOCGIFINDEX, &q), 0, "an index");
    EQ(hf_stack_ifreq(stack, HF_AF_INET, HF_SIOCGIFNAME, (uint8_t *)&q), 0, "and back");
    OK(strcmp(q.ifr_name, "pair0") == 0, "to the name");
}

static void test_list(void)
{
    struct ifreq all[8];

    EQ(hf_stack_ifconf(stack, NULL, 0), 3 * sizeof(all[0]), "loopback's and two");
    EQ(hf_stack_ifconf(stack, (uint8_t *)all, sizeof(all)), 3 * sizeof(all[0]), "all of them");
    OK(strcmp(all[0].ifr_name, "lo") == 0 && strcmp(address(&all[0]), "127.0.0.1") == 0,
       "loopback first");
    OK(strcmp(all[1].ifr_name, "pair0") == 0 && strcmp(address(&all[1]), "10.1.2.3") == 0,
       "then the others in order");
    OK(strcmp(all[2].ifr_name, "pair0") == 0 && strcmp(address(&all[2]), "10.1.2.4") == 0,
       "an entry for each address");
    EQ(hf_stack_ifconf(stack, (uint8_t *)all, 2 * sizeof(all[0]) + 1), 2 * sizeof(all[0]),
       "as many as fit");
}

int main(void)
{
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env, .pool = hf_frame_pool_new(&env)};
    struct hf_link *ends[2];

    tap_begin(10);
    if (!config.pool || hf_stack_new(&config, &stack) || hf_link_pair_new(&env, 1500, ends))
        return 2;
    memcpy(ends[0]->name, "pair0", 6);
    memcpy(ends[1]->name, "pair1", 6);
    if (hf_stack_attach(stack, ends[0]) || hf_stack_attach(stack, ends[1]) ||
        hf_addr_add(stack, ends[0], "10.1.2.3/24") || hf_addr_add(stack, ends[0], "10.1.2.4/24") ||
        hf_addr_add(stack, ends[0], "fd00::3/64") || hf_addr_add(stack, ends[1], "fd01::3/64"))
        return 2;
    test_addresses();
    test_links();
    test_list();
    hf_stack_free(stack);
    ends[0]->ops->free(ends[0]);
    ends[1]->ops->free(ends[1]);
    hf_frame_pool_free(config.pool);
    return tap_end();
}
