/* A new vehicle can be put only in the place of the descriptor that a call names. Its copies keep
 * the dead one; but each of them is found out at its own next notified call, answered from the
 * same socket, and replaced then. */
#include "run/former.h"

#include <stdlib.h>
#include <unistd.h>

#include "run/borrow.h"
#include "run/inject.h"

/* Of a file: a program that reconnects for ever has no copies of them all. */
#define FORMERS_MAX 8

struct former {
    struct table_node node; /* by inode */
    struct former *next;    /* of the same file, older */
    struct file *file;
};

static void drop(struct supervisor *sv, struct former **at)
{
    struct former *old = *at;

    *at = old->next;
    table_remove(&sv->formers, &old->node);
    free(old);
}

void former_note(struct file *f)
{
    struct supervisor *sv = f->sv;
    struct former **at = &f->formers, *new;
    int count = 1;

    if (table_find(&sv->formers, f->node.key))
        return;
    new = calloc(1, sizeof(*new));
    if (!new)
        return;
    new->node.key = f->node.key;
    new->file = f;
    new->next = f->formers;
    f->formers = new;
    table_insert(&sv->formers, &new->node);
    while (*at && count++ <= FORMERS_MAX)
        at = &(*at)->next;
    if (*at)
        drop(sv, at);
}

struct file *former_find(const struct supervisor *sv, uint64_t inode)
{
    struct table_node *node = table_find(&sv->formers, inode);

    return node ? container_of(node, struct former, node)->file : NULL;
}

void former_renew(const struct call *c, const struct file *f)
{
    int fd = f->fd >= 0 ? f->fd : borrow_from(f->hint_tid, f->hint_fd, f);

    if (fd < 0)
        return;
    (void)!inject_replace(c, fd, (int)c->args[0]);
    if (fd != f->fd)
        close(fd);
}

void former_forget(struct file *f)
{
    while (f->formers)
        drop(f->sv, &f->formers);
}
