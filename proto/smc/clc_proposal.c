/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PROPOSAL. Its parts are found by offsets: fixed part, area of SMC-D and
 * version 2, IP area, version 2 extension, SMC-D version 2 extension. Linux
 * packs them without gaps; an offset that lies elsewhere inside the message is
 * followed, but the parts' sizes must add up to the length exactly.
 */
#include <errno.h>
#include <string.h>

#include "proto/smc/clc_impl.h"

#define FIXED_LEN sizeof(struct clc_wire_proposal)
#define AREA_LEN sizeof(struct clc_wire_smcd_area)
#define IP_LEN sizeof(struct clc_wire_ip_area)
#define PREFIX6_LEN sizeof(struct clc_wire_prefix6)
#define V2_EXT_LEN sizeof(struct clc_wire_v2_ext)

static_assert(FIXED_LEN + AREA_LEN + IP_LEN + CLC_MAX_PREFIXES * PREFIX6_LEN + V2_EXT_LEN +
	      CLC_MAX_EIDS * CLC_EID_LEN + CLC_SMCD_V2_LEN + CLC_MAX_ISM * CLC_ISM_LEN + CLC_TRAILER_LEN ==
	      CLC_MAX_LEN, "longest PROPOSAL");

/* The message while it is taken apart. */
struct parts {
	const uint8_t *msg;
	size_t end;             /* where the trailer begins */
	size_t used;            /* sum of the parts' sizes */
};

/* n octets at offset at, or NULL when they are not all inside. */
static const void *
part(struct parts *p, size_t at, size_t n)
{
	if (at > p->end || n > p->end - at)
		return NULL;
	p->used += n;
	return p->msg + at;
}

static bool
offers_r(uint8_t path)
{
	return path == CLC_PATH_R || path == CLC_PATH_BOTH;
}

static bool
offers_d(uint8_t path)
{
	return path == CLC_PATH_D || path == CLC_PATH_BOTH;
}

static int
ip_area_from_wire(struct parts *p, size_t at, struct clc_proposal *out)
{
	const struct clc_wire_ip_area *w = part(p, at, IP_LEN);
	const struct clc_wire_prefix6 *prefixes;

	if (w == NULL || w->n_prefixes6 > CLC_MAX_PREFIXES || w->prefix4_len > 32)
		return -EPROTO;
	prefixes = part(p, at + IP_LEN, w->n_prefixes6 * PREFIX6_LEN);
	if (prefixes == NULL)
		return -EPROTO;
	out->subnet4 = rte_be_to_cpu_32(w->subnet4);
	out->prefix4_len = w->prefix4_len;
	out->n_prefixes6 = w->n_prefixes6;
	for (unsigned i = 0; i < w->n_prefixes6; i++) {
		if (prefixes[i].len > 128)
			return -EPROTO;
		memcpy(out->prefixes6[i].addr, prefixes[i].addr, 16);
		out->prefixes6[i].len = prefixes[i].len;
	}
	return 0;
}

static int
v2_from_wire(struct parts *p, const struct clc_wire_smcd_area *area, struct clc_proposal *out)
{
	size_t offset = rte_be_to_cpu_16(area->v2_ext_offset);
	size_t at = CLC_V2_EXT_BASE + offset;
	const struct clc_wire_v2_ext *w;
	const uint8_t *eids;
	size_t smcd_offset;

	if (offset == 0 || offset > CLC_MAX_V2_EXT_OFFSET)
		return -EPROTO;
	w = part(p, at, V2_EXT_LEN);
	if (w == NULL || w->n_eids > CLC_MAX_EIDS || w->n_ism > CLC_MAX_ISM)
		return -EPROTO;
	eids = part(p, at + V2_EXT_LEN, (size_t)w->n_eids * CLC_EID_LEN);
	if (eids == NULL)
		return -EPROTO;
	smcd_offset = rte_be_to_cpu_16(w->smcd_v2_offset);
	if (smcd_offset > CLC_MAX_SMCD_V2_OFFSET)
		return -EPROTO;
	if (out->smcd_v2 && (smcd_offset == 0 ||
	    part(p, at + CLC_SMCD_V2_BASE + smcd_offset, CLC_SMCD_V2_LEN + (size_t)w->n_ism * CLC_ISM_LEN) == NULL))
		return -EPROTO;
	out->n_eids = w->n_eids;
	memcpy(out->eids, eids, (size_t)w->n_eids * CLC_EID_LEN);
	out->n_ism = w->n_ism;
	out->release = w->release >> 4;
	out->seid_valid = w->release & 1;
	memcpy(out->gid2, w->gid, sizeof(out->gid2));
	out->max_conns = w->max_conns;
	out->max_links = w->max_links;
	out->features = rte_be_to_cpu_16(w->features);
	return 0;
}

/* Everything after the fixed part. */
static int
parts_from_wire(struct parts *p, uint8_t flags, size_t iparea_offset, struct clc_proposal *out)
{
	uint8_t typev1 = CLC_FLAG_TYPEV1(flags);
	uint8_t typev2 = out->version == CLC_V1 ? CLC_PATH_NONE : CLC_FLAG_TYPEV2(flags);
	const struct clc_wire_smcd_area *area = NULL;

	out->v1 = offers_r(typev1);
	out->smcd_v1 = offers_d(typev1);
	out->v2 = offers_r(typev2);
	out->smcd_v2 = offers_d(typev2);
	/* In version 1 the IP area may be behind any gap; only Linux's, of 40, is the area. */
	out->smcd_area = out->version != CLC_V1 || iparea_offset == AREA_LEN;
	if (out->smcd_area) {
		area = part(p, FIXED_LEN, AREA_LEN);
		if (area == NULL)
			return -EPROTO;
	} else if (part(p, FIXED_LEN, iparea_offset) == NULL) {
		return -EPROTO;
	}
	/* A version 1 message without a version 1 path says nothing. */
	if (typev1 == CLC_PATH_NONE && out->version == CLC_V1)
		return -EPROTO;
	if (typev1 != CLC_PATH_NONE && ip_area_from_wire(p, FIXED_LEN + iparea_offset, out) < 0)
		return -EPROTO;
	return typev2 == CLC_PATH_NONE ? 0 : v2_from_wire(p, area, out);
}

int
clc_decode_proposal(const uint8_t *msg, size_t len, struct clc_proposal *out)
{
	const struct clc_wire_proposal *w = (const struct clc_wire_proposal *)msg;
	struct parts p = { .msg = msg, .used = FIXED_LEN };
	size_t iparea_offset;
	int rc = clc_check_header(msg, len);

	if (rc < 0)
		return rc;
	if (clc_type(msg) != CLC_PROPOSAL)
		return -EINVAL;
	if (len < FIXED_LEN + CLC_TRAILER_LEN || !clc_trailer_ok(msg, len))
		return -EPROTO;
	p.end = len - CLC_TRAILER_LEN;
	iparea_offset = rte_be_to_cpu_16(w->iparea_offset);
	if (iparea_offset > CLC_MAX_IPAREA_OFFSET)
		return -EPROTO;
	memset(out, 0, sizeof(*out));
	/* Linux reads versions to come as 2. */
	out->version = CLC_FLAG_VERSION(w->hdr.flags) == CLC_V1 ? CLC_V1 : CLC_V2;
	memcpy(out->peer_id, w->peer_id, sizeof(out->peer_id));
	memcpy(out->gid, w->gid, sizeof(out->gid));
	memcpy(out->mac, w->mac, sizeof(out->mac));
	rc = parts_from_wire(&p, w->hdr.flags, iparea_offset, out);
	return rc == 0 && p.used == p.end ? 0 : -EPROTO;
}

static bool
proposal_in_range(const struct clc_proposal *p)
{
	if (p->version != CLC_V1 && p->version != CLC_V2)
		return false;
	if (p->version == CLC_V1 ? p->v2 || !p->v1 : !p->v1 && !p->v2)
		return false;
	if (p->smcd_v1 || p->smcd_v2 || p->n_ism != 0 || p->seid_valid)
		return false;
	for (unsigned i = 0; i < p->n_prefixes6 && i < CLC_MAX_PREFIXES; i++) {
		if (p->prefixes6[i].len > 128)
			return false;
	}
	return p->prefix4_len <= 32 && p->n_prefixes6 <= CLC_MAX_PREFIXES && p->n_eids <= CLC_MAX_EIDS &&
	       p->release <= 15;
}

/* Returns the octets written, as does v2_to_wire(). */
static size_t
ip_area_to_wire(const struct clc_proposal *p, uint8_t *at)
{
	struct clc_wire_ip_area *w = (struct clc_wire_ip_area *)at;
	struct clc_wire_prefix6 *prefixes = (struct clc_wire_prefix6 *)(w + 1);

	w->subnet4 = rte_cpu_to_be_32(p->subnet4);
	w->prefix4_len = p->prefix4_len;
	w->n_prefixes6 = p->n_prefixes6;
	for (unsigned i = 0; i < p->n_prefixes6; i++) {
		memcpy(prefixes[i].addr, p->prefixes6[i].addr, 16);
		prefixes[i].len = p->prefixes6[i].len;
	}
	return IP_LEN + p->n_prefixes6 * PREFIX6_LEN;
}

static size_t
v2_to_wire(const struct clc_proposal *p, uint8_t *at)
{
	struct clc_wire_v2_ext *w = (struct clc_wire_v2_ext *)at;

	w->n_eids = p->n_eids;
	w->release = (uint8_t)(p->release << 4);
	memcpy(w->gid, p->gid2, sizeof(w->gid));
	w->max_conns = p->max_conns;
	w->max_links = p->max_links;
	w->features = rte_cpu_to_be_16(p->features);
	memcpy(w + 1, p->eids, (size_t)p->n_eids * CLC_EID_LEN);
	return V2_EXT_LEN + (size_t)p->n_eids * CLC_EID_LEN;
}

int
clc_encode_proposal(const struct clc_proposal *p, uint8_t buf[CLC_MAX_LEN])
{
	struct clc_wire_proposal *w = (struct clc_wire_proposal *)buf;
	struct clc_wire_smcd_area *area = (struct clc_wire_smcd_area *)(w + 1);
	size_t len = FIXED_LEN;
	uint8_t flags = p->v1 ? CLC_PATH_R : CLC_PATH_NONE;

	if (!proposal_in_range(p))
		return -EINVAL;
	memset(buf, 0, CLC_MAX_LEN);
	memcpy(w->peer_id, p->peer_id, sizeof(w->peer_id));
	memcpy(w->gid, p->gid, sizeof(w->gid));
	memcpy(w->mac, p->mac, sizeof(w->mac));
	if (p->version == CLC_V2 || p->smcd_area)
		len += AREA_LEN;
	if (p->version == CLC_V2)
		flags |= (p->v2 ? CLC_PATH_R : CLC_PATH_NONE) << 2;
	if (p->v1) {
		w->iparea_offset = rte_cpu_to_be_16((uint16_t)(len - FIXED_LEN));
		len += ip_area_to_wire(p, buf + len);
	}
	if (p->v2) {
		area->v2_ext_offset = rte_cpu_to_be_16((uint16_t)(len - CLC_V2_EXT_BASE));
		len += v2_to_wire(p, buf + len);
	}
	len += CLC_TRAILER_LEN;
	clc_put_frame(buf, len, CLC_PROPOSAL, p->version, flags);
	return (int)len;
}
