/* What the kernel has mapped: memory that needs no look at each page, and all else. */
#include "host/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { PAGE = 4096, PAGES = 16 };

static char *map(int prot, int flags, int fd)
{
    char *p = mmap(NULL, (size_t)PAGES * PAGE, prot, flags, fd, 0);

    if (p == MAP_FAILED)
        abort();
    return p;
}

static bool is_memory(const char *p, size_t pages)
{
    return mapping_is_memory((uintptr_t)p + 1, (uintptr_t)p + pages * PAGE);
}

static char *plain(void)
{
    return map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void must(int result)
{
    if (result < 0)
        abort();
}

static void changed_later(void)
{
    char *p = plain();

    OK(is_memory(p, PAGES), "memory");
    must(mprotect(p + 4 * PAGE, PAGE, PROT_READ));
    OK(!is_memory(p, PAGES), "not with a page that is read-only now");
    OK(is_memory(p, 4), "but up to it");
    must(mprotect(p + 4 * PAGE, PAGE, PROT_NONE));
    OK(!is_memory(p, PAGES), "nor with one that nobody may touch");
    must(mprotect(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
    OK(is_memory(p, PAGES), "several mappings, each good");
    must(munmap(p + 7 * PAGE, PAGE));
    OK(!is_memory(p, PAGES), "a hole");
    OK(is_memory(p, 7), "up to the hole");
    OK(!is_memory(p + 7 * PAGE, 1), "in the hole");
    OK(is_memory(p + 8 * PAGE, PAGES - 8), "behind it");
}

static void of_other_kinds(void)
{
    char name[] = "/tmp/hf-mapping-XXXXXX";
    int fd = mkstemp(name);

    must(fd);
    must(unlink(name));
    must(ftruncate(fd, PAGE));
    OK(!is_memory(map(PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1), PAGES), "read-only");
    OK(!is_memory(map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1), PAGES), "for nobody");
    OK(!is_memory(map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1), PAGES), "shared");
    OK(!is_memory(map(PROT_READ | PROT_WRITE, MAP_PRIVATE, fd), PAGES), "a file, which ends early");
    OK(!is_memory(NULL, 2), "at 0");
    OK(!is_memory((char *)(UINTPTR_MAX - 8 * PAGE), 2), "where the kernel is");
    close(fd);
}

/* The child asks about its own memory. */
static void after_fork(void)
{
    char *p = plain();
    int status;
    pid_t child;

    OK(is_memory(p, PAGES), "before a fork");
    child = fork();
    if (child == 0) {
        must(munmap(p, PAGE));
        if (is_memory(p, PAGES) || is_memory(p + PAGE, PAGES - 1))
            _exit(1); /* before it begins itself, it is not known */
        mapping_begin();
        _exit(is_memory(p, PAGES) || !is_memory(p + PAGE, PAGES - 1));
    }
    must(child);
    must(waitpid(child, &status, 0));
    EQ(status, 0, "a child is told of what it has unmapped itself");
    OK(is_memory(p, PAGES), "the parent of its own");
}

int main(void)
{
    tap_begin(30);
    OK(!is_memory(plain(), PAGES), "before it has begun nothing is known");
    errno = 77;
    mapping_begin();
    if (!is_memory(plain(), PAGES)) {
        SKIP("mappings", "Linux before 6.11 does not tell");
        return tap_end();
    }
    EQ(errno, 77, "errno stays");
    changed_later();
    of_other_kinds();
    after_fork();
    return tap_end();
}
