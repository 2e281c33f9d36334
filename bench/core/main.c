/* Our side of the bench, through the core's own face. */
#include "rig.h"

int main(int argc, char **argv)
{
    static const struct row rows[] = {
        {"cycle", core_cycle},
        {"cycle-fin", core_cycle_fin},
        {"latency", core_latency},
        {"ports", core_ports},
        {"memory", core_memory},
        {"rr", core_rr},
        {"bulk", core_bulk},
        {"copies", core_copies},
        {"udp", core_udp},
        {"unix-cycle", core_unix_cycle},
        {"unix-bulk", core_unix_bulk},
        {"timers", core_timers},
        {"shards", core_shards},
        {NULL, NULL},
    };

    return measure_main(argc, argv, rows);
}
