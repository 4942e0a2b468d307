/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/switch.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

#include "app/vnicd/dev/iov.h"

RTE_LOG_REGISTER(vnicd_logtype, vnicd, INFO);

int
vnicd_switch_init(struct vnicd_switch *sw, const struct vnicd_config *cfg, struct vnicd_loop *loop)
{
	memset(sw, 0, sizeof(*sw));
	sw->per_vlan = cfg->sw.per_vlan;
	sw->batch = cfg->poll.batch;
	sw->hold_ns = UINT64_C(1000) * cfg->poll.hold_us;
	sw->loop = loop;
	return vnicd_table_init(&sw->table, cfg->sw.table_size, cfg->sw.ageing_s);
}

void
vnicd_switch_fini(struct vnicd_switch *sw)
{
	while (sw->n > 0) {
		struct vnicd_port *p = sw->port[--sw->n];

		p->ops->destroy(p);
	}
	vnicd_table_fini(&sw->table);
}

int
vnicd_switch_add(struct vnicd_switch *sw, struct vnicd_port *p)
{
	if (sw->n == VNICD_SWITCH_PORTS)
		return -ENOSPC;
	p->index = (uint16_t)sw->n;
	sw->port[sw->n++] = p;
	return 0;
}

struct vnicd_port *
vnicd_switch_find(const struct vnicd_switch *sw, const char *name)
{
	for (unsigned i = 0; i < sw->n; i++) {
		if (strcmp(sw->port[i]->name, name) == 0)
			return sw->port[i];
	}
	return NULL;
}

/* ---- where to ------------------------------------------------------------------ */

/* The Ethernet header and a tag. */
struct start {
	struct rte_ether_hdr eth;
	struct rte_vlan_hdr vlan;
};

/* 01:80:c2:00:00:00 to 0f: between a bridge and its neighbours. */
static bool
reserved_group(const struct rte_ether_addr *a)
{
	static const uint8_t group[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return memcmp(a->addr_bytes, group, sizeof(group)) == 0 && (a->addr_bytes[5] & 0xf0) == 0;
}

static uint16_t
vlan_of(const struct vnicd_switch *sw, const struct start *s, size_t have)
{
	if (!sw->per_vlan || have < sizeof(*s) || s->eth.ether_type != RTE_BE16(RTE_ETHER_TYPE_VLAN))
		return 0;
	return rte_be_to_cpu_16(s->vlan.vlan_tci) & 0xfff;
}

struct vnicd_port *
vnicd_switch_route(struct vnicd_switch *sw, struct vnicd_port *in, const struct vnicd_frame *f)
{
	struct vnicd_cursor from = vnicd_cursor(f->iov, f->n);
	uint32_t now = vnicd_switch_seconds(sw);
	struct start s;
	size_t have = vnicd_cursor_read(&from, &s, RTE_MIN(sizeof(s), (size_t)f->len));
	uint16_t vlan, to;

	if (unlikely(have < sizeof(s.eth))) {
		vnicd_port_dropped(in, VNICD_DROP_SHORT);
		return NULL;
	}
	if (unlikely(rte_is_multicast_ether_addr(&s.eth.src_addr))) {
		vnicd_port_dropped(in, VNICD_DROP_SOURCE);
		return NULL;
	}
	vlan = vlan_of(sw, &s, have);
	vnicd_table_learn(&sw->table, &s.eth.src_addr, vlan, in->index, now);
	if (rte_is_multicast_ether_addr(&s.eth.dst_addr)) {
		if (!reserved_group(&s.eth.dst_addr))
			return VNICD_FLOOD;
		vnicd_port_dropped(in, VNICD_DROP_RESERVED);
		return NULL;
	}
	to = vnicd_table_find(&sw->table, &s.eth.dst_addr, vlan, now);
	if (to == VNICD_TABLE_NONE)
		return VNICD_FLOOD;
	if (unlikely(to == in->index)) {
		vnicd_port_dropped(in, VNICD_DROP_BACK);
		return NULL;
	}
	return sw->port[to];
}

void
vnicd_switch_flood(struct vnicd_switch *sw, struct vnicd_port *in, const struct vnicd_frame *f,
		   const struct vnicd_port *but)
{
	unsigned n = but != NULL;

	for (unsigned i = 0; i < sw->n; i++) {
		struct vnicd_port *p = sw->port[i];

		if (p == in || p == but || !p->up)
			continue;
		vnicd_port_output(p, f);
		n++;
	}
	in->stats.flooded++;
	if (n == 0)
		vnicd_port_dropped(in, VNICD_DROP_NOWHERE);
}

void
vnicd_switch_input(struct vnicd_switch *sw, struct vnicd_port *in, const struct vnicd_frame *f)
{
	struct vnicd_port *to = vnicd_switch_route(sw, in, f);

	if (to == VNICD_FLOOD)
		vnicd_switch_flood(sw, in, f, NULL);
	else if (to != NULL)
		vnicd_port_output(to, f);
}

/* ---- rounds ---------------------------------------------------------------------- */

static void
flush(struct vnicd_switch *sw)
{
	for (unsigned i = 0; i < sw->n; i++) {
		if (sw->port[i]->touched) {
			sw->port[i]->touched = false;
			sw->port[i]->ops->flush(sw->port[i]);
		}
	}
}

bool
vnicd_switch_work(struct vnicd_switch *sw, uint64_t now)
{
	bool any = false;

	sw->now = now;
	for (unsigned i = 0; i < sw->n; i++) {
		if (!vnicd_port_stalled(sw->port[i], now))
			any |= sw->port[i]->ops->work(sw->port[i], now);
	}
	flush(sw);
	return any;
}

bool
vnicd_switch_arm(struct vnicd_switch *sw, bool on)
{
	bool any = false;

	for (unsigned i = 0; i < sw->n; i++) {
		if (!on || !vnicd_port_stalled(sw->port[i], sw->now))
			any |= sw->port[i]->ops->arm(sw->port[i], on);
	}
	return any;
}

uint64_t
vnicd_switch_timer(struct vnicd_switch *sw, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	sw->now = now;
	for (unsigned i = 0; i < sw->n; i++)
		next = RTE_MIN(next, vnicd_port_timer(sw->port[i], now));
	flush(sw);
	return next;
}
