/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/cdc.h"

#include <errno.h>
#include <string.h>

#include "proto/smc/wire.h"

#define PROD_FLAGS (CDC_WRITE_BLOCKED | CDC_URG_PENDING | CDC_URG_PRESENT | CDC_CURSOR_WANTED | CDC_VALIDATION)
#define CONN_FLAGS (CDC_DONE_WRITING | CDC_CLOSED | CDC_ABORT)

/* Words of the message, that is of struct cdc_wire_msg: one store each, so that whoever copies it word
 * by word at once (core_post_send()) need not wait for them. */
enum { W_HEAD, W_PROD, W_CONS, W_FLAGS, WORDS };

static void
put_word(uint8_t buf[CDC_LEN], unsigned i, uint64_t word)
{
	word = rte_cpu_to_be_64(word);
	memcpy(buf + 8 * i, &word, 8);
}

static uint64_t
cursor_word(const struct smc_cursor *c)
{
	return (uint64_t)c->wrap << 32 | c->count;
}

static void
cursor_from_wire(const struct cdc_wire_cursor *w, struct smc_cursor *c)
{
	c->wrap = rte_be_to_cpu_16(w->wrap);
	c->count = rte_be_to_cpu_32(w->count);
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
	put_word(buf, W_HEAD, (uint64_t)CDC_TYPE << 56 | (uint64_t)CDC_LEN << 48 | (uint64_t)msg->seq << 32 | msg->token);
	put_word(buf, W_PROD, cursor_word(&msg->prod));
	put_word(buf, W_CONS, cursor_word(&msg->cons));
	put_word(buf, W_FLAGS, (uint64_t)msg->prod_flags << 56 | (uint64_t)msg->conn_flags << 48);
	put_word(buf, WORDS, 0);
	memset(buf + CDC_LEN - 4, 0, 4);
}
