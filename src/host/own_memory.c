/* Memory that is there without asking. */
#define _GNU_SOURCE
#include "host/own_memory.h"

#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENTS = 8 };

struct range {
    uintptr_t from, end;
};

/* Of the process, found once; empty where it cannot be found. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct range variables;
static struct range segments[SEGMENTS]; /* that can be read; the program has four as a rule */
static unsigned segment_count;
static uintptr_t heap; /* where it begins; 0: nowhere */

_Thread_local struct own_stack own_stack;

static uintptr_t page_after(uintptr_t at)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    return (at + page - 1) & ~(page - 1);
}

/* The program itself is told first. What its loader made read-only again is left out. */
static int find_variables(struct dl_phdr_info *info, size_t size, void *arg)
{
    uintptr_t readonly_end = 0;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + ph->p_vaddr;

        if (ph->p_type == PT_GNU_RELRO)
            readonly_end = page_after(from + ph->p_memsz);
        if (ph->p_type != PT_LOAD)
            continue;
        if (ph->p_flags & PF_W)
            variables = (struct range){from, from + ph->p_memsz};
        if (ph->p_flags & PF_R && segment_count < SEGMENTS)
            segments[segment_count++] = (struct range){from, from + ph->p_memsz};
    }
    if (variables.from < readonly_end)
        variables.from = readonly_end;
    return 1;
}

/* proc(5): field 47 of stat, start_brk; the 46 before it follow a name that may hold anything. */
static uintptr_t find_heap(void)
{
    FILE *f = fopen("/proc/self/stat", "rce");
    char line[1024]; /* 52 numbers and a name of 64 bytes at most */
    size_t n;
    char *at;

    if (!f)
        return 0;
    n = fread(line, 1, sizeof(line) - 1, f);
    (void)fclose(f);
    line[n] = 0;
    at = strrchr(line, ')'); /* the program's name, field 2, may have its own */
    for (int field = 2; at && field < 47; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoul(at, NULL, 10) : 0;
}

static void find_process(void)
{
    dl_iterate_phdr(find_variables, NULL);
    heap = find_heap();
}

static void find_stack(void)
{
    pthread_attr_t attr;
    void *lowest;
    size_t size;

    own_stack.end = 1; /* looked for */
    if (pthread_getattr_np(pthread_self(), &attr))
        return;
    if (!pthread_attr_getstack(&attr, &lowest, &size))
        own_stack = (struct own_stack){(uintptr_t)lowest, (uintptr_t)lowest + size};
    pthread_attr_destroy(&attr);
}

/* Files are read for it, which is where a thread could be cancelled: C27. */
static void find(void)
{
    int state, saved = errno;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_once(&once, find_process);
    find_stack();
    pthread_setcancelstate(state, NULL);
    errno = saved;
}

bool own_memory_has(uintptr_t from, uintptr_t end)
{
    if (!own_stack.end)
        find();
    if (own_memory_is_stack(from, end) || (from >= variables.from && end <= variables.end))
        return true;
    return heap && from >= heap && end <= (uintptr_t)sbrk(0);
}

bool own_memory_shows(uintptr_t from, uintptr_t end)
{
    if (own_memory_has(from, end))
        return true;
    for (unsigned i = 0; i < segment_count; i++) {
        if (from >= segments[i].from && end <= segments[i].end)
            return true;
    }
    return false;
}
