/* Addresses as text: what parses is formatted to what parses to the same. RFC 4291 2.2, RFC 5952.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char text[80] = "", back[ADDR_TEXT];
    struct ip_addr addr, again;
    unsigned bits;

    memcpy(text, bytes, len < sizeof(text) ? len : sizeof(text) - 1);
    if (addr_parse(text, &addr) &&
        (!addr_parse(addr_format(&addr, back), &again) || !addr_eq(&addr, &again)))
        abort();
    if (addr_parse_prefix(text, &addr, &bits) && bits > 128)
        abort();
    return 0;
}
