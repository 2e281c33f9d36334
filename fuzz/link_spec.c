/* The words after --link: any text is taken or refused with a message. */
#include <stdlib.h>
#include <string.h>

#include "handfast/links.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = calloc(1, len + 1), why[HF_LINK_WHY] = "";
    struct hf_link_spec *spec;

    memcpy(text, bytes, len);
    if (hf_link_spec_parse(text, &spec, why) == 0) {
        if (hf_link_spec_kind(spec) == NULL)
            abort();
        hf_link_spec_free(spec);
    } else if (why[0] == 0) {
        abort();
    }
    free(text);
    return 0;
}
