/* resolv.conf(5), as far as its nameserver lines. */
#include "gateway/resolv.h"

#include <stdio.h>
#include <string.h>

#include "gateway/address.h"

static void read_line(char *line, struct resolvers *out)
{
    static const char blanks[] = " \t\r\n";
    char *save, *word = strtok_r(line, blanks, &save), *value;
    union address ignored;

    if (!word || strcmp(word, "nameserver") != 0 || out->count == RESOLVERS)
        return;
    value = strtok_r(NULL, blanks, &save);
    if (!value || strlen(value) >= RESOLVER_TEXT || !address_parse(value, 0, &ignored))
        return;
    strcpy(out->text[out->count++], value);
}

void resolvers_read(const char *path, struct resolvers *out)
{
    FILE *file = fopen(path, "re");
    char line[512];

    out->count = 0;
    if (file) {
        while (fgets(line, sizeof(line), file))
            read_line(line, out);
        fclose(file);
    }
    if (out->count == 0)
        strcpy(out->text[out->count++], "127.0.0.1");
}
