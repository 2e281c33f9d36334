/* Packets: headers, options, fragments, ICMP, UDP and TCP that nobody asked for. */
#include "frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    frames_run(bytes, len, 0, 0);
    return 0;
}
