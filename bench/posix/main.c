/* The side of POSIX's calls, the kernel's or the library's. */
#include "place.h"

int main(int argc, char **argv)
{
    static const struct row rows[] = {
        {"cycle", posix_cycle},         {"cycle-fin", posix_cycle_fin},
        {"latency", posix_latency},     {"ports", posix_ports},
        {"memory", posix_memory},       {"rr", posix_rr},
        {"bulk", posix_bulk},           {"udp", posix_udp},
        {"reconnect", posix_reconnect}, {"unix-cycle", posix_unix_cycle},
        {"unix-bulk", posix_unix_bulk}, {NULL, NULL},
    };

    place_all_descriptors();
    place_arrange();
    return measure_main(argc, argv, rows);
}
