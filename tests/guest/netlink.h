/* SPDX-License-Identifier: BSD-3-Clause */
/* Generic netlink as the SMC module's families need it: one request at a time. */
#ifndef GUEST_NETLINK_H
#define GUEST_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to call an attribute; sub for what is nested in it. A table ends with name NULL. */
struct netlink_name {
	uint16_t type;
	const char *name;
	const struct netlink_name *sub;
	bool text; /* a string, not a number of the value's length */
};

/* The number of a family, or a negative errno. */
int netlink_family(const char *name);

/* A new request; flags as NLM_F_DUMP or NLM_F_ACK. */
void netlink_begin(uint16_t family, uint8_t command, uint16_t flags);
void netlink_put(uint16_t type, const void *value, size_t len);

/* Sends it and prints every answer as a line of name=value; 0 or a negative errno. */
int netlink_talk(const struct netlink_name *names);

#endif
