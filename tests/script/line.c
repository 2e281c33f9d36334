/* What is in lines: numbers, times, and the verbs that are neither calls nor segments. */
#include <string.h>

#include "script.h"

long long number(struct world *w, const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 0);

    if (end == text || *end)
        refuse(w, "no number", text);
    return n;
}

hf_time duration(struct world *w, const char *text)
{
    char *end;
    double n = strtod(text, &end);

    if (end == text)
        refuse(w, "no time", text);
    if (strcmp(end, "ms") == 0)
        return (hf_time)(n * (double)HF_MS);
    if (strcmp(end, "us") == 0)
        return (hf_time)(n * (double)HF_US);
    if (strcmp(end, "s") == 0)
        return (hf_time)(n * (double)HF_S);
    refuse(w, "no unit of time", text);
}

static void ignore(struct world *w, hf_time span)
{
    hf_time until = w->now + span;
    struct packet *p;

    do {
        while ((p = world_take(w))) {
            if (p->to == w->flow->theirs)
                segment_note(w, p);
            free(p);
        }
        world_pass(w, until - w->now);
    } while (w->first);
}

static void wait_silent(struct world *w, hf_time span)
{
    char text[LINE_MAX_BYTES], got[LINE_MAX_BYTES + 64];
    hf_time began = w->now;

    world_pass(w, span);
    if (!w->first)
        return;
    segment_text(w, w->first, text, sizeof(text));
    snprintf(got, sizeof(got), "after %lld us %s", (long long)((w->now - began) / HF_US), text);
    fail(w, "silence", got);
}

/* flow NAME [theirs PORT] [ours PORT] */
static void flow(struct world *w, struct words *line)
{
    struct flow *f = w->flow;

    if (line->n < 2)
        refuse(w, "a name must follow", "flow");
    w->flow = NULL;
    for (unsigned i = 0; i < w->flow_count; i++)
        if (strcmp(w->flows[i].name, line->at[1]) == 0)
            w->flow = &w->flows[i];
    if (!w->flow) {
        if (w->flow_count == FLOWS_MAX)
            refuse(w, "too many flows", line->at[1]);
        w->flow = &w->flows[w->flow_count++];
        *w->flow = (struct flow){.ours = f->ours,
                                 .theirs = f->theirs,
                                 .peer_iss = w->flows[0].peer_iss,
                                 .window = w->flows[0].window,
                                 .cookie_len = f->cookie_len};
        memcpy(w->flow->cookie, f->cookie, sizeof(f->cookie));
        snprintf(w->flow->name, sizeof(w->flow->name), "%s", line->at[1]);
    }
    for (int i = 2; i + 1 < line->n; i += 2)
        *(strcmp(line->at[i], "ours") == 0 ? &w->flow->ours : &w->flow->theirs) =
            (uint16_t)number(w, line->at[i + 1]);
}

/* The same ports carry another connection: the peer's SYN will be so far beyond its last byte. */
static void renew(struct world *w, uint32_t distance)
{
    struct flow *f = w->flow;

    f->peer_iss += f->peer_next + distance;
    f->next = f->una = f->peer_next = 0;
    f->is_known = f->host_ts = f->peer_ts = false;
}

bool own_line(struct world *w, struct words *line)
{
    const char *verb = line->at[0], *word = line->n > 1 ? line->at[1] : "0s";

    if (strcmp(verb, "in") == 0)
        segment_in(w, line);
    else if (strcmp(verb, "out") == 0)
        segment_out(w, line);
    else if (strcmp(verb, "wait") == 0)
        wait_silent(w, duration(w, word));
    else if (strcmp(verb, "ignore") == 0)
        ignore(w, duration(w, word));
    else if (strcmp(verb, "flow") == 0)
        flow(w, line);
    else if (strcmp(verb, "renew") == 0)
        renew(w, (uint32_t)number(w, word));
    else if (strcmp(verb, "mtu") == 0)
        w->link.mtu = (uint32_t)number(w, word);
    else if (strcmp(verb, "only") != 0)
        return false;
    else if ((strcmp(word, "v6") == 0) != w->v6)
        longjmp(w->out, NOT_OURS);
    return true;
}
