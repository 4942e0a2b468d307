/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/cdc.h"

#include <errno.h>
#include <string.h>

#include "proto/smc/wire.h"

#define PROD_FLAGS (CDC_WRITE_BLOCKED | CDC_URG_PENDING | CDC_URG_PRESENT | CDC_CURSOR_WANTED | CDC_VALIDATION)
#define CONN_FLAGS (CDC_DONE_WRITING | CDC_CLOSED | CDC_ABORT)

static void
cursor_from_wire(const struct cdc_wire_cursor *w, struct smc_cursor *c)
{
	c->wrap = rte_be_to_cpu_16(w->wrap);
	c->count = rte_be_to_cpu_32(w->count);
}

static void
cursor_to_wire(const struct smc_cursor *c, struct cdc_wire_cursor *w)
{
	w->wrap = rte_cpu_to_be_16(c->wrap);
	w->count = rte_cpu_to_be_32(c->count);
}

int
cdc_decode(const uint8_t *buf, size_t len, struct cdc_msg *msg)
{
	const struct cdc_wire_msg *w = (const struct cdc_wire_msg *)buf;

	if (len != CDC_LEN || w->type != CDC_TYPE || w->len != CDC_LEN)
		return -EPROTO;
	msg->seq = rte_be_to_cpu_16(w->seq);
	msg->token = rte_be_to_cpu_32(w->token);
	cursor_from_wire(&w->prod, &msg->prod);
	cursor_from_wire(&w->cons, &msg->cons);
	msg->prod_flags = w->prod_flags & PROD_FLAGS;
	msg->conn_flags = w->conn_flags & CONN_FLAGS;
	return 0;
}

void
cdc_encode(const struct cdc_msg *msg, uint8_t buf[CDC_LEN])
{
	struct cdc_wire_msg *w = (struct cdc_wire_msg *)buf;

	memset(w, 0, sizeof(*w));
	w->type = CDC_TYPE;
	w->len = CDC_LEN;
	w->seq = rte_cpu_to_be_16(msg->seq);
	w->token = rte_cpu_to_be_32(msg->token);
	cursor_to_wire(&msg->prod, &w->prod);
	cursor_to_wire(&msg->cons, &w->cons);
	w->prod_flags = msg->prod_flags;
	w->conn_flags = msg->conn_flags;
}
