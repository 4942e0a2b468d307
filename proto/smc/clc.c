/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/clc.h"

#include <errno.h>
#include <string.h>

#include "proto/smc/clc_impl.h"

#define LEN_V1 (sizeof(struct clc_wire_accept) + CLC_TRAILER_LEN)
#define LEN_V2 (sizeof(struct clc_wire_accept_v2) + CLC_TRAILER_LEN)
#define LEN_V2_FIRST (LEN_V2 + sizeof(struct clc_wire_first_contact))
#define LEN_DECLINE_V1 28
#define MAX_24 0xffffffu

static_assert(LEN_V1 == 68 && LEN_V2 == 108 && LEN_V2_FIRST == 160, "lengths of ACCEPT");
static_assert(LEN_V2_FIRST + sizeof(struct clc_wire_gids) + 16 * CLC_MAX_GIDS == CLC_ACCEPT_MAX_LEN,
	      "longest CONFIRM");
static_assert(sizeof(struct clc_wire_decline) + CLC_TRAILER_LEN == CLC_DECLINE_MAX_LEN, "longest DECLINE");

static bool
is_eyecatcher(const uint8_t *b)
{
	uint32_t eye;

	memcpy(&eye, b, sizeof(eye));
	eye = rte_be_to_cpu_32(eye);
	return eye == SMC_EYE_R || eye == SMC_EYE_D;
}

static size_t
header_len(const uint8_t *msg)
{
	return (size_t)msg[5] << 8 | msg[6];
}

/* Up to a header's octets: what is there of it can be one. */
static bool
header_possible(const uint8_t *buf, size_t len)
{
	static const uint8_t eye[3] = { 0xe2, 0xd4, 0xc3 };

	for (size_t i = 0; i < len && i < sizeof(eye); i++) {
		if (buf[i] != eye[i])
			return false;
	}
	if (len > 3 && !is_eyecatcher(buf))
		return false;
	if (len > 4 && (buf[4] < CLC_PROPOSAL || buf[4] > CLC_DECLINE))
		return false;
	return len <= 7 || CLC_FLAG_VERSION(buf[7]) >= CLC_V1;
}

int
clc_peek_length(const uint8_t *buf, size_t len)
{
	size_t n;

	if (!header_possible(buf, len))
		return -EPROTO;
	if (len < CLC_HEADER_LEN)
		return -EAGAIN;
	n = header_len(buf);
	if (n < LEN_DECLINE_V1 || n > CLC_MAX_LEN)
		return -EPROTO;
	return n <= len ? (int)n : -EAGAIN;
}

int
clc_check_header(const uint8_t *msg, size_t len)
{
	if (len < LEN_DECLINE_V1 || len > CLC_MAX_LEN || !header_possible(msg, len) || header_len(msg) != len)
		return -EPROTO;
	return 0;
}

bool
clc_trailer_ok(const uint8_t *msg, size_t len)
{
	return is_eyecatcher(msg + len - CLC_TRAILER_LEN);
}

void
clc_put_frame(uint8_t *buf, size_t len, uint8_t type, uint8_t version, uint8_t flags)
{
	struct clc_wire_hdr *hdr = (struct clc_wire_hdr *)buf;
	rte_be32_t eye = rte_cpu_to_be_32(SMC_EYE_R);

	hdr->eye = eye;
	hdr->type = type;
	hdr->len = rte_cpu_to_be_16((uint16_t)len);
	hdr->flags = (uint8_t)(version << 4 | flags);
	memcpy(buf + len - CLC_TRAILER_LEN, &eye, sizeof(eye));
}

/*
 * A blank-padded text of a peer: up to a zero octet, without the blanks at its
 * end. What is not printable becomes a question mark.
 */
static void
text_from_wire(const uint8_t *b, size_t n, char *text)
{
	size_t len = 0;

	memset(text, 0, n + 1);
	for (size_t i = 0; i < n && b[i] != '\0'; i++) {
		text[i] = b[i] >= 0x20 && b[i] < 0x7f ? (char)b[i] : '?';
		if (text[i] != ' ')
			len = i + 1;
	}
	text[len] = '\0';
	memset(text + len, 0, n - len);
}

static void
text_to_wire(const char *text, uint8_t *b, size_t n)
{
	size_t len = strnlen(text, n);

	memcpy(b, text, len);
	memset(b + len, ' ', n - len);
}

/* ACCEPT and CONFIRM */

static void
first_contact_from_wire(const struct clc_wire_first_contact *w, struct clc_accept *out)
{
	out->direct = w->direct & 0x80;
	out->os = w->os_release >> 4;
	out->release = w->os_release & 0x0f;
	text_from_wire(w->hostname, sizeof(w->hostname), out->hostname);
	out->max_conns = w->max_conns;
	out->max_links = w->max_links;
	out->features = rte_be_to_cpu_16(w->features);
}

/* The GID list of a CONFIRM and with it the last of the lengths. */
static int
gids_from_wire(const uint8_t *msg, size_t len, struct clc_accept *out)
{
	size_t at = LEN_V2_FIRST - CLC_TRAILER_LEN;
	const struct clc_wire_gids *w = (const struct clc_wire_gids *)(msg + at);

	at += sizeof(*w);
	if (len < at + CLC_TRAILER_LEN || w->n > CLC_MAX_GIDS || len != at + 16u * w->n + CLC_TRAILER_LEN)
		return -EPROTO;
	out->n_gids = w->n;
	memcpy(out->gids, msg + at, 16u * w->n);
	return 0;
}

static int
accept_v2_from_wire(const uint8_t *msg, size_t len, struct clc_accept *out)
{
	const struct clc_wire_accept_v2 *w = (const struct clc_wire_accept_v2 *)msg;

	if (len < LEN_V2)
		return -EPROTO;
	memcpy(out->eid, w->eid, sizeof(out->eid));
	if (!out->first_contact)
		return len == LEN_V2 ? 0 : -EPROTO;
	if (len < LEN_V2_FIRST)
		return -EPROTO;
	first_contact_from_wire((const struct clc_wire_first_contact *)(w + 1), out);
	if (out->type == CLC_CONFIRM)
		return gids_from_wire(msg, len, out);
	return len == LEN_V2_FIRST ? 0 : -EPROTO;
}

static void
accept_v1_from_wire(const struct clc_wire_accept *w, struct clc_accept *out)
{
	out->type = w->hdr.type;
	out->version = CLC_FLAG_VERSION(w->hdr.flags);
	out->first_contact = w->hdr.flags & CLC_FLAG_FIRST_CONTACT;
	memcpy(out->peer_id, w->peer_id, sizeof(out->peer_id));
	memcpy(out->gid, w->gid, sizeof(out->gid));
	memcpy(out->mac, w->mac, sizeof(out->mac));
	out->qpn = clc_get24(w->qpn);
	out->rkey = rte_be_to_cpu_32(w->rkey);
	out->rmbe_idx = w->rmbe_idx;
	out->token = rte_be_to_cpu_32(w->token);
	out->size_code = w->size_mtu >> 4;
	out->mtu_code = w->size_mtu & 0x0f;
	out->rmb_addr = rte_be_to_cpu_64(w->rmb_addr);
	out->psn = clc_get24(w->psn);
}

/* What no message may say, neither a peer's nor ours. */
static bool
accept_in_range(const struct clc_accept *a)
{
	return (a->type == CLC_ACCEPT || a->type == CLC_CONFIRM) &&
	       (a->version == CLC_V1 || a->version == CLC_V2) &&
	       a->qpn != 0 && a->qpn <= MAX_24 && a->psn <= MAX_24 && a->token != 0 &&
	       a->rmbe_idx != 0 && a->size_code <= CLC_RMBE_CODE_MAX && clc_mtu(a->mtu_code) != 0 &&
	       a->rmb_addr <= UINT64_MAX - a->rmbe_idx * clc_rmbe_size(a->size_code);
}

int
clc_decode_accept(const uint8_t *msg, size_t len, struct clc_accept *out)
{
	int rc = clc_check_header(msg, len);

	if (rc < 0)
		return rc;
	if (clc_type(msg) != CLC_ACCEPT && clc_type(msg) != CLC_CONFIRM)
		return -EINVAL;
	if (len < LEN_V1 || CLC_FLAG_TYPEV1(msg[7]) != CLC_PATH_R || !clc_trailer_ok(msg, len))
		return -EPROTO;
	memset(out, 0, sizeof(*out));
	accept_v1_from_wire((const struct clc_wire_accept *)msg, out);
	if (!accept_in_range(out))
		return -EPROTO;
	if (out->version == CLC_V1)
		return len == LEN_V1 ? 0 : -EPROTO;
	return accept_v2_from_wire(msg, len, out);
}

static void
accept_v1_to_wire(const struct clc_accept *a, struct clc_wire_accept *w)
{
	memcpy(w->peer_id, a->peer_id, sizeof(w->peer_id));
	memcpy(w->gid, a->gid, sizeof(w->gid));
	memcpy(w->mac, a->mac, sizeof(w->mac));
	clc_put24(w->qpn, a->qpn);
	w->rkey = rte_cpu_to_be_32(a->rkey);
	w->rmbe_idx = a->rmbe_idx;
	w->token = rte_cpu_to_be_32(a->token);
	w->size_mtu = (uint8_t)(a->size_code << 4 | a->mtu_code);
	w->rmb_addr = rte_cpu_to_be_64(a->rmb_addr);
	clc_put24(w->psn, a->psn);
}

/* Returns the octets written. */
static size_t
first_contact_to_wire(const struct clc_accept *a, uint8_t *at)
{
	struct clc_wire_first_contact *w = (struct clc_wire_first_contact *)at;
	struct clc_wire_gids *gids = (struct clc_wire_gids *)(w + 1);

	w->direct = a->direct ? 0x80 : 0;
	w->os_release = (uint8_t)(a->os << 4 | a->release);
	text_to_wire(a->hostname, w->hostname, sizeof(w->hostname));
	w->max_conns = a->max_conns;
	w->max_links = a->max_links;
	w->features = rte_cpu_to_be_16(a->features);
	if (a->type != CLC_CONFIRM)
		return sizeof(*w);
	gids->n = a->n_gids;
	memcpy(gids + 1, a->gids, 16u * a->n_gids);
	return sizeof(*w) + sizeof(*gids) + 16u * a->n_gids;
}

int
clc_encode_accept(const struct clc_accept *a, uint8_t buf[CLC_ACCEPT_MAX_LEN])
{
	size_t len = sizeof(struct clc_wire_accept);

	if (!accept_in_range(a) || a->os > 15 || a->release > 15 || a->n_gids > CLC_MAX_GIDS)
		return -EINVAL;
	memset(buf, 0, CLC_ACCEPT_MAX_LEN);
	accept_v1_to_wire(a, (struct clc_wire_accept *)buf);
	if (a->version == CLC_V2) {
		struct clc_wire_accept_v2 *v2 = (struct clc_wire_accept_v2 *)buf;

		memcpy(v2->eid, a->eid, sizeof(v2->eid));
		len = sizeof(*v2);
		if (a->first_contact)
			len += first_contact_to_wire(a, buf + len);
	}
	len += CLC_TRAILER_LEN;
	clc_put_frame(buf, len, a->type, a->version, a->first_contact ? CLC_FLAG_FIRST_CONTACT : 0);
	return (int)len;
}

/* DECLINE */

int
clc_decode_decline(const uint8_t *msg, size_t len, struct clc_decline *out)
{
	const struct clc_wire_decline *w = (const struct clc_wire_decline *)msg;
	int rc = clc_check_header(msg, len);

	if (rc < 0)
		return rc;
	if (clc_type(msg) != CLC_DECLINE)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	out->version = CLC_FLAG_VERSION(msg[7]) == CLC_V1 ? CLC_V1 : CLC_V2;
	/* Its trailer is nobody's concern: Linux does not look at it either. */
	if (len != (out->version == CLC_V1 ? LEN_DECLINE_V1 : CLC_DECLINE_MAX_LEN))
		return -EPROTO;
	out->out_of_sync = msg[7] & CLC_FLAG_OUT_OF_SYNC;
	memcpy(out->peer_id, w->peer_id, sizeof(out->peer_id));
	out->diagnosis = rte_be_to_cpu_32(w->diagnosis);
	if (out->version == CLC_V1)
		return 0;
	out->os = w->os >> 4;
	for (unsigned i = 0; i < 4; i++)
		out->further[i] = rte_be_to_cpu_32(w->further[i]);
	return 0;
}

int
clc_encode_decline(const struct clc_decline *d, uint8_t buf[CLC_DECLINE_MAX_LEN])
{
	struct clc_wire_decline *w = (struct clc_wire_decline *)buf;
	size_t len = d->version == CLC_V1 ? LEN_DECLINE_V1 : CLC_DECLINE_MAX_LEN;

	if ((d->version != CLC_V1 && d->version != CLC_V2) || d->os > 15)
		return -EINVAL;
	memset(buf, 0, CLC_DECLINE_MAX_LEN);
	memcpy(w->peer_id, d->peer_id, sizeof(w->peer_id));
	w->diagnosis = rte_cpu_to_be_32(d->diagnosis);
	if (d->version == CLC_V2) {
		w->os = (uint8_t)(d->os << 4);
		for (unsigned i = 0; i < 4; i++)
			w->further[i] = rte_cpu_to_be_32(d->further[i]);
	}
	clc_put_frame(buf, len, CLC_DECLINE, d->version, d->out_of_sync ? CLC_FLAG_OUT_OF_SYNC : 0);
	return (int)len;
}

/* Codes and names */

uint8_t
clc_mtu_code(uint32_t mtu)
{
	uint8_t code = 0;

	while (code < 5 && clc_mtu(code + 1) <= mtu)
		code++;
	return code;
}

int
clc_rmbe_code(uint64_t size)
{
	for (uint8_t code = 0; code <= CLC_RMBE_CODE_MAX; code++) {
		if (clc_rmbe_size(code) == size)
			return code;
	}
	return -EINVAL;
}

static bool
eid_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int
clc_eid_from_text(const char *text, uint8_t eid[CLC_EID_LEN])
{
	size_t len = strnlen(text, CLC_EID_LEN + 1);

	if (len == 0 || len > CLC_EID_LEN || !eid_char(text[0]))
		return -EINVAL;
	for (size_t i = 1; i < len; i++) {
		if (!eid_char(text[i]) && text[i] != '.' && text[i] != '-')
			return -EINVAL;
	}
	text_to_wire(text, eid, CLC_EID_LEN);
	return 0;
}

void
clc_eid_text(const uint8_t eid[CLC_EID_LEN], char text[CLC_EID_LEN + 1])
{
	text_from_wire(eid, CLC_EID_LEN, text);
}
