/* The scalar types every public header uses, and time as the stack knows it. */
#ifndef HANDFAST_TYPES_H
#define HANDFAST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds from any origin the host likes, never negative, never going back. */
typedef int64_t hf_time;

#define HF_TIME_NEVER INT64_MAX
#define HF_US         ((hf_time)1000)
#define HF_MS         ((hf_time)1000000)
#define HF_S          ((hf_time)1000000000)

/* Same layout as the host's struct iovec, so that a host may cast between the two. */
struct hf_iovec {
    void *base;
    size_t len;
};

#define HF_NODISCARD __attribute__((warn_unused_result))

#endif
