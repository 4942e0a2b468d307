/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the headers of a packet lie. Nothing but the octets in l->b is looked at. */
#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ether.h>

#include "app/vnicd/dev/iov.h"
#include "app/vnicd/dev/nic_private.h"

#define EXTENSIONS_MAX 8

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void look_l4(struct vnicd_look *l, unsigned at, uint8_t proto)
{
	unsigned len;

	if (proto == IPPROTO_UDP) {
		len = 8;
	} else if (proto == IPPROTO_TCP && at + 20u <= l->have) {
		len = (l->b[at + 12] >> 4) * 4u;
		if (len < 20)
			return;
	} else {
		return;
	}
	if (at + len > l->have)
		return;
	l->l4 = (uint16_t)at;
	l->proto = proto;
	l->payload = (uint16_t)(at + len);
}

static void look_ipv4(struct vnicd_look *l, unsigned at)
{
	unsigned len;

	if (at + 20u > l->have || l->b[at] >> 4 != 4)
		return;
	len = (l->b[at] & 15) * 4u;
	if (len < 20 || at + len > l->have)
		return;
	l->l3 = (uint16_t)at;
	if ((be16(l->b + at + 6) & 0x3fff) == 0) /* no fragment */
		look_l4(l, at + len, l->b[at + 9]);
}

static void look_ipv6(struct vnicd_look *l, unsigned at)
{
	uint8_t next;

	if (at + 40u > l->have || l->b[at] >> 4 != 6)
		return;
	l->l3 = (uint16_t)at;
	l->v6 = true;
	next = l->b[at + 6];
	at += 40;
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		if (at + 8u > l->have)
			return;
		next = l->b[at];
		at += (l->b[at + 1] + 1u) * 8u;
	}
	look_l4(l, at, next);
}

void vnicd_look(struct vnicd_look *l, const struct iovec *iov, unsigned n, uint32_t len)
{
	struct vnicd_cursor c = vnicd_cursor(iov, n);
	unsigned at = 12;

	l->vlan = VNICD_VLAN_NONE;
	l->l3 = l->l4 = l->payload = 0;
	l->proto = 0;
	l->v6 = false;
	l->have = (uint16_t)vnicd_cursor_read(&c, l->b, RTE_MIN(len, VNICD_LOOK_MAX));
	for (unsigned tags = 0; tags < 2 && at + 6u <= l->have; tags++, at += 4) {
		uint16_t type = be16(l->b + at);

		if (type != RTE_ETHER_TYPE_VLAN && type != RTE_ETHER_TYPE_QINQ)
			break;
		if (tags == 0)
			l->vlan = be16(l->b + at + 2) & 0xfff;
	}
	if (at + 2u > l->have)
		return;
	if (be16(l->b + at) == RTE_ETHER_TYPE_IPV4)
		look_ipv4(l, at + 2);
	else if (be16(l->b + at) == RTE_ETHER_TYPE_IPV6)
		look_ipv6(l, at + 2);
}
