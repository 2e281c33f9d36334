/* The differential fuzzer: the same random socket calls on the kernel and on the library's core,
 * every answer compared.
 *
 * A program is a list of steps; a step is one socket call on one of a few slots. It names hosts,
 * ports and options by meaning, so that it can be printed, read back, shrunk, and run anywhere.
 * Each side runs a step and tells what it saw as text in which ports have names (P1: the first of
 * the program's own ports, E1: the first ephemeral port seen): two sides agree when the texts do.
 * After each step the poll masks of all slots are compared too.
 *
 * Only what is decided by the calls belongs in a program. What depends on time, memory or tuning is
 * left out by generate.c, or hidden by outcome.c, and each place says why. */
#ifndef TESTS_DIFF_DIFF_H
#define TESTS_DIFF_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum {
    SLOTS = 6,
    STEPS_MOST = 64,
    PORTS = 4,         /* P1 to P4 */
    PORT_OF_SLOT = 16, /* PORT_OF_SLOT + k: the local port of slot k */
    PORT_LOW = 9,      /* one below 1024 */
    DATA_MOST = 70000,
    TEXT_MOST = 1400,
};

enum op {
    OP_SOCKET,
    OP_CLOSE,
    OP_BIND,
    OP_LISTEN,
    OP_ACCEPT,
    OP_CONNECT,
    OP_SEND,
    OP_RECV,
    OP_SHUTDOWN,
    OP_SOCKNAME,
    OP_PEERNAME,
    OP_GETOPT,
    OP_SETOPT,
    OP_IOCTL,
    OP_WAIT, /* some milliseconds */
    OPS,
};

/* What a step can say; each op uses some. */
enum field {
    F_SLOT,
    F_FROM, /* accept: the listener's slot */
    F_DOMAIN,
    F_TYPE,
    F_PROTO,
    F_HOST,   /* index into hosts[]; 0: no address */
    F_PORT,   /* 0: port 0; 1..PORTS; PORT_LOW; PORT_OF_SLOT + k */
    F_FAMILY, /* written over the address's own; -1: not */
    F_LEN,    /* address or option length; -1: the natural one */
    F_N,      /* bytes, backlog, how, request, milliseconds */
    F_FLAGS,
    F_LEVEL,
    F_NAME,
    F_VALUE, /* three words of the option's value */
    F_VALUE2,
    F_VALUE3,
    F_ROOM,    /* for an address or option that is given back */
    F_CTLROOM, /* for ancillary data */
    F_CTL,     /* index into controls[]; 0: none */
    FIELDS,
};

struct step {
    enum op op;
    int f[FIELDS];
};

struct program {
    struct step steps[STEPS_MOST];
    int n;
    bool privileged;
    int line; /* where it ended in its file */
};

/* Text that grows in a room of its own. outcome.c */
struct text {
    char *to;
    size_t room, at;
};
__attribute__((format(printf, 2, 3))) void text_put(struct text *t, const char *format, ...);

/* ---- step.c: the vocabulary, and steps as text ---- */

struct host {
    const char *text; /* "127.0.0.1", "fe80::1%1" */
    int family;
    uint8_t addr[16];
    uint32_t scope;
};
extern struct host hosts[];
extern const int host_count;
void hosts_init(void);

struct control {
    const char *name;
    int level, type;
    uint32_t len; /* of the data */
    uint8_t data[24];
    long claimed; /* what cmsg_len says beyond the truth */
};
extern const struct control controls[];
extern const int control_count;
/* The message of controls[which] in room for 64 bytes; returns its length. */
size_t control_build(int which, uint8_t *room);

/* One line without its end. */
void step_print(const struct step *s, char *line, size_t room);
/* False: the line is no step. */
bool step_parse(const char *line, struct step *s);
/* The next program of a file; false: there is none. */
bool program_read(FILE *f, struct program *p);

/* The sockaddr that the step names, in room for 160 bytes; port_of gives a slot's local port.
 * Returns its length. */
struct ports_in_use {
    uint16_t base, low;
    uint16_t (*of_slot)(void *side, int slot);
    void *side;
};
uint32_t step_address(const struct step *s, const struct ports_in_use *ports, uint8_t *room);
/* The option's value; returns its length. */
uint32_t step_value(const struct step *s, uint8_t *room);
/* The bytes that step number `at` sends. */
void step_data(int at, uint8_t *data, size_t n);

/* ---- options.c: names of options ---- */

struct option_name {
    int level, name;
    const char *text;
};
extern const struct option_name option_names[];
extern const int option_count;
const char *option_text(int level, int name);
const char *level_text(int level);
/* Why the value of an option cannot be equal on both sides; NULL: it must be. */
const char *option_hidden(int level, int name, bool is_stream);
/* Why programs neither set nor get it; NULL: they do. */
const char *option_skipped(int level, int name);
/* Why programs do not set it; NULL: they do. */
const char *option_unset(int level, int name);

/* ---- outcome.c: what a step came to ---- */

struct outcome {
    long long ret; /* or a negated errno */
    uint8_t name[160];
    uint32_t name_len, name_room;
    uint8_t *data; /* DATA_MOST bytes */
    uint32_t data_len;
    uint8_t control[256];
    uint32_t control_len;
    int flags;
    bool has_message;
    uint8_t value[320];
    uint32_t value_len, value_room;
    int number; /* ioctl */
};

/* Which name each port has; one per side and run. */
struct port_names {
    uint16_t base, low;
    uint16_t seen[64];
    int count;
};
void outcome_text(const struct step *s, bool is_stream, const struct outcome *o,
                  struct port_names *names, char *text, size_t room);
void mask_text(uint32_t mask, char *text, size_t room);

/* ---- the two sides ---- */

struct side;
/* kernel.c, stack.c. reset forgets everything and takes other ports; run fills the outcome; mask is
 * poll's, -1 where the slot is empty. */
void kernel_reset(bool privileged, uint16_t base, uint16_t low);
void kernel_run(int at, const struct step *s, struct outcome *o);
int kernel_mask(int slot);
bool kernel_is_stream(int slot);
void kernel_settle(int ms);
/* A network namespace of its own with lo up. False: not allowed here. */
bool kernel_enter(void);
bool kernel_can_be_privileged(void);

void stack_reset(bool privileged, uint16_t base, uint16_t low);
void stack_run(int at, const struct step *s, struct outcome *o);
int stack_mask(int slot);
bool stack_is_stream(int slot);
void stack_settle(int ms);

/* ---- generate.c ---- */

void generate(uint64_t seed, struct program *p);

/* ---- compare.c ---- */

struct difference {
    int at; /* step */
    char kernel[TEXT_MOST], stack[TEXT_MOST];
    char signature[200];
};
/* Runs p on both sides until they differ. settle_ms: how long each step is left alone. */
bool compare(const struct program *p, int settle_ms, struct difference *d);
/* The same, believed only when it shows again and again with time given. */
bool compare_surely(const struct program *p, struct difference *d);
/* Makes p shorter and simpler as long as the difference's signature stays. */
void shrink(struct program *p, struct difference *d);
/* p with what both sides said, each step a line. */
void report(const struct program *p, const struct difference *d);

#endif
