/* Ethernet frames: ARP, neighbour discovery, and packets behind them. */
#include "frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    frames_run(bytes, len, HF_LINK_ETHERNET, 14);
    return 0;
}
