/* Frames in a row, as links keep them: a plain queue, and one in which each frame has a time. */
#ifndef LINKS_LINE_H
#define LINKS_LINE_H

#include "handfast/frame.h"

struct line {
    struct hf_frame *first, *last;
    struct hf_frame *fresh; /* the first whose `when` has not been set, and all behind it */
};

static inline void line_push(struct line *l, struct hf_frame *f)
{
    f->next = NULL;
    if (l->first)
        l->last->next = f;
    else
        l->first = f;
    l->last = f;
    if (!l->fresh)
        l->fresh = f;
}

/* The line must not be empty. */
static inline struct hf_frame *line_pop(struct line *l)
{
    struct hf_frame *f = l->first;

    l->first = f->next;
    if (l->fresh == f)
        l->fresh = f->next;
    f->next = NULL;
    return f;
}

/* A link's send is not told the time, its poll is: the next fresh frame, to have its `when` set. */
static inline struct hf_frame *line_next_fresh(struct line *l)
{
    struct hf_frame *f = l->fresh;

    if (f)
        l->fresh = f->next;
    return f;
}

static inline bool line_is_due(const struct line *l, hf_time now)
{
    return l->first && l->first != l->fresh && l->first->when <= now;
}

static inline hf_time line_deadline(const struct line *l)
{
    if (l->fresh)
        return 0;
    return l->first ? l->first->when : HF_TIME_NEVER;
}

static inline void line_fini(struct line *l)
{
    while (l->first)
        hf_frame_free(line_pop(l));
}

#endif
