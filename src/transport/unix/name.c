/* Names of AF_UNIX sockets. C03 (none is chosen for a connect), C26; Linux: unix_bind_bsd,
 * unix_bind_abstract, unix_autobind, unix_find_other.
 *
 * An abstract name is known by its bytes and the socket's type; a path by the device and inode of
 * its node, or by its bytes too where the stack has no file system. */
#include <string.h>

#include "base/siphash.h"
#include "transport/unix/internal.h"

enum name_kind { NAME_ABSTRACT, NAME_PATH, NAME_NODE };

enum {
    AUTO_BYTES = 6, /* a zero and five hexadecimal digits */
    AUTO_NAMES = 1 << 20,
};

struct unix_name {
    struct hash_node node; /* in net->names while owner is set */
    struct unix_pcb *owner;
    uint32_t refs;
    uint8_t kind; /* enum name_kind */
    uint8_t type;
    struct hf_node file; /* NAME_NODE */
    uint32_t len;        /* of bytes; of a path: with the zero that ends it */
    uint8_t bytes[];
};

/* What a table entry is found by. */
struct name_key {
    uint8_t kind, type;
    const uint8_t *bytes;
    uint32_t len;
    uint64_t device, inode;
};

static uint32_t key_hash(const struct unix_net *net, const struct name_key *k)
{
    uint64_t words[3] = {k->kind, k->device, k->inode};

    if (k->kind == NAME_NODE)
        return (uint32_t)siphash(net->core->key, words, sizeof(words));
    return (uint32_t)siphash(net->core->key, k->bytes, k->len) ^ k->kind ^ (uint32_t)k->type << 4;
}

static bool is_it(const struct unix_name *name, const struct name_key *k)
{
    if (name->kind != k->kind)
        return false;
    if (k->kind == NAME_NODE)
        return name->file.device == k->device && name->file.inode == k->inode;
    return (k->kind == NAME_PATH || name->type == k->type) && name->len == k->len &&
           memcmp(name->bytes, k->bytes, k->len) == 0;
}

static struct unix_name *look_up(struct unix_net *net, const struct name_key *k)
{
    for (struct hash_node *n = hash_first(&net->names, key_hash(net, k)); n; n = hash_next(n)) {
        struct unix_name *name = container_of(n, struct unix_name, node);

        if (is_it(name, k))
            return name;
    }
    return NULL;
}

/* A path as the file system takes it: up to its zero, and one that may have to be added. */
static uint32_t read_path(char out[UNIX_PATH_MAX + 1], const uint8_t *path, uint32_t len)
{
    uint32_t n = 0;

    while (n < len && path[n])
        n++;
    memcpy(out, path, n);
    out[n] = 0;
    return n + 1;
}

static struct unix_name *name_new(struct unix_net *net, const void *bytes, uint32_t len)
{
    struct unix_name *name = net->core->env.alloc(net->core->env.ctx, sizeof(*name) + len);

    if (!name)
        return NULL;
    memset(name, 0, sizeof(*name));
    name->len = len;
    memcpy(name->bytes, bytes, len);
    return name;
}

static void name_free(struct unix_net *net, struct unix_name *name)
{
    net->core->env.free(net->core->env.ctx, name, sizeof(*name) + name->len);
}

static void enter(struct unix_pcb *u, struct unix_name *name, const struct name_key *k)
{
    name->kind = k->kind;
    name->type = u->type;
    name->owner = u;
    name->refs = 1;
    u->name = name;
    hash_insert(&u->net->names, &name->node, key_hash(u->net, k));
}

static int bind_abstract(struct unix_pcb *u, const uint8_t *bytes, uint32_t len)
{
    struct name_key k = {.kind = NAME_ABSTRACT, .type = u->type, .bytes = bytes, .len = len};
    struct unix_name *name;

    if (u->name)
        return -HF_EINVAL;
    if (look_up(u->net, &k))
        return -HF_EADDRINUSE;
    name = name_new(u->net, bytes, len);
    if (!name)
        return -HF_ENOMEM;
    enter(u, name, &k);
    return 0;
}

/* A path in a stack without a file system. */
static int bind_inside(struct unix_pcb *u, const char *path, uint32_t len, struct unix_name *name)
{
    struct name_key k = {.kind = NAME_PATH, .bytes = (const uint8_t *)path, .len = len};

    if (look_up(u->net, &k))
        return -HF_EADDRINUSE;
    if (u->name)
        return -HF_EINVAL;
    enter(u, name, &k);
    return 0;
}

/* Linux: the node is made before the socket is asked whether it has a name. */
static int bind_node(struct unix_pcb *u, const char *path, struct unix_name *name)
{
    const struct hf_unix_host *host = &u->net->host;
    struct name_key k = {.kind = NAME_NODE};
    int err = host->node_make(host->ctx, path, &name->file);

    if (err)
        return err;
    if (u->name) {
        host->node_undo(host->ctx, path, &name->file);
        return -HF_EINVAL;
    }
    k.device = name->file.device;
    k.inode = name->file.inode;
    enter(u, name, &k);
    return 0;
}

static int bind_path(struct unix_pcb *u, const uint8_t *bytes, uint32_t given)
{
    char path[UNIX_PATH_MAX + 1];
    uint32_t len = read_path(path, bytes, given);
    struct unix_name *name = name_new(u->net, path, len);
    int err;

    if (!name)
        return -HF_ENOMEM;
    err = u->net->host.node_make ? bind_node(u, path, name) : bind_inside(u, path, len, name);
    if (err)
        name_free(u->net, name);
    return err;
}

int unix_bind(struct unix_pcb *u, const uint8_t *path, uint32_t len)
{
    return path[0] ? bind_path(u, path, len) : bind_abstract(u, path, len);
}

int unix_autobind(struct unix_pcb *u)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t first = core_random32(u->net->core);
    uint8_t name[AUTO_BYTES] = {0};

    if (u->name)
        return 0;
    /* The names of a million sockets: what is taken is met by chance. */
    for (uint32_t turn = 0; turn < AUTO_NAMES; turn++) {
        uint32_t number = (first + turn) % AUTO_NAMES;
        int err;

        for (unsigned i = 0; i < 5; i++)
            name[1 + i] = (uint8_t)digits[number >> (16 - 4 * i) & 15];
        err = bind_abstract(u, name, sizeof(name));
        if (err != -HF_EADDRINUSE)
            return err;
    }
    return -HF_ENOSPC;
}

static int find_node(struct unix_pcb *u, const char *path, struct unix_name **out)
{
    const struct hf_unix_host *host = &u->net->host;
    struct name_key k = {.kind = NAME_NODE};
    struct hf_node node;
    int err = host->node_find(host->ctx, path, &node);

    if (err)
        return err;
    k.device = node.device;
    k.inode = node.inode;
    *out = look_up(u->net, &k);
    return *out ? 0 : -HF_ECONNREFUSED;
}

static int find_inside(struct unix_pcb *u, const char *path, uint32_t len, struct unix_name **out)
{
    struct name_key k = {.kind = NAME_PATH, .bytes = (const uint8_t *)path, .len = len};

    *out = look_up(u->net, &k);
    return *out ? 0 : -HF_ENOENT;
}

/* C24: nobody listens there. */
int unix_find(struct unix_pcb *u, const uint8_t *path, uint32_t len, struct unix_pcb **out)
{
    struct name_key k = {.kind = NAME_ABSTRACT, .type = u->type, .bytes = path, .len = len};
    char text[UNIX_PATH_MAX + 1];
    struct unix_name *name = NULL;
    int err;

    if (!path[0]) {
        name = look_up(u->net, &k);
        if (!name)
            return -HF_ECONNREFUSED;
        *out = name->owner;
        return 0;
    }
    len = read_path(text, path, len);
    err = u->net->host.node_find ? find_node(u, text, &name) : find_inside(u, text, len, &name);
    if (err)
        return err;
    if (name->type != u->type)
        return -HF_EPROTOTYPE;
    *out = name->owner;
    return 0;
}

const uint8_t *unix_name_of(const struct unix_pcb *u, uint32_t *len)
{
    *len = u->name ? u->name->len : 0;
    return u->name ? u->name->bytes : NULL;
}

void unix_name_share(struct unix_pcb *u, const struct unix_pcb *listener)
{
    u->name = listener->name;
    u->name->refs++;
}

void unix_name_unbind(struct unix_pcb *u)
{
    const struct hf_unix_host *host = &u->net->host;
    struct unix_name *name = u->name;

    if (!name || name->owner != u)
        return;
    hash_remove(&u->net->names, &name->node);
    name->owner = NULL;
    if (name->kind == NAME_NODE)
        host->node_release(host->ctx, &name->file);
}

void unix_name_end(struct unix_pcb *u)
{
    struct unix_name *name = u->name;

    if (name && --name->refs == 0)
        name_free(u->net, name);
    u->name = NULL;
}
