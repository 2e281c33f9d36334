/* tap: and tun: the kernel's own network as the neighbour, by /dev/net/tun. C29.
 *
 * A virtio_net_hdr stands before each frame (vnet.h). With it super-segments and unfinished
 * checksums pass both ways, until a wrapper that shows real packets stands on the link: then the
 * kernel is told to finish what it sends, and the link says that it takes none. */
#include "handfast/links.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "links/vnet.h"

#define ETHERNET_HEADER 14
#define VLAN_TAG        4

/* Frames handed up per call, so that one busy device does not hold up the rest; and bytes, so that
 * whoever reads them finds them in the processor's cache still. */
#define READ_BATCH 64
#define READ_BYTES 131072
/* Shorter frames are copied into the frame's own room, and do not hold a page. */
#define COPY_BYTES 128
/* Pages are read into one frame behind the other, one frame into so many pages at most. */
#define PAGE_BYTES 32768
#define PAGES      4
/* What the kernel may leave to us. */
#define OFFLOADS (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static_assert((PAGES - 1) * PAGE_BYTES >= HF_FRAME_MAX + ETHERNET_HEADER + VLAN_TAG,
              "there is room for a frame however much of the first page is used");

struct tap {
    struct hf_link link;
    struct hf_env env;
    struct hf_frame_pool *pool;
    int fd;
    uint32_t link_header;         /* bytes */
    uint32_t frame_max;           /* bytes the device can hand us at once */
    struct hf_page *pages[PAGES]; /* being read into, the first from page_used on */
    uint32_t page_used;
};

static void tap_send(struct hf_link *link, struct hf_frame *f)
{
    struct tap *t = (struct tap *)link;
    struct hf_iovec iov[2 + HF_FRAME_FRAGS];
    struct virtio_net_hdr v = vnet_of(f, t->link_header);
    int n = hf_frame_iov(f, 0, iov + 1, 1 + HF_FRAME_FRAGS);

    iov[0] = (struct hf_iovec){&v, sizeof(v)};
    if (writev(t->fd, (const struct iovec *)iov, 1 + n) < 0)
        link->dropped++;
    hf_frame_free(f);
}

/* Tells the kernel what we take. */
static bool set_offloads(struct tap *t, unsigned long offloads)
{
    bool good = ioctl(t->fd, TUNSETOFFLOAD, offloads) == 0;
    bool any = good && offloads;

    t->link.gso_max = any ? HF_FRAME_MAX : 0;
    t->link.flags = (t->link.flags & ~(uint32_t)HF_LINK_CSUM) | (any ? HF_LINK_CSUM : 0);
    t->frame_max = t->link_header + (any ? HF_FRAME_MAX : t->link.mtu);
    t->frame_max += t->link_header ? VLAN_TAG : 0;
    return good;
}

static void tap_plain(struct hf_link *link)
{
    /* A kernel that cannot be told sends super-segments on: too long for us, and dropped. */
    (void)set_offloads((struct tap *)link, 0);
}

static void drop_pages(struct tap *t)
{
    for (int i = 0; i < PAGES; i++) {
        if (t->pages[i])
            hf_page_unref(t->pages[i]);
        t->pages[i] = NULL;
    }
    t->page_used = 0;
}

/* Room for the longest frame, as pieces of iov: how many, 0 without memory. */
static int room_for_frame(struct tap *t, struct iovec iov[PAGES])
{
    uint32_t room = 0, used = t->page_used;

    for (int i = 0; i < PAGES; i++, used = 0) {
        if (!t->pages[i])
            t->pages[i] = hf_page_new(t->pool, PAGE_BYTES);
        if (!t->pages[i])
            return 0;
        iov[i] = (struct iovec){t->pages[i]->data + used, t->pages[i]->size - used};
        room += (uint32_t)iov[i].iov_len;
        if (room >= t->frame_max)
            return i + 1;
    }
    return 0;
}

/* The next len bytes of the pages, at the end of f. False when f has no place for them. */
static bool take_bytes(struct tap *t, struct hf_frame *f, uint32_t len)
{
    bool good = true;

    while (len) {
        struct hf_page *page = t->pages[0];
        uint32_t piece = page->size - t->page_used < len ? page->size - t->page_used : len;

        good = good && hf_frame_add(f, page, t->page_used, piece);
        len -= piece;
        t->page_used += piece;
        if (t->page_used < page->size)
            continue;
        hf_page_unref(page);
        memmove(&t->pages[0], &t->pages[1], (PAGES - 1) * sizeof(t->pages[0]));
        t->pages[PAGES - 1] = NULL;
        t->page_used = 0;
    }
    return good;
}

/* The len bytes just read into the pages, as a frame. */
static struct hf_frame *frame_of(struct tap *t, uint32_t len, const struct virtio_net_hdr *v)
{
    struct hf_frame *f = hf_frame_new(t->pool);
    bool good;

    if (!f)
        return NULL;
    if (len <= COPY_BYTES && len <= t->pages[0]->size - t->page_used)
        good = hf_frame_append(f, t->pages[0]->data + t->page_used, len);
    else
        good = take_bytes(t, f, len);
    if (good && vnet_take(v, f))
        return f;
    hf_frame_free(f);
    return NULL;
}

void hf_link_tap_readable(struct hf_link *link)
{
    struct tap *t = (struct tap *)link;
    struct virtio_net_hdr v;
    struct iovec iov[1 + PAGES] = {{&v, sizeof(v)}};

    for (uint32_t i = 0, bytes = 0; i < READ_BATCH && bytes < READ_BYTES; i++) {
        int pieces = room_for_frame(t, iov + 1);
        struct hf_frame *f;
        ssize_t n;

        if (!pieces) {
            link->dropped++;
            return;
        }
        n = readv(t->fd, iov, 1 + pieces);
        if (n <= (ssize_t)sizeof(v))
            return;
        n -= (ssize_t)sizeof(v);
        bytes += (uint32_t)n;
        f = n <= (ssize_t)t->frame_max ? frame_of(t, (uint32_t)n, &v) : NULL;
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

    drop_pages(t);
    close(t->fd);
    env.free(env.ctx, t, sizeof(*t));
}

static const struct hf_link_ops tap_ops = {.send = tap_send, .plain = tap_plain, .free = tap_free};

static int open_device(const char *device, short mode, char name[IFNAMSIZ])
{
    struct ifreq ifr = {.ifr_flags = (short)(mode | IFF_NO_PI | IFF_VNET_HDR)};
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
        .link_header = is_ethernet ? ETHERNET_HEADER : 0,
    };
    if (!set_offloads(t, OFFLOADS))
        tap_plain(&t->link);
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
