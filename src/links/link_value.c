/* Numbers with units, as link options have them. */
#include "links/link_value.h"

#include <string.h>

#include "handfast/links.h"

#define LONGEST_DELAY ((uint64_t)(3600 * HF_S))
#define FASTEST_RATE  1000000000000ULL
#define MTU_MIN       1280
#define MTU_MAX       65535

struct unit {
    const char *name;
    uint64_t factor;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "digits[.digits]" times factor, without floating point; *rest: what follows. Decimals that factor
 * cannot show are refused. */
static bool read_decimal(const char *text, uint64_t factor, uint64_t *number, const char **rest)
{
    uint64_t sum = 0;
    const char *c = text;

    if (!is_digit(*c))
        return false;
    for (; is_digit(*c); c++) {
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*c - '0'), &sum))
            return false;
    }
    if (__builtin_mul_overflow(sum, factor, &sum))
        return false;
    if (*c == '.') {
        if (!is_digit(*++c))
            return false;
        for (; is_digit(*c); c++) {
            if (factor % 10 != 0)
                return false;
            factor /= 10;
            if (__builtin_add_overflow(sum, (uint64_t)(*c - '0') * factor, &sum))
                return false;
        }
    }
    *number = sum;
    *rest = c;
    return true;
}

static bool read_with_unit(const char *text, const struct unit *units, uint64_t *number)
{
    const char *name = text + strspn(text, "0123456789."), *rest = text;

    for (; units->name; units++) {
        if (strcmp(units->name, name) == 0)
            return read_decimal(text, units->factor, number, &rest) && rest == name;
    }
    return false;
}

bool value_percent(const char *text, uint64_t *ppm)
{
    static const struct unit units[] = {{"%", HF_PPM_ALL / 100}, {NULL, 0}};

    return read_with_unit(text, units, ppm) && *ppm <= HF_PPM_ALL;
}

bool value_time(const char *text, uint64_t *ns)
{
    static const struct unit units[] = {{"us", HF_US}, {"ms", HF_MS}, {"s", HF_S}, {NULL, 0}};

    return read_with_unit(text, units, ns) && *ns <= LONGEST_DELAY;
}

bool value_rate(const char *text, uint64_t *bps)
{
    static const struct unit units[] = {
        {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}, {NULL, 0}};

    return read_with_unit(text, units, bps) && *bps > 0 && *bps <= FASTEST_RATE;
}

bool value_whole(const char *text, uint64_t *number)
{
    static const struct unit units[] = {{"", 1}, {NULL, 0}};

    return read_with_unit(text, units, number);
}

bool value_mtu(const char *text, uint64_t *bytes)
{
    return value_whole(text, bytes) && *bytes >= MTU_MIN && *bytes <= MTU_MAX;
}

bool value_text(const char *text, uint64_t *unused)
{
    *unused = 0;
    return *text != '\0';
}
