/* Pages: cases made of lines, tables whose rows make a case many, and roads that cases go. Runs
 * those named, else all there are. TAP on stdout; a case that fails tells on stderr its page and
 * line, what was expected and what came. */
#include <ctype.h>
#include <glob.h>
#include <string.h>

#include "script.h"
#include "tap.h"

#define FOLDER      "tests/script/"
#define LINES_MAX   1024
#define TABLES_MAX  3
#define COLUMNS_MAX 8
#define ROWS_MAX    64
#define ROADS_MAX   64
#define DEPTH_MAX   6

struct line {
    int number;
    bool is_indented;
    char *text; /* without comment and indentation */
};

struct page {
    const char *path;
    char *bytes;
    struct line lines[LINES_MAX];
    int count;
};

struct road {
    char name[32];
    const struct page *page;
    int first, end;
};

/* What $names stand for. A value is a piece of the page's text. */
struct table {
    struct words columns;
    int rows[ROWS_MAX]; /* lines of the page */
    int row_count, at;
};

struct values {
    const struct page *page;
    const struct table *tables;
    int table_count;
    const char *rest; /* $*: what follows a road's name */
};

/* The lines that are being carried out, from the case's down. */
static struct {
    const struct page *page;
    const struct line *line;
    char text[LINE_MAX_BYTES];
} places[DEPTH_MAX];

static int depth;
static struct road roads[ROADS_MAX];
static int road_count;

/* ---- Reading ---- */

static _Noreturn void give_up(const char *path, int line, const char *why)
{
    fprintf(stderr, "# %s:%d: %s\n", path, line, why);
    exit(2);
}

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "r");
    char *bytes = calloc(1, 1 << 18);

    if (!file || !bytes)
        give_up(path, 0, "cannot be read");
    if (fread(bytes, 1, (1 << 18) - 1, file) == (1 << 18) - 1)
        give_up(path, 0, "is too long");
    fclose(file);
    return bytes;
}

static struct page *page_read(const char *path)
{
    struct page *page = calloc(1, sizeof(*page));
    char *at, *next;

    if (!page)
        abort();
    page->path = path;
    page->bytes = at = slurp(path);
    for (int number = 1; *at; number++, at = next) {
        char *end = at + strcspn(at, "\n"), *comment;
        bool is_indented = isspace((unsigned char)*at);

        next = end + (*end == '\n');
        *end = 0;
        comment = strchr(at, '#');
        if (comment)
            *comment = 0;
        at += strspn(at, " \t");
        for (end = at + strlen(at); end > at && isspace((unsigned char)end[-1]);)
            *--end = 0;
        if (!*at)
            continue;
        if (page->count == LINES_MAX)
            give_up(path, number, "too many lines");
        page->lines[page->count++] = (struct line){number, is_indented, at};
    }
    return page;
}

/* The line behind the indented ones that follow line i. */
static int body_end(const struct page *page, int i)
{
    for (i++; i < page->count && page->lines[i].is_indented;)
        i++;
    return i;
}

/* ---- Words ---- */

static void split(struct words *to, const char *separators)
{
    char *at = to->text;

    to->n = 0;
    while (*(at += strspn(at, separators)) && to->n < WORDS_MAX) {
        to->at[to->n++] = at;
        at += strcspn(at, separators);
        if (*at)
            *at++ = 0;
    }
}

/* Column c of a row, without the blanks around it. */
static void cell(const struct page *page, const struct table *t, int c, char *to, size_t room)
{
    const char *at = page->lines[t->rows[t->at]].text, *end;

    for (int i = 0; i < c; i++) {
        at += strcspn(at, "|");
        if (!*at)
            give_up(page->path, page->lines[t->rows[t->at]].number, "a column is missing");
        at++;
    }
    at += strspn(at, " ");
    end = at + strcspn(at, "|");
    while (end > at && end[-1] == ' ')
        end--;
    snprintf(to, room, "%.*s", (int)(end - at), at);
}

/* What stands for the name at `at`, `len` long; false when it is no column. */
static bool value(const struct values *v, const char *at, size_t len, char *to, size_t room)
{
    for (int t = 0; t < v->table_count; t++)
        for (int c = 0; c < v->tables[t].columns.n; c++) {
            const char *name = v->tables[t].columns.at[c];

            if (strlen(name) == len && memcmp(name, at, len) == 0) {
                cell(v->page, &v->tables[t], c, to, room);
                return true;
            }
        }
    return false;
}

/* text with its $names replaced. */
static void substitute(const struct values *v, const char *text, char *to, size_t room)
{
    while (*text && room > 1) {
        size_t len = 0;

        *to = 0;
        if (text[0] == '$' && text[1] == '*') {
            snprintf(to, room, "%s", v->rest);
            text += 2;
        } else if (text[0] == '$') {
            while (isalnum((unsigned char)text[len + 1]) || text[len + 1] == '_')
                len++;
            if (!value(v, text + 1, len, to, room))
                give_up(v->page->path, 0, text);
            text += len + 1;
        } else {
            *to = *text++;
            to[1] = 0;
        }
        len = strlen(to);
        to += len;
        room -= len;
    }
    *to = 0;
}

/* `this/that`: this for IPv4, that for IPv6. */
static void choose_family(struct words *line, bool v6)
{
    for (int i = 0; i < line->n; i++) {
        char *slash = strchr(line->at[i], '/');

        if (slash && v6)
            line->at[i] = slash + 1;
        else if (slash)
            *slash = 0;
    }
}

/* ---- Failing ---- */

_Noreturn void fail(struct world *w, const char *expected, const char *got)
{
    for (int i = 0; i < depth; i++)
        fprintf(stderr, "# %s:%d: %s\n", places[i].page->path, places[i].line->number,
                places[i].text);
    fprintf(stderr, "#   expected: %s\n#   got: %s\n", expected, got);
    longjmp(w->out, FAILED);
}

_Noreturn void refuse(struct world *w, const char *why, const char *word)
{
    char text[LINE_MAX_BYTES];

    snprintf(text, sizeof(text), "%s: %s", why, word);
    fail(w, "a line that README.md tells of", text);
}

/* ---- Carrying out ---- */

static void body_run(struct world *w, const struct page *page, int first, int end,
                     const struct values *v);

/* go NAME WORDS... */
static void go(struct world *w, const struct values *v)
{
    char text[LINE_MAX_BYTES], *name = text, *rest;

    snprintf(text, sizeof(text), "%s", places[depth - 1].text + 2);
    name += strspn(name, " ");
    rest = name + strcspn(name, " ");
    if (*rest)
        *rest++ = 0;
    for (int i = 0; i < road_count; i++)
        if (strcmp(roads[i].name, name) == 0) {
            struct values inner = *v;

            inner.rest = rest;
            body_run(w, roads[i].page, roads[i].first, roads[i].end, &inner);
            return;
        }
    refuse(w, "no such road", name);
}

static void line_run(struct world *w, const struct page *page, const struct line *line,
                     const struct values *v)
{
    static struct words words[DEPTH_MAX];
    struct words *cut = &words[depth];

    if (depth == DEPTH_MAX)
        give_up(page->path, line->number, "too many roads in roads");
    places[depth].page = page;
    places[depth].line = line;
    substitute(v, line->text, places[depth].text, sizeof(places[depth].text));
    depth++;
    snprintf(cut->text, sizeof(cut->text), "%s", places[depth - 1].text);
    split(cut, " ");
    choose_family(cut, w->v6);
    if (strcmp(cut->at[0], "go") == 0)
        go(w, v);
    else if (!own_line(w, cut) && !call(w, cut))
        refuse(w, "an unknown verb", cut->at[0]);
    if (w->broken)
        fail(w, "packets that are well made", w->broken);
    depth--;
}

static void body_run(struct world *w, const struct page *page, int first, int end,
                     const struct values *v)
{
    for (int i = first; i < end; i++)
        line_run(w, page, &page->lines[i], v);
}

/* What TAP says of the case: the page, the family, the title. */
static void case_name(const struct page *page, int at, const struct values *v, bool v6, char *to,
                      size_t room)
{
    char title[LINE_MAX_BYTES];
    const char *slash = strrchr(page->path, '/'), *file = slash ? slash + 1 : page->path;

    substitute(v, page->lines[at].text + strlen("case "), title, sizeof(title));
    if (snprintf(to, room, "%.*s %s: %s", (int)(strrchr(file, '.') - file), file, v6 ? "v6" : "v4",
                 title) < 0)
        abort();
}

static bool case_good(struct world *w, const struct page *page, int at, const struct values *v)
{
    body_run(w, page, at + 1, body_end(page, at), v);
    segment_out(w, &(struct words){.n = 2, .at = {"out", "-"}});
    return true;
}

static void case_run(const struct page *page, int at, const struct values *v, bool v6)
{
    static struct world w;
    static char name[LINE_MAX_BYTES * 2];
    volatile bool is_good = false;
    volatile int outcome;

    case_name(page, at, v, v6, name, sizeof(name));
    depth = 0;
    world_begin(&w, v6);
    outcome = setjmp(w.out);
    if (outcome == 0)
        is_good = case_good(&w, page, at, v);
    if (!world_end(&w) && is_good) {
        fprintf(stderr, "# memory is lost\n");
        is_good = false;
    }
    if (outcome != NOT_OURS)
        tap_ok(is_good, name, page->path, page->lines[at].number);
}

/* ---- Pages ---- */

static void table_read(const struct page *page, int at, struct table *t)
{
    int end = body_end(page, at);

    if (end - at - 1 > ROWS_MAX || end - at == 1)
        give_up(page->path, page->lines[at].number, "no rows, or too many");
    t->row_count = t->at = 0;
    snprintf(t->columns.text, sizeof(t->columns.text), "%s", page->lines[at].text + strlen("each"));
    split(&t->columns, " |");
    for (int i = at + 1; i < end; i++)
        t->rows[t->row_count++] = i;
}

/* The next combination of rows; false when there is none. */
static bool advance(struct table *tables, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        if (++tables[i].at < tables[i].row_count)
            return true;
        tables[i].at = 0;
    }
    return false;
}

static void road_read(const struct page *page, int at)
{
    struct road *r = &roads[road_count++];

    if (road_count == ROADS_MAX)
        give_up(page->path, page->lines[at].number, "too many roads");
    snprintf(r->name, sizeof(r->name), "%s", page->lines[at].text + strlen("road "));
    r->page = page;
    r->first = at + 1;
    r->end = body_end(page, at);
}

static void page_walk(const struct page *page, bool v6)
{
    static struct table tables[TABLES_MAX];
    struct values v = {.page = page, .tables = tables, .rest = ""};

    for (int i = 0; i < page->count; i = body_end(page, i)) {
        const char *text = page->lines[i].text;

        if (strncmp(text, "each ", 5) == 0 && v.table_count < TABLES_MAX) {
            table_read(page, i, &tables[v.table_count++]);
        } else if (strncmp(text, "case ", 5) == 0) {
            do
                case_run(page, i, &v, v6);
            while (advance(tables, v.table_count));
            v.table_count = 0;
        } else if (strncmp(text, "road ", 5) == 0) {
            road_read(page, i);
        } else {
            give_up(page->path, page->lines[i].number, "neither road nor each nor case");
        }
    }
}

static void page_run(const char *path)
{
    struct page *page = page_read(path);
    int kept = road_count;

    for (int v6 = 0; v6 < 2; v6++) {
        page_walk(page, v6);
        road_count = kept;
    }
    free(page->bytes);
    free(page);
}

int main(int argc, char **argv)
{
    glob_t all;

    tap_begin(host_seconds);
    page_walk(page_read(FOLDER "roads"), false); /* what all pages may go; kept to the end */
    for (int i = 1; i < argc; i++)
        page_run(argv[i]);
    if (argc > 1)
        return tap_end();
    if (glob(FOLDER "*.script", 0, NULL, &all) != 0)
        give_up(FOLDER, 0, "has no pages");
    for (size_t i = 0; i < all.gl_pathc; i++)
        page_run(all.gl_pathv[i]);
    globfree(&all);
    return tap_end();
}
