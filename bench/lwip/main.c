/* lwIP's side of the bench. */
#include "rig.h"

int main(int argc, char **argv)
{
    static const struct row rows[] = {
        {"cycle", lwip_cycle},     {"cycle-fin", lwip_cycle_fin},
        {"latency", lwip_latency}, {"memory", lwip_memory},
        {"rr", lwip_rr},           {"bulk", lwip_bulk},
        {"udp", lwip_udp},         {NULL, NULL},
    };

    return measure_main(argc, argv, rows);
}
