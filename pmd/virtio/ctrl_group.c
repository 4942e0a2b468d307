/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/ctrl_private.h"

/* Groups whose members are told apart by key; of the others one command is in flight. */
static bool keyed(uint8_t group)
{
	return group == VNIC_CTRL_RX_MODE || group == VNIC_CTRL_VLAN || group == VNIC_CTRL_COAL_VQ ||
	       group == VNIC_CTRL_COAL_ALL;
}

/* Commands for one queue against those that change which queues there are, or set all. */
static bool across(uint8_t a, uint8_t b)
{
	return a == VNIC_CTRL_COAL_VQ && (b == VNIC_CTRL_STEERING || b == VNIC_CTRL_COAL_ALL);
}

bool ctrl_conflict(uint8_t group_a, uint32_t key_a, uint8_t group_b, uint32_t key_b)
{
	if (group_a == VNIC_CTRL_FREE || group_b == VNIC_CTRL_FREE)
		return false;
	if (group_a == group_b)
		return !keyed(group_a) || key_a == key_b;
	return across(group_a, group_b) || across(group_b, group_a);
}

static unsigned key_of(uint8_t group, uint32_t key)
{
	return (key + group * 37u) % CTRL_KEYS;
}

void ctrl_group_count(struct vnic_ctrl *c, const struct ctrl_slot *s, int by)
{
	c->by_group[s->group] = (uint16_t)(c->by_group[s->group] + by);
	c->by_key[key_of(s->group, s->key)] = (uint16_t)(c->by_key[key_of(s->group, s->key)] + by);
}

/* From the counts alone: is there anything that might? */
static bool may_be_held_up(const struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	if (keyed(s->group) ? c->by_key[key_of(s->group, s->key)] > 1 : c->by_group[s->group] > 1)
		return true;
	for (unsigned g = 0; g < CTRL_GROUPS; g++)
		if (c->by_group[g] != 0 && (across(s->group, (uint8_t)g) || across((uint8_t)g, s->group)))
			return true;
	return false;
}

bool ctrl_held_up(const struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	const struct ctrl_slot *e;

	if (s->group == VNIC_CTRL_FREE || !may_be_held_up(c, s))
		return false;
	TAILQ_FOREACH(e, &c->active, link) {
		if (e == s)
			return false;
		if (ctrl_conflict(e->group, e->key, s->group, s->key))
			return true;
	}
	return false;
}
