/* tap: and tun: the kernel's own network as the neighbour, by /dev/net/tun. C29. */
#include "handfast/links.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ETHERNET_HEADER 14
#define VLAN_TAG        4

/* Frames handed up per call, so that one busy device does not hold up the rest. */
#define READ_BATCH 64
/* Shorter frames are copied into the frame's own room, and do not hold a page. */
#define COPY_BYTES 128
/* Pages are read into one frame behind the other. */
#define PAGE_BYTES 32768

struct tap {
    struct hf_link link;
    struct hf_env env;
    struct hf_frame_pool *pool;
    int fd;
    uint32_t frame_max;   /* bytes the device can hand us at once */
    struct hf_page *page; /* being read into, from page_used on; NULL: none yet */
    uint32_t page_used;
};

static void tap_send(struct hf_link *link, struct hf_frame *f)
{
    struct tap *t = (struct tap *)link;
    struct hf_iovec iov[1 + HF_FRAME_FRAGS];
    int n = hf_frame_iov(f, 0, iov, 1 + HF_FRAME_FRAGS);

    if (writev(t->fd, (const struct iovec *)iov, n) < 0)
        link->dropped++;
    hf_frame_free(f);
}

static void drop_page(struct tap *t)
{
    if (t->page)
        hf_page_unref(t->page);
    t->page = NULL;
}

static bool need_page(struct tap *t)
{
    if (t->page && t->page->size - t->page_used >= t->frame_max)
        return true;
    drop_page(t);
    t->page = hf_page_new(t->pool, t->frame_max > PAGE_BYTES ? t->frame_max : PAGE_BYTES);
    t->page_used = 0;
    return t->page && t->page->size >= t->frame_max;
}

/* The len bytes just read into the page, as a frame. */
static struct hf_frame *frame_of(struct tap *t, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(t->pool);
    bool good;

    if (!f)
        return NULL;
    if (len <= COPY_BYTES) {
        good = hf_frame_append(f, t->page->data + t->page_used, len);
    } else {
        good = hf_frame_add(f, t->page, t->page_used, len);
        t->page_used += len;
    }
    if (good)
        return f;
    hf_frame_free(f);
    return NULL;
}

void hf_link_tap_readable(struct hf_link *link)
{
    struct tap *t = (struct tap *)link;

    for (int i = 0; i < READ_BATCH; i++) {
        if (!need_page(t)) {
            link->dropped++;
            return;
        }

        ssize_t n = read(t->fd, t->page->data + t->page_used, t->frame_max);

        if (n <= 0)
            return;

        struct hf_frame *f = frame_of(t, (uint32_t)n);

        if (f)
            hf_link_input(link, f);
        else
            link->dropped++;
    }
}

int hf_link_tap_fd(const struct hf_link *link)
{
    return ((const struct tap *)link)->fd;
}

static void tap_free(struct hf_link *link)
{
    struct tap *t = (struct tap *)link;
    struct hf_env env = t->env;

    drop_page(t);
    close(t->fd);
    env.free(env.ctx, t, sizeof(*t));
}

static const struct hf_link_ops tap_ops = {.send = tap_send, .free = tap_free};

static int open_device(const char *device, short mode, char name[IFNAMSIZ])
{
    struct ifreq ifr = {.ifr_flags = (short)(mode | IFF_NO_PI)};
    int fd;

    if (strlen(device) >= IFNAMSIZ)
        return -ENAMETOOLONG;
    strcpy(ifr.ifr_name, device);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        int err = -errno;

        close(fd);
        return err;
    }
    memcpy(name, ifr.ifr_name, IFNAMSIZ);
    return fd;
}

static int device_mtu(const char *name, uint32_t *mtu)
{
    struct ifreq ifr = {0};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int err = 0;

    if (s < 0)
        return -errno;
    memcpy(ifr.ifr_name, name, IFNAMSIZ);
    if (ioctl(s, SIOCGIFMTU, &ifr) < 0)
        err = -errno;
    else
        *mtu = (uint32_t)ifr.ifr_mtu;
    close(s);
    return err;
}

static int tap_open(const struct hf_env *env, struct hf_frame_pool *pool, const char *device,
                    bool is_ethernet, struct hf_link **out)
{
    struct tap *t = env->alloc(env->ctx, sizeof(*t));
    char name[IFNAMSIZ] = "";
    uint32_t mtu = 0;
    int err;

    if (!t)
        return -ENOMEM;

    int fd = open_device(device, is_ethernet ? IFF_TAP : IFF_TUN, name);

    err = fd < 0 ? fd : device_mtu(name, &mtu);
    if (err) {
        if (fd >= 0)
            close(fd);
        env->free(env->ctx, t, sizeof(*t));
        return err;
    }
    *t = (struct tap){
        .link = {.ops = &tap_ops, .mtu = mtu, .flags = is_ethernet ? HF_LINK_ETHERNET : 0},
        .env = *env,
        .pool = pool,
        .fd = fd,
        .frame_max = mtu + (is_ethernet ? ETHERNET_HEADER + VLAN_TAG : 0),
    };
    memcpy(t->link.name, name, sizeof(t->link.name));
    if (is_ethernet) {
        env->random(env->ctx, t->link.mac, sizeof(t->link.mac));
        t->link.mac[0] =
            (uint8_t)((t->link.mac[0] & 0xfc) | 2); /* locally administered, one host's */
    }
    *out = &t->link;
    return 0;
}

int hf_link_tap_new(const struct hf_env *env, struct hf_frame_pool *pool, const char *device,
                    struct hf_link **out)
{
    return tap_open(env, pool, device, true, out);
}

int hf_link_tun_new(const struct hf_env *env, struct hf_frame_pool *pool, const char *device,
                    struct hf_link **out)
{
    return tap_open(env, pool, device, false, out);
}
