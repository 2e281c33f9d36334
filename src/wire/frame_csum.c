/* Checksums over frames. */
#include "wire/frame_csum.h"

#include "base/assert.h"
#include "wire/checksum.h"

/* A piece that begins at an odd offset adds up with its bytes swapped. RFC 1071 2 (B). */
uint32_t csum_frame(uint32_t sum, const struct hf_frame *f, uint32_t off)
{
    struct hf_iovec iov[1 + HF_FRAME_FRAGS];
    int n = hf_frame_iov(f, off, iov, HF_COUNT(iov));
    bool odd = false;

    for (int i = 0; i < n; i++) {
        uint32_t len = (uint32_t)iov[i].len;

        if (odd) {
            uint16_t piece = (uint16_t)csum_add(0, iov[i].base, len);

            sum += __builtin_bswap16(piece);
        } else {
            sum = csum_add(sum, iov[i].base, len);
        }
        odd ^= len & 1;
    }
    return csum_add(sum, NULL, 0);
}
