/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t
key_of(const struct rte_ether_addr *mac, uint16_t vlan)
{
	uint64_t key = 0;

	for (unsigned i = 0; i < RTE_ETHER_ADDR_LEN; i++)
		key = key << 8 | mac->addr_bytes[i];
	return key << 16 | vlan;
}

/* Two rounds of multiply and fold with secret numbers: not a MAC, but not
 * foreseeable from outside either. */
static struct vnicd_table_entry *
bucket_of(const struct vnicd_table *t, uint64_t key)
{
	unsigned __int128 m = (unsigned __int128)(key ^ t->key[0]) * (t->key[1] | 1);
	uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);

	m = (unsigned __int128)(h ^ t->key[1]) * UINT64_C(0x9e3779b97f4a7c15);
	h = (uint64_t)m ^ (uint64_t)(m >> 64);
	return &t->entry[(h & (t->buckets - 1)) * VNICD_TABLE_WAYS];
}

int
vnicd_table_init(struct vnicd_table *t, uint32_t size, uint32_t ageing_s)
{
	memset(t, 0, sizeof(*t));
	t->entry = calloc(size, sizeof(*t->entry));
	if (t->entry == NULL)
		return -ENOMEM;
	t->buckets = size / VNICD_TABLE_WAYS;
	t->ageing_s = ageing_s;
	/* Never short for so few octets. */
	if (getrandom(t->key, sizeof(t->key), 0) < 0)
		t->key[0] = (uintptr_t)t->entry;
	return 0;
}

void
vnicd_table_fini(struct vnicd_table *t)
{
	free(t->entry);
	t->entry = NULL;
}

static bool
fresh(const struct vnicd_table *t, const struct vnicd_table_entry *e, uint32_t now)
{
	return e->key != 0 && now - e->seen <= t->ageing_s;
}

void
vnicd_table_learn(struct vnicd_table *t, const struct rte_ether_addr *mac, uint16_t vlan, uint16_t port,
		  uint32_t now)
{
	uint64_t key = key_of(mac, vlan);
	struct vnicd_table_entry *b = bucket_of(t, key), *victim = b;

	for (unsigned i = 0; i < VNICD_TABLE_WAYS; i++) {
		if (b[i].key == key) {
			t->stats.moved += b[i].port != port;
			b[i].port = port;
			b[i].seen = now;
			return;
		}
		if (victim->key != 0 && (b[i].key == 0 || now - b[i].seen > now - victim->seen))
			victim = &b[i];
	}
	t->stats.learned++;
	t->stats.replaced += fresh(t, victim, now);
	*victim = (struct vnicd_table_entry){ .key = key, .seen = now, .port = port };
}

uint16_t
vnicd_table_find(const struct vnicd_table *t, const struct rte_ether_addr *mac, uint16_t vlan, uint32_t now)
{
	uint64_t key = key_of(mac, vlan);
	const struct vnicd_table_entry *b = bucket_of(t, key);

	for (unsigned i = 0; i < VNICD_TABLE_WAYS; i++) {
		if (b[i].key == key)
			return fresh(t, &b[i], now) ? b[i].port : VNICD_TABLE_NONE;
	}
	return VNICD_TABLE_NONE;
}

void
vnicd_table_forget(struct vnicd_table *t, uint16_t port)
{
	for (uint32_t i = 0; i < t->buckets * VNICD_TABLE_WAYS; i++) {
		if (t->entry[i].port == port)
			t->entry[i].key = 0;
	}
}

bool
vnicd_table_next(const struct vnicd_table *t, uint32_t now, uint32_t *at, struct vnicd_table_entry *out)
{
	while (*at < t->buckets * VNICD_TABLE_WAYS) {
		const struct vnicd_table_entry *e = &t->entry[(*at)++];

		if (fresh(t, e, now)) {
			*out = *e;
			return true;
		}
	}
	return false;
}

void
vnicd_table_mac(const struct vnicd_table_entry *e, struct rte_ether_addr *mac, uint16_t *vlan)
{
	for (unsigned i = 0; i < RTE_ETHER_ADDR_LEN; i++)
		mac->addr_bytes[i] = (uint8_t)(e->key >> (56 - 8 * i));
	*vlan = (uint16_t)e->key;
}
