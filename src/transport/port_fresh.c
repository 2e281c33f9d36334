/* Automatic ports that are not counted yet. A port has one place here, which others have too: those
 * that follow each other, as automatic ports do, have different ones. */
#include "transport/port_fresh.h"

static struct port_fresh *place_of(struct ports *p, uint16_t port)
{
    return &p->fresh[port % PORT_FRESH];
}

static int count(struct ports *p, struct port_fresh *f)
{
    struct port_group *g = f->group;
    int err = port_group_find_tallies(p, g);

    if (!err)
        err = port_tally_add(p, g->address, f->port);
    if (err)
        return err;
    err = port_tally_add(p, g->family, f->port);
    if (err) {
        port_tally_remove(p, g->address, f->port);
        return err;
    }
    g->counted++;
    f->group = NULL;
    p->fresh_count--;
    return 0;
}

int port_fresh_add(struct ports *p, struct port_group *g, uint16_t port)
{
    struct port_fresh *f = place_of(p, port);
    int err = f->group ? count(p, f) : 0;

    if (err)
        return err;
    *f = (struct port_fresh){g, port};
    p->fresh_count++;
    return 0;
}

void port_fresh_remove(struct ports *p, struct port_group *g, uint16_t port)
{
    struct port_fresh *f = place_of(p, port);

    if (f->group == g && f->port == port) {
        f->group = NULL;
        p->fresh_count--;
        return;
    }
    port_tally_remove(p, g->address, port);
    port_tally_remove(p, g->family, port);
    g->counted--;
}

int port_fresh_count_all(struct ports *p)
{
    int err = 0;

    for (unsigned i = 0; p->fresh_count && !err && i < PORT_FRESH; i++)
        err = p->fresh[i].group ? count(p, &p->fresh[i]) : 0;
    return err;
}
