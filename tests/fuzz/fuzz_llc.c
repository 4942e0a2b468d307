/* SPDX-License-Identifier: BSD-3-Clause */
/* The octets of a SEND are a CDC or an LLC message or refused; one that
 * decodes encodes, and decodes again to the same; and so do its answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/smc/cdc.h"
#include "proto/smc/llc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_cdc(const uint8_t *data, size_t size)
{
	uint8_t first[CDC_LEN], second[CDC_LEN];
	struct cdc_msg msg;

	if (cdc_decode(data, size, &msg) != 0)
		return;
	cdc_encode(&msg, first);
	if (cdc_decode(first, sizeof(first), &msg) != 0)
		abort();
	cdc_encode(&msg, second);
	if (memcmp(first, second, sizeof(first)) != 0)
		abort();
}

/* Returns the length. */
static int
check_stable(const struct llc_msg *msg)
{
	static uint8_t first[LLC_MAX_LEN], second[LLC_MAX_LEN];
	static struct llc_msg again;
	int n = llc_encode(msg, first, sizeof(first));

	if (n < LLC_LEN || llc_decode(first, (size_t)n, &again) != 0 || again.type != msg->type ||
	    llc_encode(&again, second, sizeof(second)) != n || memcmp(first, second, (size_t)n) != 0)
		abort();
	return n;
}

static void
check_keys(const struct llc_msg *msg)
{
	struct llc_key key;

	if (msg->type != LLC_ADD_LINK || !msg->add_link.extended)
		return;
	if (msg->add_link.n_keys > LLC_MAX_KEYS)
		abort();
	for (unsigned i = 0; i < msg->add_link.n_keys; i++)
		llc_key_get(msg->add_link.keys, i, &key);
}

static void
check_answers(const struct llc_msg *msg)
{
	static struct llc_msg rsp;

	llc_respond(msg, &rsp);
	if (check_stable(&rsp) != LLC_LEN)
		abort();
	if (msg->type == LLC_ADD_LINK) {
		llc_reject(msg, &rsp);
		if (check_stable(&rsp) != LLC_LEN)
			abort();
	}
	if (msg->type == LLC_CONFIRM_RKEY || msg->type == LLC_DELETE_RKEY) {
		llc_refuse_rkey(msg, 1, &rsp);
		if (check_stable(&rsp) != LLC_LEN)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct llc_msg msg;
	int rc;

	if (size == 0)
		return 0;
	check_cdc(data, size);
	rc = llc_decode(data, size, &msg);
	if (rc == 0) {
		check_keys(&msg);
		check_stable(&msg);
		check_answers(&msg);
	} else if (rc != -EPROTO && rc != -ENOTSUP) {
		abort();
	}
	return 0;
}
