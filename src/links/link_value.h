/* The values of link options: text -> number. False: not of that form, or out of range. */
#ifndef LINKS_LINK_VALUE_H
#define LINKS_LINK_VALUE_H

#include <stdbool.h>
#include <stdint.h>

bool value_percent(const char *text, uint64_t *ppm);  /* "2%", "0.5%": up to 100%, four decimals */
bool value_time(const char *text, uint64_t *ns);      /* "20ms", "1.5s", "300us": up to an hour */
bool value_rate(const char *text, uint64_t *bps);     /* "10mbit", "56kbit", "2.5gbit": not 0 */
bool value_whole(const char *text, uint64_t *number); /* "7" */
bool value_mtu(const char *text, uint64_t *bytes);    /* 1280 (RFC 8200 5) to 65535 */
bool value_text(const char *text, uint64_t *unused);  /* anything but nothing */

#endif
