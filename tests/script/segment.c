/* Lines `in` and `out`: segments, as README.md writes them. */
#include <stdarg.h>
#include <string.h>

#include "script.h"

#define PEER_CLOCK 5000 /* the peer's timestamps count milliseconds from here */

static const char *const flag_names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
static const char *const ecn_names[] = {"notect", "ect1", "ect0", "ce"};

/* What a line says of a segment. What it does not say is not looked at, or has its default. */
struct pattern {
    struct packet p;
    unsigned absent;                                     /* options, by enum option */
    bool any_seq, any_ack, says_ack, says_win, says_ecn; /* any: `*` */
    bool any_ts, says_ecr, any_cookie, says_urgent, is_stray;
    hf_time soonest, latest; /* of its coming, from now */
};

static int lookup(const char *const *names, int count, const char *word, size_t len)
{
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == len && memcmp(names[i], word, len) == 0)
            return i;
    return -1;
}

static uint8_t flags_of(struct world *w, const char *word)
{
    uint8_t flags = 0;
    size_t len;

    if (strcmp(word, "none") == 0)
        return 0;
    for (const char *at = word;; at += len + 1) {
        int i = lookup(flag_names, 8, at, len = strcspn(at, "+"));

        if (i < 0)
            refuse(w, "no flag", word);
        flags |= (uint8_t)(1 << i);
        if (!at[len])
            return flags;
    }
}

/* `7`: counted from base; `@`, `@+7`, `@-7`: from next; `=7`: as it is on the wire. */
static uint32_t place(struct world *w, const char *word, uint32_t base, uint32_t next)
{
    if (word[0] == '=')
        return (uint32_t)number(w, word + 1);
    if (word[0] == '@')
        return base + next + (word[1] ? (uint32_t)number(w, word + 1) : 0);
    return base + (uint32_t)number(w, word);
}

static bool is_place(const char *word)
{
    return strchr("0123456789-@=*", word[0]) && !(word[0] == '-' && word[1] > '9');
}

/* ---- Words of both kinds of line ---- */

/* The numbers of both ends, as the line's direction has them. */
struct sides {
    bool is_in;
    uint32_t seq_base, seq_next, ack_base, ack_next;
};

static struct sides sides_of(const struct flow *f, bool is_in)
{
    if (is_in)
        return (struct sides){true, f->peer_iss, f->peer_next, f->iss, f->next};
    return (struct sides){false, f->iss, f->next, f->peer_iss, f->peer_next};
}

static const char *need(struct world *w, struct words *line, int *i)
{
    if (++*i >= line->n)
        refuse(w, "something must follow", line->at[line->n - 1]);
    return line->at[*i];
}

static void parse_sack(struct world *w, struct words *line, int *i, const struct sides *s,
                       struct packet *p)
{
    char *dots;

    while (*i + 1 < line->n && (dots = strstr(line->at[*i + 1], ".."))) {
        if (p->sacks == SACKS_MAX)
            refuse(w, "too many blocks", dots);
        *dots = 0;
        p->sack[p->sacks][0] = place(w, line->at[++*i], s->ack_base, s->ack_next);
        p->sack[p->sacks++][1] = place(w, dots + 2, s->ack_base, s->ack_next);
    }
    if (!p->sacks)
        refuse(w, "blocks must follow", "sack");
}

static void parse_ts(struct world *w, struct words *line, int *i, const struct sides *s,
                     struct pattern *t)
{
    uint32_t clock = (uint32_t)(w->now / HF_MS) + PEER_CLOCK;
    uint32_t val = s->is_in ? clock : w->flow->ts_recent;
    uint32_t ecr = s->is_in ? w->flow->ts_recent : clock;

    t->any_ts = true;
    t->p.ts_val = val;
    t->p.ts_ecr = ecr;
    if (*i + 1 < line->n && is_place(line->at[*i + 1])) {
        t->any_ts = false;
        t->p.ts_val = place(w, line->at[++*i], 0, val);
    }
    if (*i + 1 < line->n && strcmp(line->at[*i + 1], "ecr") == 0) {
        *i += 1;
        t->says_ecr = true;
        t->p.ts_ecr = place(w, need(w, line, i), 0, ecr);
    }
}

/* Bytes written in hexadecimal; returns how many. */
static unsigned parse_hex(struct world *w, const char *word, uint8_t *to, unsigned room)
{
    unsigned n = 0, byte;

    for (; *word; word += 2) {
        if (n == room || !word[1] || sscanf(word, "%2x", &byte) != 1)
            refuse(w, "no bytes, or too many", word);
        to[n++] = (uint8_t)byte;
    }
    return n;
}

static void parse_cookie(struct world *w, const char *word, struct pattern *t)
{
    t->any_cookie = strcmp(word, "*") == 0;
    if (strcmp(word, "cookie") == 0) {
        t->p.cookie_len = w->flow->cookie_len;
        memcpy(t->p.cookie, w->flow->cookie, sizeof(t->p.cookie));
    } else if (!t->any_cookie && strcmp(word, "none") != 0) {
        t->p.cookie_len = parse_hex(w, word, t->p.cookie, COOKIE_MAX);
    }
}

/* A word about an option; false when it is none. */
static bool parse_option(struct world *w, struct words *line, int *i, const struct sides *s,
                         struct pattern *t)
{
    static const char *const names[] = {"mss", "ws", "sackok", "sack", "ts", "tfo"};
    const char *word = line->at[*i];
    bool is_absent = word[0] == '-';
    int option = lookup(names, OPT_COUNT, word + is_absent, strlen(word + is_absent));

    if (option < 0)
        return false;
    if (is_absent) {
        t->absent |= 1u << option;
        return true;
    }
    t->p.options |= 1u << option;
    if (option == OPT_MSS)
        t->p.mss = (uint16_t)number(w, need(w, line, i));
    if (option == OPT_WS)
        t->p.shift = (uint8_t)number(w, need(w, line, i));
    if (option == OPT_SACK)
        parse_sack(w, line, i, s, &t->p);
    if (option == OPT_TS)
        parse_ts(w, line, i, s, t);
    if (option == OPT_TFO)
        parse_cookie(w, need(w, line, i), t);
    return true;
}

/* `after 200ms`, `after 1s..2s`. Timers are as fine as a millisecond. */
static void parse_after(struct world *w, char *word, struct pattern *t)
{
    char *dots = strstr(word, "..");

    if (dots)
        *dots = 0;
    t->soonest = duration(w, word) - (dots ? 0 : HF_MS);
    t->latest = duration(w, dots ? dots + 2 : word) + (dots ? 0 : 4 * HF_MS);
}

static void parse_word(struct world *w, struct words *line, int *i, const struct sides *s,
                       struct pattern *t)
{
    const char *word = line->at[*i];
    int ecn = lookup(ecn_names, 4, word, strlen(word));

    if (strcmp(word, "len") == 0) {
        t->p.len = (uint32_t)number(w, need(w, line, i));
    } else if (strcmp(word, "ack") == 0) {
        word = need(w, line, i);
        t->says_ack = true;
        t->any_ack = word[0] == '*';
        t->p.ack = t->any_ack ? 0 : place(w, word, s->ack_base, s->ack_next);
    } else if (strcmp(word, "win") == 0) {
        t->says_win = true;
        t->p.window = (uint16_t)number(w, need(w, line, i));
    } else if (strcmp(word, "urg") == 0) {
        t->says_urgent = true;
        t->p.urgent = (uint16_t)number(w, need(w, line, i));
    } else if (strcmp(word, "after") == 0) {
        need(w, line, i);
        parse_after(w, line->at[*i], t);
    } else if (strcmp(word, "raw") == 0) {
        t->p.raw_len = parse_hex(w, need(w, line, i), t->p.raw, RAW_MAX);
    } else if (strcmp(word, "badsum") == 0) {
        t->p.has_bad_sum = true;
    } else if (strcmp(word, "stray") == 0) {
        t->is_stray = true;
    } else if (ecn >= 0) {
        t->says_ecn = true;
        t->p.ecn = (uint8_t)ecn;
    } else if (!parse_option(w, line, i, s, t)) {
        refuse(w, "a word that means nothing", word);
    }
}

/* The words from `first` on: FLAGS [SEQ] and more. */
static void parse(struct world *w, struct words *line, int first, bool is_in, struct pattern *t)
{
    struct words copy = *line; /* words are cut up in parsing, and a line may be told again */
    struct sides s = sides_of(w->flow, is_in);
    int i = first;

    for (int k = 0; k < line->n; k++)
        copy.at[k] = copy.text + (line->at[k] - line->text);
    memset(t, 0, sizeof(*t));
    t->p.proto = HF_IPPROTO_TCP;
    if (i >= copy.n)
        refuse(w, "flags must follow", copy.at[i - 1]);
    t->p.flags = flags_of(w, copy.at[i++]);
    t->p.seq = s.seq_base + s.seq_next;
    t->p.ack = t->p.flags & ACK ? s.ack_base + s.ack_next : 0;
    if (i < copy.n && is_place(copy.at[i])) {
        t->any_seq = copy.at[i][0] == '*';
        t->p.seq = t->any_seq ? 0 : place(w, copy.at[i], s.seq_base, s.seq_next);
        i++;
    }
    for (; i < copy.n; i++)
        parse_word(w, &copy, &i, &s, t);
    if (t->p.len > sizeof(t->p.payload))
        refuse(w, "too long", line->at[first]);
}

/* `3x`: how often; 1 when the word is none such. */
static int times(const char *word)
{
    char *end;
    long n = strtol(word, &end, 10);

    return end != word && strcmp(end, "x") == 0 ? (int)n : 1;
}

/* ---- In ---- */

static uint32_t length(const struct packet *p)
{
    return p->len + !!(p->flags & SYN) + !!(p->flags & FIN);
}

static void peer_sent(struct flow *f, const struct packet *p, bool is_stray)
{
    uint32_t start = p->seq - f->peer_iss, ack = p->ack - f->iss;
    uint32_t end = start + length(p);

    f->window = p->window;
    if (p->flags & RST || is_stray)
        return;
    if (p->flags & SYN)
        f->peer_ts = p->options & 1u << OPT_TS;
    if ((int32_t)(start - f->peer_next) <= 0 && (int32_t)(end - f->peer_next) > 0 &&
        !(p->flags & SYN && f->peer_next))
        f->peer_next = end;
    if (p->flags & ACK && (int32_t)(ack - f->una) > 0 && (int32_t)(ack - f->next) <= 0)
        f->una = ack;
}

static void one_in(struct world *w, struct words *line, int first)
{
    static struct pattern t;
    static uint8_t bytes[HF_FRAME_MAX + 100];
    struct flow *f = w->flow;
    struct packet *p = &t.p;

    parse(w, line, first, true, &t);
    p->from = f->theirs;
    p->to = f->ours;
    if (!t.says_win)
        p->window = f->window;
    if (!(p->options & 1u << OPT_TS) && !(t.absent & 1u << OPT_TS) && f->host_ts && f->peer_ts) {
        p->options |= 1u << OPT_TS;
        p->ts_val = (uint32_t)(w->now / HF_MS) + PEER_CLOCK;
        p->ts_ecr = f->ts_recent;
    }
    for (uint32_t i = 0; i < p->len; i++)
        p->payload[i] = stream_byte(p->seq - f->peer_iss + i - !(p->flags & SYN));
    peer_sent(f, p, t.is_stray);
    world_input(w, bytes, packet_write(p, w->v6, bytes));
}

static void icmp_in(struct world *w, struct words *line)
{
    uint8_t bytes[256];
    unsigned type, code;
    struct icmp e = {
        .from = w->flow->ours, .to = w->flow->theirs, .seq = w->flow->iss + w->flow->una};

    if (line->n < 3 || sscanf(line->at[2], "%u.%u", &type, &code) != 2)
        refuse(w, "type and code must follow", line->at[1]);
    e.type = (uint8_t)type;
    e.code = (uint8_t)code;
    for (int i = 3; i < line->n; i++) {
        if (strcmp(line->at[i], "mtu") == 0)
            e.info = (uint32_t)number(w, need(w, line, &i));
        else if (strcmp(line->at[i], "seq") == 0)
            e.seq = place(w, need(w, line, &i), w->flow->iss, w->flow->next);
        else if (strcmp(line->at[i], "port") == 0)
            e.to = (uint16_t)number(w, need(w, line, &i));
        else
            refuse(w, "a word that means nothing", line->at[i]);
    }
    world_input(w, bytes, icmp_write(&e, w->v6, bytes));
}

static void expect_silence(struct world *w)
{
    char text[LINE_MAX_BYTES];

    if (!w->first)
        return;
    segment_text(w, w->first, text, sizeof(text));
    fail(w, "nothing", text);
}

void segment_in(struct world *w, struct words *line)
{
    int n = line->n > 1 ? times(line->at[1]) : 1;
    bool is_many = line->n > 1 && strchr("123456789", line->at[1][0]);

    expect_silence(w);
    if (line->n > 1 && strcmp(line->at[1], "icmp") == 0) {
        icmp_in(w, line);
        return;
    }
    for (int i = 0; i < n; i++) {
        expect_silence(w);
        one_in(w, line, is_many ? 2 : 1);
    }
}

/* ---- Out ---- */

void segment_note(struct world *w, const struct packet *p)
{
    struct flow *f = w->flow;
    uint32_t end, ack;

    if (p->flags & SYN && !f->is_known) {
        f->iss = p->seq;
        f->is_known = true;
    }
    if (!f->ours)
        f->ours = p->from;
    end = p->seq - f->iss + length(p);
    ack = p->ack - f->peer_iss;
    if (p->flags & SYN)
        f->host_ts = p->options & 1u << OPT_TS;
    if (p->options & 1u << OPT_TS)
        f->ts_recent = p->ts_val;
    if (p->options & 1u << OPT_TFO) {
        f->cookie_len = p->cookie_len;
        memcpy(f->cookie, p->cookie, sizeof(f->cookie));
    }
    if (p->flags & RST)
        return;
    if ((int32_t)(end - f->next) > 0)
        f->next = end;
    if (p->flags & ACK && (int32_t)(ack - f->peer_next) > 0)
        f->peer_next = ack;
}

static const char *differs_in_option(const struct pattern *t, const struct packet *p)
{
    static const char *const names[] = {"mss", "ws", "sackok", "sack", "ts", "tfo"};

    for (int i = 0; i < OPT_COUNT; i++)
        if ((t->p.options & 1u << i && !(p->options & 1u << i)) ||
            (t->absent & 1u << i && p->options & 1u << i))
            return names[i];
    if (t->p.options & 1u << OPT_MSS && p->mss != t->p.mss)
        return "mss";
    if (t->p.options & 1u << OPT_WS && p->shift != t->p.shift)
        return "ws";
    if (t->p.options & 1u << OPT_SACK &&
        (p->sacks != t->p.sacks || memcmp(p->sack, t->p.sack, sizeof(p->sack)) != 0))
        return "sack";
    if (t->p.options & 1u << OPT_TS &&
        ((!t->any_ts && p->ts_val != t->p.ts_val) || (t->says_ecr && p->ts_ecr != t->p.ts_ecr)))
        return "ts";
    if (t->p.options & 1u << OPT_TFO && !t->any_cookie &&
        (p->cookie_len != t->p.cookie_len || memcmp(p->cookie, t->p.cookie, p->cookie_len) != 0))
        return "tfo";
    return NULL;
}

/* The first thing that is not as the line says; NULL: all is. */
static const char *differs_in(const struct world *w, const struct pattern *t,
                              const struct packet *p)
{
    const struct flow *f = w->flow;
    uint8_t looked_at = t->p.flags & PSH ? 0xff : 0xff & ~PSH;

    if (p->proto != HF_IPPROTO_TCP)
        return "protocol";
    if (p->from != f->ours || p->to != f->theirs)
        return "ports";
    if ((p->flags & looked_at) != t->p.flags)
        return "flags";
    if (!t->any_seq && p->seq != t->p.seq)
        return "seq";
    if (p->len != t->p.len)
        return "len";
    if ((t->p.flags & ACK || t->says_ack) && !t->any_ack && p->ack != t->p.ack)
        return "ack";
    if (t->says_win && p->window != t->p.window)
        return "win";
    if (t->says_urgent && p->urgent != t->p.urgent)
        return "urg";
    if (t->says_ecn && p->ecn != t->p.ecn)
        return "ECN";
    for (uint32_t i = 0; i < p->len; i++)
        if (p->payload[i] != stream_byte(p->seq - f->iss + i - !(p->flags & SYN)))
            return "payload";
    return differs_in_option(t, p);
}

static void one_out(struct world *w, struct words *line, int first)
{
    static struct pattern t;
    char text[LINE_MAX_BYTES], got[LINE_MAX_BYTES * 2];
    hf_time began = w->now;
    struct packet *p;
    const char *what;

    parse(w, line, first, false, &t);
    world_pass(w, t.latest + w->slack);
    if (!w->first)
        fail(w, "a segment", t.latest ? "none so long" : "none now");
    if (w->now - began + w->slack / 2 < t.soonest) {
        snprintf(got, sizeof(got), "it came after %lld us", (long long)((w->now - began) / HF_US));
        fail(w, "later", got);
    }
    p = world_take(w);
    if (!w->flow->is_known || !w->flow->ours) { /* the first: it tells where numbers begin */
        segment_note(w, p);
        w->flow->next = 0;
        parse(w, line, first, false, &t);
    }
    what = differs_in(w, &t, p);
    segment_text(w, p, text, sizeof(text));
    segment_note(w, p);
    free(p);
    if (what) {
        snprintf(got, sizeof(got), "another %s: %s", what, text);
        fail(w, "the segment", got);
    }
}

void segment_out(struct world *w, struct words *line)
{
    int n = line->n > 1 ? times(line->at[1]) : 1;

    if (line->n == 2 && strcmp(line->at[1], "-") == 0) {
        expect_silence(w);
        return;
    }
    for (int i = 0; i < n; i++)
        one_out(w, line, line->n > 1 && strchr("123456789", line->at[1][0]) ? 2 : 1);
}

/* ---- Told ---- */

struct text {
    char *at;
    size_t room;
};

static void add(struct text *t, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(t->at, t->room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= t->room)
        return;
    t->at += n;
    t->room -= (size_t)n;
}

static void add_options(const struct world *w, const struct packet *p, struct text *t)
{
    if (p->options & 1u << OPT_MSS)
        add(t, " mss %u", p->mss);
    if (p->options & 1u << OPT_WS)
        add(t, " ws %u", p->shift);
    if (p->options & 1u << OPT_SACKOK)
        add(t, " sackok");
    if (p->options & 1u << OPT_SACK)
        add(t, " sack");
    for (unsigned i = 0; i < p->sacks; i++)
        add(t, " %u..%u", p->sack[i][0] - w->flow->peer_iss, p->sack[i][1] - w->flow->peer_iss);
    if (p->options & 1u << OPT_TS)
        add(t, " ts %u ecr %u", p->ts_val, p->ts_ecr);
    if (p->options & 1u << OPT_TFO)
        add(t, " tfo%s", p->cookie_len ? " " : " none");
    for (unsigned i = 0; i < p->cookie_len; i++)
        add(t, "%02x", p->cookie[i]);
}

void segment_text(const struct world *w, const struct packet *p, char *to, size_t room)
{
    const struct flow *f = w->flow;
    struct text t = {to, room};
    const char *plus = "";

    if (p->proto != HF_IPPROTO_TCP) {
        add(&t, "a packet of protocol %u", p->proto);
        return;
    }
    for (int i = 0; i < 8; i++)
        if (p->flags & 1 << i) {
            add(&t, "%s%s", plus, flag_names[i]);
            plus = "+";
        }
    add(&t, "%s %d", p->flags ? "" : "none", (int32_t)(p->seq - f->iss));
    if (p->len)
        add(&t, " len %u", p->len);
    if (p->flags & ACK)
        add(&t, " ack %d", (int32_t)(p->ack - f->peer_iss));
    add(&t, " win %u", p->window);
    if (p->urgent)
        add(&t, " urg %u", p->urgent);
    if (p->ecn)
        add(&t, " %s", ecn_names[p->ecn]);
    add_options(w, p, &t);
    if (p->from != f->ours || p->to != f->theirs)
        add(&t, " (port %u to %u)", p->from, p->to);
}
