/* What the generator's two files share: what the next step may know, and how its arguments are
 * chosen. */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include "diff.h"

enum theme {
    THEME_STREAM,
    THEME_DATAGRAM,
    THEME_MIXED,
    THEME_PORTS,
    THEME_OPTIONS,
    THEME_ERRORS,
    THEME_GROUPS,
    THEMES
};

struct gen {
    uint64_t state;
    enum theme theme;
    struct program *p;
    struct {
        bool is_open, is_stream, is_v6, listens;
        bool spoke4;    /* an IPv6 socket that has spoken IPv4, or may have */
        bool is_corked; /* a datagram is being made, or may be */
        bool is_on_lo;  /* bound to a link */
        bool has_peer;  /* a datagram socket that was connected, or may have been */
    } slots[SLOTS];
};

uint32_t below(struct gen *g, uint32_t n);
bool chance(struct gen *g, uint32_t percent);

#define PICK(g, list) ((list)[below((g), COUNT(list))])

/* arguments.c */
struct step *add(struct gen *g, enum op op, int slot);
int host(const char *text);
/* No route leads there. */
bool is_far(int at);
int some_room(struct gen *g);
int some_flags(struct gen *g, bool receives);
void give_address(struct gen *g, struct step *s, bool is_v6);
void add_getopt(struct gen *g, int slot);
void add_setopt(struct gen *g, int slot);
void add_port_option(struct gen *g, int slot);
void add_error_option(struct gen *g, int slot);
void add_group_option(struct gen *g, int slot);

#endif
