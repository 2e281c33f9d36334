/* The routes of the library's own stack. */
#include <handfast/host.h>

#include "posix/place.h"

void place_arrange(void)
{
    const struct hf_route many = {.prefix = "fd00:77::/64", .kind = HF_ROUTE_LOCAL};

    if (hf_route_add(hf_host_lock(NULL), &many))
        die("a route");
    hf_host_unlock(NULL);
}
