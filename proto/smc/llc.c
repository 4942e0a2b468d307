/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/llc.h"

#include <errno.h>
#include <string.h>

#include "proto/smc/wire.h"

#define ADD_LINK_EXT_LEN (LLC_LEN + sizeof(struct llc_wire_add_link_ext))
#define GID_LEN 16
#define MAX_24 0xffffffu

static_assert(sizeof(struct llc_wire_key) == LLC_KEY_LEN, "key entry");
static_assert(ADD_LINK_EXT_LEN + LLC_MAX_KEYS * LLC_KEY_LEN <= LLC_MAX_LEN, "longest ADD LINK");
static_assert(sizeof(struct llc_wire_req_add_link) + UINT8_MAX * GID_LEN <= LLC_MAX_LEN, "longest REQUEST ADD LINK");

static uint32_t
get24(const uint8_t b[3])
{
	return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

static void
put24(uint8_t b[3], uint32_t v)
{
	b[0] = (uint8_t)(v >> 16);
	b[1] = (uint8_t)(v >> 8);
	b[2] = (uint8_t)v;
}

static unsigned
get16le(const uint8_t b[2])
{
	return (unsigned)b[1] << 8 | b[0];
}

static unsigned
get16be(const uint8_t b[2])
{
	return (unsigned)b[0] << 8 | b[1];
}

static void
put16le(uint8_t b[2], unsigned v)
{
	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

void
llc_key_get(const uint8_t *keys, unsigned i, struct llc_key *key)
{
	const struct llc_wire_key *w = (const struct llc_wire_key *)keys + i;

	key->rkey = rte_be_to_cpu_32(w->rkey);
	key->new_rkey = rte_be_to_cpu_32(w->new_rkey);
	key->new_addr = rte_be_to_cpu_64(w->new_addr);
}

void
llc_key_put(uint8_t *keys, unsigned i, const struct llc_key *key)
{
	struct llc_wire_key *w = (struct llc_wire_key *)keys + i;

	w->rkey = rte_cpu_to_be_32(key->rkey);
	w->new_rkey = rte_cpu_to_be_32(key->new_rkey);
	w->new_addr = rte_cpu_to_be_64(key->new_addr);
}

/* Octets to struct. The header, and that there are at least LLC_LEN octets, is checked. */

static int
decode_confirm_link(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_confirm_link *w = (const struct llc_wire_confirm_link *)buf;
	struct llc_confirm_link *c = &msg->confirm_link;

	memcpy(c->mac, w->mac, sizeof(c->mac));
	memcpy(c->gid, w->gid, sizeof(c->gid));
	c->qpn = get24(w->qpn);
	c->link_id = w->link_id;
	c->link_uid = rte_be_to_cpu_32(w->link_uid);
	c->max_links = w->max_links;
	c->max_conns = w->max_conns;
	c->no_eyecatcher = w->hdr.flags & LLC_FLAG_NO_EYECATCHER;
	return 0;
}

/*
 * The number of keys in an extension with room for n of them. Of the two ways
 * to read the count the one that fills the message is right, else one that fits.
 */
static int
count_keys(const uint8_t count[2], size_t n)
{
	unsigned le = get16le(count), be = get16be(count);

	if (n > LLC_MAX_KEYS)
		n = LLC_MAX_KEYS;
	if (le == n || be == n)
		return (int)n;
	if (le < n)
		return (int)le;
	return be < n ? (int)be : -EPROTO;
}

static int
decode_add_link_ext(const uint8_t *buf, size_t len, struct llc_add_link *a)
{
	const struct llc_wire_add_link_ext *w = (const struct llc_wire_add_link_ext *)(buf + LLC_LEN);
	int n;

	if (len < ADD_LINK_EXT_LEN)
		return -EPROTO;
	n = count_keys(w->n_keys, (len - ADD_LINK_EXT_LEN) / LLC_KEY_LEN);
	if (n < 0)
		return n;
	a->extended = true;
	a->direct = w->direct & 0x80;
	memcpy(a->target_gid, w->target_gid, sizeof(a->target_gid));
	a->n_keys = (uint16_t)n;
	a->keys = buf + ADD_LINK_EXT_LEN;
	return 0;
}

static int
decode_add_link(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_add_link *w = (const struct llc_wire_add_link *)buf;
	struct llc_add_link *a = &msg->add_link;

	msg->reject = w->hdr.flags & LLC_FLAG_REJECT;
	memset(a, 0, sizeof(*a));
	memcpy(a->mac, w->mac, sizeof(a->mac));
	memcpy(a->gid, w->gid, sizeof(a->gid));
	a->qpn = get24(w->qpn);
	a->link_id = w->link_id;
	a->mtu_code = w->mtu & 0x0f;
	a->psn = get24(w->psn);
	if (!msg->v2)
		a->reject_reason = w->hdr.len[1] & 0x0f;
	return len > LLC_LEN ? decode_add_link_ext(buf, len, a) : 0;
}

static int
decode_add_link_cont(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_add_link_cont *w = (const struct llc_wire_add_link_cont *)buf;
	struct llc_add_link_cont *c = &msg->add_link_cont;

	c->link_id = w->link_id;
	c->n_left = w->n_left;
	for (unsigned i = 0; i < 2; i++)
		llc_key_get((const uint8_t *)w->keys, i, &c->keys[i]);
	return 0;
}

static int
decode_delete_link(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_delete_link *w = (const struct llc_wire_delete_link *)buf;

	msg->all = w->hdr.flags & LLC_FLAG_ALL;
	msg->orderly = w->hdr.flags & LLC_FLAG_ORDERLY;
	msg->delete_link.link_id = w->link_id;
	msg->delete_link.reason = rte_be_to_cpu_32(w->reason);
	return 0;
}

static int
decode_req_add_link(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_req_add_link *w = (const struct llc_wire_req_add_link *)buf;

	if (sizeof(*w) + (size_t)w->n_gids * GID_LEN > len)
		return -EPROTO;
	msg->req_add_link.n_gids = w->n_gids;
	msg->req_add_link.gids = buf + sizeof(*w);
	return 0;
}

static void
link_key_get(const struct llc_wire_link_key *w, struct llc_link_key *key)
{
	key->link_id = w->link_id;
	key->rkey = rte_be_to_cpu_32(w->rkey);
	key->addr = rte_be_to_cpu_64(w->addr);
}

static int
decode_confirm_rkey(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_confirm_rkey *w = (const struct llc_wire_confirm_rkey *)buf;
	struct llc_confirm_rkey *c = &msg->confirm_rkey;

	msg->negative = w->hdr.flags & LLC_FLAG_NEGATIVE;
	msg->retry = w->hdr.flags & LLC_FLAG_RETRY;
	c->n_other = w->here.link_id;
	c->rkey = rte_be_to_cpu_32(w->here.rkey);
	c->addr = rte_be_to_cpu_64(w->here.addr);
	for (unsigned i = 0; i < LLC_MAX_OTHER_LINKS; i++)
		link_key_get(&w->other[i], &c->other[i]);
	return 0;
}

static int
decode_test_link(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	memcpy(msg->test_data, buf + sizeof(struct llc_wire_hdr), sizeof(msg->test_data));
	return 0;
}

static int
decode_delete_rkey(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_delete_rkey *w = (const struct llc_wire_delete_rkey *)buf;
	struct llc_delete_rkey *d = &msg->delete_rkey;
	size_t room = msg->v2 ? (len - LLC_DELETE_RKEY_HEAD) / sizeof(rte_be32_t) : LLC_V1_DELETE_KEYS;

	/* A v2 response keeps the count and leaves the keys out. */
	if (w->n_keys == 0 || (w->n_keys > room && !(msg->v2 && msg->resp)))
		return -EPROTO;
	msg->negative = w->hdr.flags & LLC_FLAG_NEGATIVE;
	msg->retry = w->hdr.flags & LLC_FLAG_RETRY;
	d->n_keys = w->n_keys;
	d->err = w->err;
	for (unsigned i = 0; i < d->n_keys; i++) {
		rte_be32_t key = 0;

		if (i < room)
			memcpy(&key, buf + LLC_DELETE_RKEY_HEAD + i * sizeof(key), sizeof(key));
		d->rkeys[i] = rte_be_to_cpu_32(key);
	}
	return 0;
}

/* Struct to octets, which are LLC_LEN zeros. Returns the length or an error. */

static int
encode_confirm_link(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_confirm_link *w = (struct llc_wire_confirm_link *)buf;
	const struct llc_confirm_link *c = &msg->confirm_link;

	if (c->qpn > MAX_24)
		return -EINVAL;
	memcpy(w->mac, c->mac, sizeof(w->mac));
	memcpy(w->gid, c->gid, sizeof(w->gid));
	put24(w->qpn, c->qpn);
	w->link_id = c->link_id;
	w->link_uid = rte_cpu_to_be_32(c->link_uid);
	w->max_links = c->max_links;
	w->max_conns = c->max_conns;
	w->hdr.flags |= c->no_eyecatcher ? LLC_FLAG_NO_EYECATCHER : 0;
	return LLC_LEN;
}

static int
encode_add_link_ext(const struct llc_add_link *a, uint8_t *buf, size_t room)
{
	struct llc_wire_add_link_ext *w = (struct llc_wire_add_link_ext *)(buf + LLC_LEN);
	size_t keys_len = (size_t)a->n_keys * LLC_KEY_LEN;

	if (a->n_keys > LLC_MAX_KEYS)
		return -EINVAL;
	if (room < ADD_LINK_EXT_LEN + keys_len)
		return -ENOBUFS;
	memset(w, 0, sizeof(*w));
	w->direct = a->direct ? 0x80 : 0;
	memcpy(w->target_gid, a->target_gid, sizeof(w->target_gid));
	put16le(w->n_keys, a->n_keys);
	if (keys_len > 0)
		memcpy(w + 1, a->keys, keys_len);
	return (int)(ADD_LINK_EXT_LEN + keys_len);
}

static int
encode_add_link(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_add_link *w = (struct llc_wire_add_link *)buf;
	const struct llc_add_link *a = &msg->add_link;

	if (a->qpn > MAX_24 || a->psn > MAX_24 || a->mtu_code > 15 || a->reject_reason > 15)
		return -EINVAL;
	memcpy(w->mac, a->mac, sizeof(w->mac));
	memcpy(w->gid, a->gid, sizeof(w->gid));
	put24(w->qpn, a->qpn);
	w->link_id = a->link_id;
	w->mtu = a->mtu_code;
	put24(w->psn, a->psn);
	w->hdr.flags |= msg->reject ? LLC_FLAG_REJECT : 0;
	if (!msg->v2)
		w->hdr.len[1] = a->reject_reason;
	return msg->v2 && a->extended ? encode_add_link_ext(a, buf, room) : LLC_LEN;
}

static int
encode_add_link_cont(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_add_link_cont *w = (struct llc_wire_add_link_cont *)buf;
	const struct llc_add_link_cont *c = &msg->add_link_cont;

	w->link_id = c->link_id;
	w->n_left = c->n_left;
	for (unsigned i = 0; i < 2; i++)
		llc_key_put((uint8_t *)w->keys, i, &c->keys[i]);
	return LLC_LEN;
}

static int
encode_delete_link(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_delete_link *w = (struct llc_wire_delete_link *)buf;

	w->hdr.flags |= msg->all ? LLC_FLAG_ALL : 0;
	w->hdr.flags |= msg->orderly ? LLC_FLAG_ORDERLY : 0;
	w->link_id = msg->delete_link.link_id;
	w->reason = rte_cpu_to_be_32(msg->delete_link.reason);
	return LLC_LEN;
}

static int
encode_req_add_link(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_req_add_link *w = (struct llc_wire_req_add_link *)buf;
	size_t gids_len = (size_t)msg->req_add_link.n_gids * GID_LEN;
	size_t len = sizeof(*w) + gids_len;

	if (room < len)
		return -ENOBUFS;
	w->n_gids = msg->req_add_link.n_gids;
	if (gids_len > 0)
		memcpy(w + 1, msg->req_add_link.gids, gids_len);
	return len > LLC_LEN ? (int)len : LLC_LEN;
}

static void
link_key_put(struct llc_wire_link_key *w, const struct llc_link_key *key)
{
	w->link_id = key->link_id;
	w->rkey = rte_cpu_to_be_32(key->rkey);
	w->addr = rte_cpu_to_be_64(key->addr);
}

static int
encode_confirm_rkey(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_confirm_rkey *w = (struct llc_wire_confirm_rkey *)buf;
	const struct llc_confirm_rkey *c = &msg->confirm_rkey;

	w->hdr.flags |= msg->negative ? LLC_FLAG_NEGATIVE : 0;
	w->hdr.flags |= msg->retry ? LLC_FLAG_RETRY : 0;
	w->here.link_id = c->n_other;
	w->here.rkey = rte_cpu_to_be_32(c->rkey);
	w->here.addr = rte_cpu_to_be_64(c->addr);
	for (unsigned i = 0; i < LLC_MAX_OTHER_LINKS; i++)
		link_key_put(&w->other[i], &c->other[i]);
	return LLC_LEN;
}

static int
encode_test_link(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	memcpy(buf + sizeof(struct llc_wire_hdr), msg->test_data, sizeof(msg->test_data));
	return LLC_LEN;
}

static int
encode_delete_rkey(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_delete_rkey *w = (struct llc_wire_delete_rkey *)buf;
	const struct llc_delete_rkey *d = &msg->delete_rkey;
	size_t len = LLC_DELETE_RKEY_HEAD + (size_t)d->n_keys * sizeof(rte_be32_t);
	/* Linux leaves the keys out of a v2 response, and the message at its usual size. */
	bool listed = !(msg->v2 && msg->resp);

	if (d->n_keys == 0 || (!msg->v2 && d->n_keys > LLC_V1_DELETE_KEYS))
		return -EINVAL;
	if (!listed || len < LLC_LEN)
		len = LLC_LEN;
	if (room < len)
		return -ENOBUFS;
	w->hdr.flags |= msg->negative ? LLC_FLAG_NEGATIVE : 0;
	w->hdr.flags |= msg->retry ? LLC_FLAG_RETRY : 0;
	w->n_keys = d->n_keys;
	w->err = d->err;
	for (unsigned i = 0; listed && i < d->n_keys; i++) {
		rte_be32_t key = rte_cpu_to_be_32(d->rkeys[i]);

		memcpy(buf + LLC_DELETE_RKEY_HEAD + i * sizeof(key), &key, sizeof(key));
	}
	return (int)len;
}

/* One row a type. */
static const struct codec {
	const char *name;
	bool v1, v2;
	int (*decode)(const uint8_t *buf, size_t len, struct llc_msg *msg);
	int (*encode)(const struct llc_msg *msg, uint8_t *buf, size_t room);
} codecs[] = {
	[LLC_CONFIRM_LINK] = { "confirm link", true, true, decode_confirm_link, encode_confirm_link },
	[LLC_ADD_LINK] = { "add link", true, true, decode_add_link, encode_add_link },
	[LLC_ADD_LINK_CONT] = { "add link continuation", true, false, decode_add_link_cont, encode_add_link_cont },
	[LLC_DELETE_LINK] = { "delete link", true, true, decode_delete_link, encode_delete_link },
	[LLC_REQ_ADD_LINK] = { "request add link", false, true, decode_req_add_link, encode_req_add_link },
	[LLC_CONFIRM_RKEY] = { "confirm rkey", true, true, decode_confirm_rkey, encode_confirm_rkey },
	[LLC_TEST_LINK] = { "test link", true, true, decode_test_link, encode_test_link },
	[LLC_DELETE_RKEY] = { "delete rkey", true, true, decode_delete_rkey, encode_delete_rkey },
};

static const struct codec *
codec_of(unsigned type, bool v2)
{
	if (type >= sizeof(codecs) / sizeof(codecs[0]) || !(v2 ? codecs[type].v2 : codecs[type].v1))
		return NULL;
	return &codecs[type];
}

const char *
llc_type_name(uint8_t type)
{
	if (type >= sizeof(codecs) / sizeof(codecs[0]) || codecs[type].name == NULL)
		return "unknown";
	return codecs[type].name;
}

/* Does the header agree with the octets received? */
static bool
length_ok(const struct llc_wire_hdr *hdr, bool v2, size_t len)
{
	unsigned le = get16le(hdr->len), be = get16be(hdr->len);

	if (!v2)
		return len == LLC_LEN && hdr->len[0] == LLC_LEN;
	return (le >= LLC_LEN && le <= len) || (be >= LLC_LEN && be <= len);
}

int
llc_decode(const uint8_t *buf, size_t len, struct llc_msg *msg)
{
	const struct llc_wire_hdr *hdr = (const struct llc_wire_hdr *)buf;
	const struct codec *codec;

	if (len < LLC_LEN || len > LLC_MAX_LEN)
		return -EPROTO;
	msg->v2 = (hdr->type & 0xf0) == LLC_V2_TYPE;
	msg->type = hdr->type & 0x0f;
	codec = msg->v2 || hdr->type < 0x10 ? codec_of(msg->type, msg->v2) : NULL;
	if (codec == NULL)
		return -ENOTSUP;
	if (!length_ok(hdr, msg->v2, len))
		return -EPROTO;
	msg->resp = hdr->flags & LLC_FLAG_RESP;
	msg->reject = msg->negative = msg->retry = msg->all = msg->orderly = false;
	return codec->decode(buf, len, msg);
}

int
llc_encode(const struct llc_msg *msg, uint8_t *buf, size_t room)
{
	struct llc_wire_hdr *hdr = (struct llc_wire_hdr *)buf;
	const struct codec *codec = codec_of(msg->type, msg->v2);
	int len;

	if (codec == NULL)
		return -EINVAL;
	if (room < LLC_LEN)
		return -ENOBUFS;
	memset(buf, 0, LLC_LEN);
	hdr->type = msg->type | (msg->v2 ? LLC_V2_TYPE : 0);
	hdr->flags = msg->resp ? LLC_FLAG_RESP : 0;
	len = codec->encode(msg, buf, room);
	if (len < 0)
		return len;
	if (msg->v2)
		put16le(hdr->len, (unsigned)len);
	else
		hdr->len[0] = LLC_LEN;
	return len;
}

void
llc_respond(const struct llc_msg *req, struct llc_msg *rsp)
{
	*rsp = *req;
	rsp->resp = true;
	if (req->type == LLC_REQ_ADD_LINK)
		memset(&rsp->req_add_link, 0, sizeof(rsp->req_add_link));
	if (req->type == LLC_ADD_LINK) {
		rsp->add_link.extended = false;
		rsp->add_link.n_keys = 0;
		rsp->add_link.keys = NULL;
	}
}

void
llc_reject(const struct llc_msg *req, struct llc_msg *rsp)
{
	llc_respond(req, rsp);
	rsp->reject = true;
	if (!rsp->v2)
		rsp->add_link.reject_reason = LLC_REJECT_NO_ALT_PATH;
}

void
llc_refuse_rkey(const struct llc_msg *req, uint8_t err, struct llc_msg *rsp)
{
	llc_respond(req, rsp);
	rsp->negative = true;
	if (rsp->type == LLC_CONFIRM_RKEY)
		rsp->retry = true;
	else
		rsp->delete_rkey.err = err;
}
