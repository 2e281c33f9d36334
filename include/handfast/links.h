/* The links that come with Handfast, and the wrappers that make any link worse or watch it.
 *
 * Each constructor takes memory from env (copied) and gives a link that hf_link_free ends. Names,
 * gso_max and the like may be changed before the link is attached. 0 or -errno (Linux's numbers).
 *
 * A wrapper owns the link below it from its construction on: ending the wrapper ends both. When the
 * constructor fails, the link below is still the caller's. Both directions are treated alike, each
 * with its own random numbers, which follow from seed alone: same frames, same seed, same fate.
 * Time is what poll says it is. A wrapper shows real packets with real checksums: it takes neither
 * super-segments nor HF_FRAME_CSUM_PARTIAL, and makes the link below plain (hf_link_plain; of a
 * pair that is both ends). What a wrapper or a full queue drops is counted in the link's `dropped`.
 */
#ifndef HANDFAST_LINKS_H
#define HANDFAST_LINKS_H

#include "handfast/link.h"

/* Ends the link and those below it. Detach it first. NULL is fine. */
void hf_link_free(struct hf_link *link);

/* From now on neither super-segments nor partial checksums go down to the link or come up from it.
 * For who stands on a link and wants real packets; before the link is used. */
void hf_link_plain(struct hf_link *link);

/* Frames dropped by this link and those below it: asked for, queue full, device refused. */
uint64_t hf_link_dropped(const struct hf_link *link);

/* Two ends joined in one process, of that MTU; super-segments and partial checksums pass. Each end
 * delivers when polled, and may be freed before the other. An Ethernet wire: set HF_LINK_ETHERNET
 * and mac at both ends. */
HF_NODISCARD int hf_link_pair_new(const struct hf_env *env, uint32_t mtu, struct hf_link *ends[2]);

#define HF_PPM_ALL 1000000 /* probabilities are in parts per million */

/* Drops frames. */
HF_NODISCARD int hf_link_loss_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm,
                                  uint64_t seed, struct hf_link **out);
/* Sends frames twice, the copy right behind. */
HF_NODISCARD int hf_link_dup_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm,
                                 uint64_t seed, struct hf_link **out);
/* Flips one bit somewhere behind the Ethernet header. */
HF_NODISCARD int hf_link_corrupt_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm,
                                     uint64_t seed, struct hf_link **out);
/* Lets one to three later frames overtake a frame, or what there is of them within 10 ms. */
HF_NODISCARD int hf_link_reorder_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm,
                                     uint64_t seed, struct hf_link **out);
/* Keeps every frame that long, in order. */
HF_NODISCARD int hf_link_delay_new(const struct hf_env *env, struct hf_link *below, hf_time delay,
                                   struct hf_link **out);
/* A line of that many bits per second (1 or more) with room for 100 ms of it, at least 64 KiB. */
HF_NODISCARD int hf_link_rate_new(const struct hf_env *env, struct hf_link *below, uint64_t bps,
                                  struct hf_link **out);

/* Writes what passes to fd as pcapng, with nanosecond times: the poll's plus epoch. Takes fd, also
 * when it fails. Changes nothing that passes, so super-segments stay and partial checksums look
 * wrong, as they do in captures of a kernel. A file that cannot be written is given up. */
HF_NODISCARD int hf_link_pcap_new(const struct hf_env *env, struct hf_link *below, int fd,
                                  hf_time epoch, struct hf_link **out);

/* The TAP (Ethernet) or TUN (IP) device of that name, made if it is not there and this process may.
 * Its MTU is the device's. Super-segments and partial checksums pass to the kernel and from it, as
 * it passes them on itself (TSO, GRO). -EPERM, -EBUSY (in use), -ENOENT (no /dev/net/tun), ... */
HF_NODISCARD int hf_link_tap_new(const struct hf_env *env, struct hf_frame_pool *pool,
                                 const char *device, struct hf_link **out);
HF_NODISCARD int hf_link_tun_new(const struct hf_env *env, struct hf_frame_pool *pool,
                                 const char *device, struct hf_link **out);
/* Its descriptor, the link's own; and what to call when that is readable: hands up a batch. */
int hf_link_tap_fd(const struct hf_link *link);
void hf_link_tap_readable(struct hf_link *link);

/* ---- KIND[:ARG][,key=value]..., as users write links ---- */

struct hf_link_spec;

#define HF_LINK_WHY 200 /* room for a message */

/* Reads text; a comma inside ARG or a value is doubled. 0, -ENOMEM, or -EINVAL: why says what is
 * wrong and what is allowed. KIND is any word: which there are is the caller's to know. */
HF_NODISCARD int hf_link_spec_parse(const char *text, struct hf_link_spec **out,
                                    char why[HF_LINK_WHY]);
void hf_link_spec_free(struct hf_link_spec *spec);
const char *hf_link_spec_kind(const struct hf_link_spec *spec);
/* NULL when there is none. */
const char *hf_link_spec_arg(const struct hf_link_spec *spec);
/* The value of the n-th `key` (address, gateway, mtu, or a wrapper's), from 0; NULL behind the
 * last. */
const char *hf_link_spec_value(const struct hf_link_spec *spec, const char *key, size_t n);

/* Puts the wrappers on below, in the order they were written from the wire to the stack. On error
 * (-errno, why) below has been freed. Captures are stamped with the time of day if poll's time is
 * CLOCK_MONOTONIC. */
HF_NODISCARD int hf_link_spec_wrap(const struct hf_link_spec *spec, const struct hf_env *env,
                                   struct hf_link *below, struct hf_link **out,
                                   char why[HF_LINK_WHY]);

/* What may stand behind KIND[:ARG], for --help. */
#define HF_LINK_SPEC_HELP                                                               \
    "  loss=2%        drop frames by chance, each way\n"                                \
    "  dup=1%         send frames twice\n"                                              \
    "  corrupt=0.1%   flip a bit\n"                                                     \
    "  reorder=5%     let later frames overtake\n"                                      \
    "  delay=20ms     keep every frame so long, each way (us, ms, s)\n"                 \
    "  rate=10mbit    a line of that speed (kbit, mbit, gbit)\n"                        \
    "  seed=7         for the chances above: same seed, same fate of the same frames\n" \
    "  pcap=FILE      write what passes as pcapng\n"                                    \
    "  mtu=1400       no larger packets than that\n"                                    \
    "They stand in the order from the wire to the program; a comma in a value is doubled.\n"

#endif
