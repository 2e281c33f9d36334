#include "run/thread.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

hf_time thread_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec * HF_S + ts.tv_nsec;
}

/* The 22nd field of /proc/TID/stat; the 2nd, in brackets, may contain anything. */
bool thread_is_as_of(pid_t tid, hf_time when)
{
    unsigned long long began;
    char path[32], text[512], *at;
    ssize_t len = -1;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        len = read(fd, text, sizeof(text) - 1);
        close(fd);
    }
    text[len > 0 ? len : 0] = 0;
    at = strrchr(text, ')');
    if (!at || sscanf(at + 1,
                      " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
                      " %*s %*s %llu",
                      &began) != 1)
        return false;
    return (hf_time)began <= when / (HF_S / sysconf(_SC_CLK_TCK));
}
