/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/llc.h"

#include <errno.h>

#include "tests/unit/smc/llc_vectors.h"
#include "tests/unit/smc/octets.h"
#include "tests/unit/test.h"

static const struct vector {
	const char *name, *hex;
	uint8_t type;
	bool v2;
	uint16_t len;
} vectors[] = {
	{ "confirm link v1", CONFIRM_LINK_V1, LLC_CONFIRM_LINK, false, 44 },
	{ "confirm link v2", CONFIRM_LINK_V2, LLC_CONFIRM_LINK, true, 44 },
	{ "confirm link v2 response", CONFIRM_LINK_V2_RSP, LLC_CONFIRM_LINK, true, 44 },
	{ "add link v1", ADD_LINK_V1, LLC_ADD_LINK, false, 44 },
	{ "add link v1 rejected", ADD_LINK_V1_REJECT, LLC_ADD_LINK, false, 44 },
	{ "add link v2 rejected", ADD_LINK_V2_REJECT, LLC_ADD_LINK, true, 44 },
	{ "add link v2 without keys", ADD_LINK_V2_EMPTY, LLC_ADD_LINK, true, 72 },
	{ "add link v2", ADD_LINK_V2, LLC_ADD_LINK, true, 88 },
	{ "add link v2, two keys", ADD_LINK_V2_TWO, LLC_ADD_LINK, true, 104 },
	{ "add link continuation", ADD_LINK_CONT, LLC_ADD_LINK_CONT, false, 44 },
	{ "add link continuation response", ADD_LINK_CONT_RSP, LLC_ADD_LINK_CONT, false, 44 },
	{ "delete link v1", DELETE_LINK_V1, LLC_DELETE_LINK, false, 44 },
	{ "delete link all", DELETE_LINK_ALL, LLC_DELETE_LINK, true, 44 },
	{ "delete link response", DELETE_LINK_RSP, LLC_DELETE_LINK, true, 44 },
	{ "request add link", REQ_ADD_LINK, LLC_REQ_ADD_LINK, true, 44 },
	{ "request add link, three GIDs", REQ_ADD_LINK_THREE, LLC_REQ_ADD_LINK, true, 76 },
	{ "confirm rkey v1, two links", CONFIRM_RKEY_V1, LLC_CONFIRM_RKEY, false, 44 },
	{ "confirm rkey v2", CONFIRM_RKEY_V2, LLC_CONFIRM_RKEY, true, 44 },
	{ "confirm rkey v2 refused", CONFIRM_RKEY_REFUSED, LLC_CONFIRM_RKEY, true, 44 },
	{ "test link v1", TEST_LINK_V1, LLC_TEST_LINK, false, 44 },
	{ "test link v2 response", TEST_LINK_V2, LLC_TEST_LINK, true, 44 },
	{ "delete rkey v1", DELETE_RKEY_V1, LLC_DELETE_RKEY, false, 44 },
	{ "delete rkey v1 response", DELETE_RKEY_V1_RSP, LLC_DELETE_RKEY, false, 44 },
	{ "delete rkey v1, 8 keys", DELETE_RKEY_V1_FULL, LLC_DELETE_RKEY, false, 44 },
	{ "delete rkey v2", DELETE_RKEY_V2, LLC_DELETE_RKEY, true, 44 },
	{ "delete rkey v2, 9 keys", DELETE_RKEY_V2_NINE, LLC_DELETE_RKEY, true, 44 },
	{ "delete rkey v2, 10 keys", DELETE_RKEY_V2_TEN, LLC_DELETE_RKEY, true, 48 },
	{ "delete rkey v2 response", DELETE_RKEY_V2_RSP, LLC_DELETE_RKEY, true, 44 },
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static struct octets octets;
static struct llc_msg msg;

/* A decoded message and the memory its lists are in, of exactly its size. */
static uint8_t *held;

static int
decode(const uint8_t *b, size_t len, struct llc_msg *m)
{
	free(held);
	held = octets_exact(b, len);
	memset(m, 0xa5, sizeof(*m));
	return llc_decode(held, len, m);
}

/* Into msg, which must succeed. */
static void
decode_hex(const char *hex)
{
	octets_from_hex(hex, &octets);
	CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, &msg), 0);
}

static void llc_decode__vectors_return_to_the_same_octets(void)
{
	uint8_t buf[LLC_MAX_LEN];

	for (size_t i = 0; i < N_VECTORS; i++) {
		const struct vector *v = &vectors[i];

		octets_from_hex(v->hex, &octets);
		CU_ASSERT_EQUAL_FATAL(octets.len, v->len);
		CU_ASSERT_EQUAL_FATAL(decode(octets.b, octets.len, &msg), 0);
		CU_ASSERT(msg.type == v->type && msg.v2 == v->v2);
		CU_ASSERT_EQUAL(msg.resp, octets.b[3] >> 7);
		memset(buf, 0x5a, sizeof(buf));
		CU_ASSERT_EQUAL(llc_encode(&msg, buf, v->len), v->len);
		if (memcmp(buf, octets.b, v->len) != 0)
			CU_FAIL(v->name);
		CU_ASSERT_EQUAL(buf[v->len], 0x5a);
		CU_ASSERT_EQUAL(llc_encode(&msg, buf, v->len - 1u), -ENOBUFS);
	}
}

static void llc_decode__fields_of_links(void)
{
	decode_hex(CONFIRM_LINK_V2_RSP);
	CU_ASSERT(msg.resp && msg.confirm_link.no_eyecatcher);
	CU_ASSERT_EQUAL(msg.confirm_link.mac[4], 10);
	CU_ASSERT_EQUAL(msg.confirm_link.gid[15], 1);
	CU_ASSERT_EQUAL(msg.confirm_link.qpn, 0x13);
	CU_ASSERT_EQUAL(msg.confirm_link.link_id, 1);
	CU_ASSERT_EQUAL(msg.confirm_link.link_uid, 0x201);
	CU_ASSERT_EQUAL(msg.confirm_link.max_links, 1);
	CU_ASSERT_EQUAL(msg.confirm_link.max_conns, 255);

	decode_hex(ADD_LINK_V1_REJECT);
	CU_ASSERT(msg.resp && msg.reject && !msg.add_link.extended);
	CU_ASSERT_EQUAL(msg.add_link.reject_reason, LLC_REJECT_NO_ALT_PATH);
	CU_ASSERT_EQUAL(msg.add_link.qpn, 0x14);
	CU_ASSERT_EQUAL(msg.add_link.link_id, 2);
	CU_ASSERT_EQUAL(msg.add_link.mtu_code, 3);
	CU_ASSERT_EQUAL(msg.add_link.psn, 0xabcdef);

	decode_hex(DELETE_LINK_ALL);
	CU_ASSERT(!msg.resp && msg.all && msg.orderly);
	CU_ASSERT_EQUAL(msg.delete_link.reason, LLC_DEL_PROGRAM);
	decode_hex(DELETE_LINK_RSP);
	CU_ASSERT(msg.resp && !msg.all && msg.orderly);
	CU_ASSERT_EQUAL(msg.delete_link.link_id, 2);
	CU_ASSERT_EQUAL(msg.delete_link.reason, LLC_DEL_UNKNOWN_LINK);

	decode_hex(REQ_ADD_LINK_THREE);
	CU_ASSERT_EQUAL(msg.req_add_link.n_gids, 3);
	CU_ASSERT_EQUAL(msg.req_add_link.gids[47], 1);

	decode_hex(TEST_LINK_V1);
	CU_ASSERT_EQUAL(msg.test_data[15], 15);
}

static void llc_decode__fields_of_keys(void)
{
	struct llc_key key;

	decode_hex(ADD_LINK_V2_TWO);
	CU_ASSERT(msg.add_link.extended && msg.add_link.direct);
	CU_ASSERT_EQUAL(msg.add_link.n_keys, 2);
	llc_key_get(msg.add_link.keys, 0, &key);
	CU_ASSERT(key.rkey == 0x1234 && key.new_rkey == 0x5678 && key.new_addr == 0x7f0000010000);
	llc_key_get(msg.add_link.keys, 1, &key);
	CU_ASSERT(key.rkey == 0x11111111 && key.new_rkey == 0x22222222 && key.new_addr == 0x3333333333333333);

	decode_hex(ADD_LINK_CONT);
	CU_ASSERT(msg.add_link_cont.link_id == 2 && msg.add_link_cont.n_left == 3);
	CU_ASSERT_EQUAL(msg.add_link_cont.keys[1].new_rkey, 0x22222222);

	decode_hex(CONFIRM_RKEY_V1);
	CU_ASSERT_EQUAL(msg.confirm_rkey.n_other, 1);
	CU_ASSERT_EQUAL(msg.confirm_rkey.rkey, 0x1234);
	CU_ASSERT_EQUAL(msg.confirm_rkey.addr, 0x7f0000010000);
	CU_ASSERT_EQUAL(msg.confirm_rkey.other[0].link_id, 2);
	CU_ASSERT_EQUAL(msg.confirm_rkey.other[0].rkey, 0x5678);
	CU_ASSERT_EQUAL(msg.confirm_rkey.other[0].addr, 0x7f0000020000);
	decode_hex(CONFIRM_RKEY_REFUSED);
	CU_ASSERT(msg.resp && msg.negative && msg.retry);

	decode_hex(DELETE_RKEY_V1_RSP);
	CU_ASSERT(msg.resp && msg.negative && !msg.retry);
	CU_ASSERT(msg.delete_rkey.n_keys == 1 && msg.delete_rkey.err == 0x80);
	CU_ASSERT_EQUAL(msg.delete_rkey.rkeys[0], 0x1234);
	decode_hex(DELETE_RKEY_V2_TEN);
	CU_ASSERT_EQUAL(msg.delete_rkey.rkeys[9], 0xaaaaaaaa);
	/* The keys of a response are not there and are zero. */
	decode_hex(DELETE_RKEY_V2_RSP);
	CU_ASSERT_EQUAL(msg.delete_rkey.n_keys, 255);
	CU_ASSERT_EQUAL(msg.delete_rkey.rkeys[254], 0);
}

/* Flags of one message mean something else in another. */
static void llc_decode__flags_by_type(void)
{
	decode_hex(CONFIRM_LINK_V2);
	held[3] = 0xff;
	CU_ASSERT_EQUAL(llc_decode(held, 44, &msg), 0);
	CU_ASSERT(msg.resp && !msg.reject && !msg.negative && !msg.retry && !msg.all && !msg.orderly);
	for (uint8_t flags = 0; flags < 4; flags++) {
		held[3] = flags;
		CU_ASSERT_EQUAL(llc_decode(held, 44, &msg), 0);
		CU_ASSERT_EQUAL(msg.confirm_link.no_eyecatcher, flags != 0);
	}
	decode_hex(ADD_LINK_V1);
	held[3] = 0xff;
	CU_ASSERT_EQUAL(llc_decode(held, 44, &msg), 0);
	CU_ASSERT(msg.reject && !msg.negative && !msg.retry && !msg.all && !msg.orderly);
	decode_hex(DELETE_LINK_V1);
	held[3] = 0xff;
	CU_ASSERT_EQUAL(llc_decode(held, 44, &msg), 0);
	CU_ASSERT(!msg.reject && !msg.negative && !msg.retry && msg.all && msg.orderly);
	decode_hex(DELETE_RKEY_V2);
	held[3] = 0xff;
	CU_ASSERT_EQUAL(llc_decode(held, 44, &msg), 0);
	CU_ASSERT(!msg.reject && msg.negative && msg.retry && !msg.all && !msg.orderly);
}

/* Lengths in either order; what the SEND carried is what counts. */
static void llc_decode__length_in_both_orders(void)
{
	static const struct {
		const char *hex;
		uint8_t len[2];
		int rc;
	} cases[] = {
		{ CONFIRM_LINK_V2, { 0x2c, 0 }, 0 },      { CONFIRM_LINK_V2, { 0, 0x2c }, 0 },
		{ CONFIRM_LINK_V2, { 0x2b, 0 }, -EPROTO }, { CONFIRM_LINK_V2, { 0, 0x2b }, -EPROTO },
		{ CONFIRM_LINK_V2, { 0x2d, 0 }, -EPROTO }, { CONFIRM_LINK_V2, { 0, 0x2d }, -EPROTO },
		{ CONFIRM_LINK_V2, { 0, 0 }, -EPROTO },   { CONFIRM_LINK_V2, { 0x2c, 0x2c }, -EPROTO },
		{ ADD_LINK_V2, { 0x58, 0 }, 0 },          { ADD_LINK_V2, { 0, 0x58 }, 0 },
		{ ADD_LINK_V2, { 0x2c, 0 }, 0 },          /* shorter than the SEND: harmless */
		{ ADD_LINK_V2, { 0x59, 0 }, -EPROTO },
		{ CONFIRM_LINK_V1, { 0x2c, 0 }, 0 },      { CONFIRM_LINK_V1, { 0, 0x2c }, -EPROTO },
		{ CONFIRM_LINK_V1, { 0x2b, 0 }, -EPROTO }, { CONFIRM_LINK_V1, { 0x58, 0 }, -EPROTO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(cases[i].hex, &octets);
		memcpy(octets.b + 1, cases[i].len, 2);
		CU_ASSERT_EQUAL(decode(octets.b, octets.len, &msg), cases[i].rc);
	}
}

static void llc_decode__length_received(void)
{
	for (size_t i = 0; i < N_VECTORS; i++) {
		octets_from_hex(vectors[i].hex, &octets);
		for (size_t len = 0; len < 44; len++)
			CU_ASSERT_EQUAL(decode(octets.b, len, &msg), -EPROTO);
		for (size_t len = 44; len < vectors[i].len; len++)
			CU_ASSERT_EQUAL(decode(octets.b, len, &msg), -EPROTO);
		memset(octets.b + octets.len, 0, 16);
		if (!vectors[i].v2)
			CU_ASSERT_EQUAL(decode(octets.b, octets.len + 1, &msg), -EPROTO);
	}
	octets_from_hex(CONFIRM_LINK_V2, &octets);
	octets.len = LLC_MAX_LEN;
	CU_ASSERT_EQUAL(llc_decode(octets.b, LLC_MAX_LEN, &msg), 0);
	CU_ASSERT_EQUAL(llc_decode(octets.b, LLC_MAX_LEN + 1, &msg), -EPROTO);
}

/* The count of keys in either order, up to the longest message there is. */
static void llc_decode_add_link__count_in_both_orders(void)
{
	static const struct {
		unsigned n;             /* keys that follow */
		uint8_t count[2];
		int keys;               /* or an error */
	} cases[] = {
		{ 0, { 0, 0 }, 0 }, { 1, { 1, 0 }, 1 }, { 1, { 0, 1 }, 1 },
		{ 255, { 255, 0 }, 255 }, { 255, { 0, 255 }, 255 },
		{ 3, { 2, 0 }, 2 }, { 3, { 0, 2 }, 2 },     /* more room than keys */
		{ 1, { 2, 0 }, -EPROTO }, { 1, { 0, 2 }, -EPROTO }, { 0, { 1, 0 }, -EPROTO },
		{ 256, { 0, 1 }, 1 },                       /* not 256 */
		{ 300, { 255, 0 }, 255 }, { 300, { 255, 255 }, -EPROTO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		octets_from_hex(ADD_LINK_V2_EMPTY, &octets);
		memset(octets.b + 72, 0x77, cases[i].n * 16u);
		octets.len = 72 + cases[i].n * 16u;
		octets.b[1] = (uint8_t)octets.len;
		octets.b[2] = (uint8_t)(octets.len >> 8);
		memcpy(octets.b + 70, cases[i].count, 2);
		rc = decode(octets.b, octets.len, &msg);
		CU_ASSERT_EQUAL(rc, cases[i].keys < 0 ? cases[i].keys : 0);
		if (rc == 0)
			CU_ASSERT_EQUAL(msg.add_link.n_keys, cases[i].keys);
	}
}

static void llc_decode__counts_beyond_the_message(void)
{
	static const struct {
		const char *name, *hex;
		size_t at;
		uint8_t value;
	} cases[] = {
		{ "request add link, 2 GIDs in 44 octets", REQ_ADD_LINK, 24, 2 },
		{ "request add link, 255 GIDs", REQ_ADD_LINK, 24, 255 },
		{ "request add link, 4 GIDs in 76 octets", REQ_ADD_LINK_THREE, 24, 4 },
		{ "delete rkey v1, 9 keys", DELETE_RKEY_V1_FULL, 4, 9 },
		{ "delete rkey v1, 255 keys", DELETE_RKEY_V1, 4, 255 },
		{ "delete rkey v1, none", DELETE_RKEY_V1, 4, 0 },
		{ "delete rkey v2, none", DELETE_RKEY_V2, 4, 0 },
		{ "delete rkey v2, 10 keys in 44 octets", DELETE_RKEY_V2_NINE, 4, 10 },
		{ "delete rkey v2, 11 keys in 48 octets", DELETE_RKEY_V2_TEN, 4, 11 },
		{ "delete rkey v2, 255 keys", DELETE_RKEY_V2, 4, 255 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(cases[i].hex, &octets);
		octets.b[cases[i].at] = cases[i].value;
		if (decode(octets.b, octets.len, &msg) != -EPROTO)
			CU_FAIL(cases[i].name);
	}
	/* A CONFIRM RKEY that lists too many links must be answered, so it decodes. */
	octets_from_hex(CONFIRM_RKEY_V1, &octets);
	octets.b[4] = 255;
	CU_ASSERT_EQUAL(decode(octets.b, octets.len, &msg), 0);
	CU_ASSERT_EQUAL(msg.confirm_rkey.n_other, 255);
}

/* Types nobody sends, and types of the other version only. */
static void llc_decode__types(void)
{
	for (unsigned type = 0; type < 256; type++) {
		bool v1 = type >= 1 && type <= 9 && type != 5 && type != 8;
		bool v2 = type >= 0x21 && type <= 0x29 && type != 0x23 && type != 0x28;

		octets_from_hex(CONFIRM_LINK_V2, &octets);
		octets.b[0] = (uint8_t)type;
		octets.b[4] = 1;        /* no count of none */
		octets.b[24] = 0;       /* GIDs of REQUEST ADD LINK */
		CU_ASSERT_EQUAL(decode(octets.b, octets.len, &msg), v1 || v2 ? 0 : -ENOTSUP);
	}
}

/* Each octet with each value: what decodes encodes, and to the same again. */
static void llc_decode__every_octet_changed(void)
{
	static uint8_t first[LLC_MAX_LEN], second[LLC_MAX_LEN];

	for (size_t i = 0; i < N_VECTORS; i++) {
		octets_from_hex(vectors[i].hex, &octets);
		for (size_t at = 0; at < octets.len; at++) {
			uint8_t was = octets.b[at];

			for (unsigned value = 0; value < 256; value++) {
				int len;

				octets.b[at] = (uint8_t)value;
				if (decode(octets.b, octets.len, &msg) != 0)
					continue;
				len = llc_encode(&msg, first, sizeof(first));
				CU_ASSERT_FATAL(len >= LLC_LEN);
				CU_ASSERT_EQUAL_FATAL(decode(first, (size_t)len, &msg), 0);
				CU_ASSERT_EQUAL_FATAL(llc_encode(&msg, second, sizeof(second)), len);
				CU_ASSERT_EQUAL_FATAL(memcmp(first, second, (size_t)len), 0);
			}
			octets.b[at] = was;
		}
	}
}

/* Requests and the answers Linux gives to them. */
static void llc_respond__as_linux_does(void)
{
	enum how { RESPOND, REJECT, REFUSE };
	static const struct {
		const char *name, *request, *response;
		enum how how;
		uint8_t err;
	} cases[] = {
		{ "test link", TEST_LINK_V1, "07 2c 00 80 000102030405060708090a0b0c0d0e0f 00*24 ", RESPOND, 0 },
		{ "add link v1", ADD_LINK_V1, ADD_LINK_V1_REJECT, REJECT, 0 },
		{ "add link v2 of 88 octets", ADD_LINK_V2, ADD_LINK_V2_REJECT, REJECT, 0 },
		{ "request add link", REQ_ADD_LINK_THREE, "25 2c00 80 00*40 ", RESPOND, 0 },
		{ "delete link", DELETE_LINK_V1, "04 2c 00 a0 02 00010000 00*35 ", RESPOND, 0 },
		{ "confirm rkey", CONFIRM_RKEY_V2, "26 2c00 80 00 00001234 00007f0000010000 00*26 00 ", RESPOND, 0 },
		{ "confirm rkey refused", CONFIRM_RKEY_V2, CONFIRM_RKEY_REFUSED, REFUSE, 0 },
		{ "delete rkey v1", DELETE_RKEY_V1, "09 2c 00 80 01 00 0000 00001234 00*32 ", RESPOND, 0 },
		{ "delete rkey v1 refused", DELETE_RKEY_V1, DELETE_RKEY_V1_RSP, REFUSE, 0x80 },
		{ "delete rkey v2", DELETE_RKEY_V2_NINE, "29 2c00 80 09 00 0000 00*36 ", RESPOND, 0 },
		{ "delete rkey v2, long", DELETE_RKEY_V2_TEN, "29 2c00 80 0a 00 0000 00*36 ", RESPOND, 0 },
		{ "delete rkey v2 refused", DELETE_RKEY_V2, "29 2c00 a0 01 01 0000 00*36 ", REFUSE, 1 },
	};
	static struct octets expected;
	uint8_t buf[LLC_LEN];
	struct llc_msg rsp;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		octets_from_hex(cases[i].response, &expected);
		CU_ASSERT_EQUAL_FATAL(expected.len, LLC_LEN);
		decode_hex(cases[i].request);
		if (cases[i].how == RESPOND)
			llc_respond(&msg, &rsp);
		else if (cases[i].how == REJECT)
			llc_reject(&msg, &rsp);
		else
			llc_refuse_rkey(&msg, cases[i].err, &rsp);
		CU_ASSERT_EQUAL(llc_encode(&rsp, buf, sizeof(buf)), LLC_LEN);
		if (memcmp(buf, expected.b, LLC_LEN) != 0)
			CU_FAIL(cases[i].name);
	}
}

static void llc_encode__long_lists(void)
{
	static uint8_t keys[LLC_MAX_KEYS * LLC_KEY_LEN], buf[LLC_MAX_LEN];
	struct llc_msg m = { .type = LLC_ADD_LINK, .v2 = true };
	struct llc_key key;

	for (unsigned i = 0; i < LLC_MAX_KEYS; i++)
		llc_key_put(keys, i, &(struct llc_key){ i, 1000 + i, UINT64_C(1) << 40 | i });
	m.add_link.extended = true;
	m.add_link.n_keys = LLC_MAX_KEYS;
	m.add_link.keys = keys;
	CU_ASSERT_EQUAL(llc_encode(&m, buf, sizeof(buf)), 4152);
	CU_ASSERT_EQUAL(decode(buf, 4152, &msg), 0);
	CU_ASSERT_EQUAL_FATAL(msg.add_link.n_keys, LLC_MAX_KEYS);
	llc_key_get(msg.add_link.keys, 254, &key);
	CU_ASSERT(key.rkey == 254 && key.new_rkey == 1254 && key.new_addr == (UINT64_C(1) << 40 | 254));
	CU_ASSERT_EQUAL(llc_encode(&m, buf, 4151), -ENOBUFS);

	memset(&m, 0, sizeof(m));
	m.type = LLC_DELETE_RKEY;
	m.v2 = true;
	m.delete_rkey.n_keys = 255;
	m.delete_rkey.rkeys[254] = 0xfedcba98;
	CU_ASSERT_EQUAL(llc_encode(&m, buf, sizeof(buf)), 8 + 255 * 4);
	CU_ASSERT_EQUAL(decode(buf, 8 + 255 * 4, &msg), 0);
	CU_ASSERT_EQUAL(msg.delete_rkey.rkeys[254], 0xfedcba98);

	memset(&m, 0, sizeof(m));
	m.type = LLC_REQ_ADD_LINK;
	m.v2 = true;
	m.req_add_link.n_gids = 255;
	m.req_add_link.gids = keys;
	CU_ASSERT_EQUAL(llc_encode(&m, buf, sizeof(buf)), 28 + 255 * 16);
	CU_ASSERT_EQUAL(llc_encode(&m, buf, 28 + 255 * 16 - 1), -ENOBUFS);
}

/* The greatest that 24 and 4 bits hold, there and back. */
static void llc_encode__greatest_values(void)
{
	struct llc_msg m = { .type = LLC_ADD_LINK };
	uint8_t buf[LLC_LEN];

	m.add_link.qpn = m.add_link.psn = 0xffffff;
	m.add_link.mtu_code = m.add_link.reject_reason = 15;
	CU_ASSERT_EQUAL(llc_encode(&m, buf, sizeof(buf)), LLC_LEN);
	CU_ASSERT_EQUAL(decode(buf, sizeof(buf), &msg), 0);
	CU_ASSERT(msg.add_link.qpn == 0xffffff && msg.add_link.psn == 0xffffff);
	CU_ASSERT(msg.add_link.mtu_code == 15 && msg.add_link.reject_reason == 15);

	memset(&m, 0, sizeof(m));
	m.type = LLC_CONFIRM_LINK;
	m.confirm_link.qpn = 0xffffff;
	m.confirm_link.link_id = 255;
	m.confirm_link.link_uid = UINT32_MAX;
	CU_ASSERT_EQUAL(llc_encode(&m, buf, sizeof(buf)), LLC_LEN);
	CU_ASSERT_EQUAL(decode(buf, sizeof(buf), &msg), 0);
	CU_ASSERT(msg.confirm_link.qpn == 0xffffff && msg.confirm_link.link_uid == UINT32_MAX);
	CU_ASSERT(msg.confirm_link.link_id == 255 && !msg.confirm_link.no_eyecatcher);
}

static void llc_encode__out_of_range(void)
{
	static const struct llc_msg refused[] = {
		{ .type = 0 }, { .type = 8 }, { .type = 10 }, { .type = 255 }, { .type = LLC_REQ_ADD_LINK },
		{ .type = LLC_ADD_LINK_CONT, .v2 = true },
		{ .type = LLC_CONFIRM_LINK, .confirm_link.qpn = 0x1000000 },
		{ .type = LLC_ADD_LINK, .add_link.qpn = 0x1000000 },
		{ .type = LLC_ADD_LINK, .add_link.psn = 0x1000000 },
		{ .type = LLC_ADD_LINK, .add_link.mtu_code = 16 },
		{ .type = LLC_ADD_LINK, .add_link.reject_reason = 16 },
		{ .type = LLC_ADD_LINK, .v2 = true, .add_link = { .extended = true, .n_keys = 256 } },
		{ .type = LLC_DELETE_RKEY }, { .type = LLC_DELETE_RKEY, .v2 = true },
		{ .type = LLC_DELETE_RKEY, .delete_rkey.n_keys = 9 },
	};
	static uint8_t buf[LLC_MAX_LEN];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_EQUAL(llc_encode(&refused[i], buf, sizeof(buf)), -EINVAL);
}

static void llc_type_name__all(void)
{
	CU_ASSERT_STRING_EQUAL(llc_type_name(LLC_CONFIRM_RKEY), "confirm rkey");
	for (unsigned type = 0; type < 256; type++)
		CU_ASSERT_EQUAL(strcmp(llc_type_name((uint8_t)type), "unknown") != 0,
				type >= 1 && type <= 9 && type != 8);
}

static const struct test_case cases[] = {
	TEST_CASE(llc_decode__vectors_return_to_the_same_octets),
	TEST_CASE(llc_decode__fields_of_links),
	TEST_CASE(llc_decode__fields_of_keys),
	TEST_CASE(llc_decode__flags_by_type),
	TEST_CASE(llc_decode__length_in_both_orders),
	TEST_CASE(llc_decode__length_received),
	TEST_CASE(llc_decode_add_link__count_in_both_orders),
	TEST_CASE(llc_decode__counts_beyond_the_message),
	TEST_CASE(llc_decode__types),
	TEST_CASE(llc_decode__every_octet_changed),
	TEST_CASE(llc_respond__as_linux_does),
	TEST_CASE(llc_encode__long_lists),
	TEST_CASE(llc_encode__greatest_values),
	TEST_CASE(llc_encode__out_of_range),
	TEST_CASE(llc_type_name__all),
};
TEST_MAIN("llc", cases)
