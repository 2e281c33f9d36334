/* Checksums over frames. */
#ifndef WIRE_FRAME_CSUM_H
#define WIRE_FRAME_CSUM_H

#include "handfast/frame.h"
#include "wire/addr.h"

/* Adds the frame's bytes from off to its end, in any number of pieces of any length. */
uint32_t csum_frame(uint32_t sum, const struct hf_frame *f, uint32_t off);

#endif
