/* SPDX-License-Identifier: BSD-3-Clause */
/* Cross checks: values that are allowed one by one and contradict each other. */
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/config/config.h"
#include "app/vnicd/config/check.h"
#include "pmd/virtio/virtio_net.h"

#define PATH_LEN 96

struct name {
	const char *text;
	char path[PATH_LEN];
};

static void
check_unlike(struct name *names, unsigned n, const char *what, struct cfg_errors *errs)
{
	for (unsigned i = 1; i < n; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (strcmp(names[i].text, names[j].text) == 0 && cfg_errors_clean(errs, names[i].path) &&
			    cfg_errors_clean(errs, names[j].path)) {
				cfg_error(errs, names[i].path, "found \"%s\", the %s of another", names[i].text, what);
				break;
			}
		}
	}
}

/* Ports and uplinks share their names: telemetry asks by them. */
static void
check_names(const struct vnicd_config *cfg, struct cfg_errors *errs)
{
	struct name names[VNICD_CONFIG_PORTS + VNICD_CONFIG_UPLINKS], paths[VNICD_CONFIG_PORTS],
		taps[VNICD_CONFIG_UPLINKS];
	unsigned n = 0;

	for (unsigned i = 0; i < cfg->n_ports; i++) {
		names[n].text = cfg->ports[i].name;
		snprintf(names[n++].path, PATH_LEN, "$.ports[%u].name", i);
		paths[i].text = cfg->ports[i].path;
		snprintf(paths[i].path, PATH_LEN, "$.ports[%u].path", i);
	}
	for (unsigned i = 0; i < cfg->n_uplinks; i++) {
		names[n].text = cfg->uplinks[i].name;
		snprintf(names[n++].path, PATH_LEN, "$.uplinks[%u].name", i);
		taps[i].text = cfg->uplinks[i].tap;
		snprintf(taps[i].path, PATH_LEN, "$.uplinks[%u].tap", i);
	}
	check_unlike(names, n, "name", errs);
	check_unlike(paths, cfg->n_ports, "path", errs);
	check_unlike(taps, cfg->n_uplinks, "interface", errs);
}

static void
needs(const char *path, const char *key, bool on, const char *need, bool there, struct cfg_errors *errs)
{
	char at[PATH_LEN];

	if (!on || there)
		return;
	snprintf(at, sizeof(at), "%s.features.%s", path, key);
	cfg_error(errs, at, "found true, allowed: only with %s", need);
}

/* Virtio 1.2, 5.1.3.1. */
static void
check_features(const struct vnicd_config_port *p, const char *path, struct cfg_errors *errs)
{
	const struct vnicd_config_features *f = &p->features;
	char at[PATH_LEN];

	needs(path, "tso", f->tso, "csum", f->csum, errs);
	needs(path, "guest_tso", f->guest_tso, "guest_csum", f->guest_csum, errs);
	needs(path, "uso", f->uso, "csum", f->csum, errs);
	needs(path, "guest_uso", f->guest_uso, "guest_csum", f->guest_csum, errs);
	needs(path, "mq", f->mq, "ctrl_vq", f->ctrl_vq, errs);
	needs(path, "rss", f->rss, "ctrl_vq", f->ctrl_vq, errs);
	needs(path, "hash_report", f->hash_report, "ctrl_vq", f->ctrl_vq, errs);
	needs(path, "announce", f->announce, "ctrl_vq and status", f->ctrl_vq && f->status, errs);
	if (p->queues > 1 && !f->mq && !f->rss) {
		snprintf(at, sizeof(at), "%s.queues", path);
		cfg_error(errs, at, "found %u, allowed: 1 without the features mq and rss", p->queues);
	}
}

static void
power_of_two(const char *path, const char *key, uint32_t v, struct cfg_errors *errs)
{
	char at[PATH_LEN];

	if (rte_is_power_of_2(v))
		return;
	snprintf(at, sizeof(at), "%s.%s", path, key);
	cfg_error(errs, at, "found %u, allowed: a power of two", v);
}

static void
check_events(const struct vnicd_config_faults *f, const char *path, bool port, unsigned queues,
	     struct cfg_errors *errs)
{
	char at[PATH_LEN];

	for (unsigned i = 0; i < f->n_events; i++) {
		const struct vnicd_config_event *e = &f->events[i];

		snprintf(at, sizeof(at), "%s.faults.events[%u]", path, i);
		if (e->kind <= VNICD_FAULT_CORRUPT && e->value > VNICD_CONFIG_PPM)
			cfg_error(errs, at, "found value %u, allowed: at most %u of a million", e->value, VNICD_CONFIG_PPM);
		if (!port && e->kind >= VNICD_FAULT_LINK && e->kind != VNICD_FAULT_DIE)
			cfg_error(errs, at, "found \"%s\", which only a vhost-user port can do",
				  vnicd_fault_names[e->kind].name);
		if (e->kind == VNICD_FAULT_CTRL_ONLY && e->value > UINT8_MAX)
			cfg_error(errs, at, "found value %u, allowed: a class of commands, 255 for all", e->value);
		if (e->kind >= VNICD_FAULT_LIE && e->queue > 2 * queues)
			cfg_error(errs, at, "found queue %u, allowed: at most %u", e->queue, 2 * queues);
	}
}

static void
check_port(const struct vnicd_config_port *p, const char *path, struct cfg_errors *errs)
{
	power_of_two(path, "queue_size", p->queue_size, errs);
	check_features(p, path, errs);
	check_events(&p->faults, path, true, p->queues, errs);
}

void
vnicd_config_check(const struct vnicd_config *cfg, struct cfg_errors *errs)
{
	char path[32];

	check_names(cfg, errs);
	for (unsigned i = 0; i < cfg->n_ports; i++) {
		snprintf(path, sizeof(path), "$.ports[%u]", i);
		if (cfg_errors_clean(errs, path))
			check_port(&cfg->ports[i], path, errs);
	}
	for (unsigned i = 0; i < cfg->n_uplinks; i++) {
		snprintf(path, sizeof(path), "$.uplinks[%u]", i);
		if (cfg_errors_clean(errs, path))
			check_events(&cfg->uplinks[i].faults, path, false, 0, errs);
	}
	if (cfg_errors_clean(errs, "$.switch.table_size"))
		power_of_two("$.switch", "table_size", cfg->sw.table_size, errs);
}

/* ---- features ------------------------------------------------------------- */

#define B(f) VIRTIO_BIT(VIRTIO_NET_F_##f)
#define R(f) VIRTIO_BIT(VIRTIO_F_##f)

uint64_t
vnicd_config_bits(const struct vnicd_config_features *f)
{
	const struct {
		bool on;
		uint64_t bits;
	} table[] = {
		{ true, B(MAC) },
		{ f->packed, R(RING_PACKED) },
		{ f->in_order, R(IN_ORDER) },
		{ f->indirect, R(INDIRECT_DESC) },
		{ f->event_idx, R(EVENT_IDX) },
		{ f->ring_reset, R(RING_RESET) },
		{ f->mergeable, B(MRG_RXBUF) },
		{ f->csum, B(CSUM) },
		{ f->guest_csum, B(GUEST_CSUM) },
		{ f->tso, B(HOST_TSO4) | B(HOST_TSO6) | B(HOST_ECN) },
		{ f->guest_tso, B(GUEST_TSO4) | B(GUEST_TSO6) | B(GUEST_ECN) },
		{ f->uso, B(HOST_USO) },
		{ f->guest_uso, B(GUEST_USO4) | B(GUEST_USO6) },
		{ f->ctrl_vq, B(CTRL_VQ) | B(CTRL_RX) | B(CTRL_RX_EXTRA) | B(CTRL_VLAN) | B(CTRL_MAC_ADDR) },
		{ f->ctrl_vq && f->guest_csum, B(CTRL_GUEST_OFFLOADS) },
		{ f->mq, B(MQ) },
		{ f->rss, B(RSS) },
		{ f->hash_report, B(HASH_REPORT) },
		{ f->status, B(STATUS) },
		{ f->mtu, B(MTU) },
		{ f->speed, B(SPEED_DUPLEX) },
		{ f->announce, B(GUEST_ANNOUNCE) },
		{ f->ctrl_vq && f->coalescing, B(NOTF_COAL) | B(VQ_NOTF_COAL) },
		{ f->ctrl_vq && f->device_stats, B(DEVICE_STATS) },
	};
	uint64_t bits = 0;

	for (unsigned i = 0; i < RTE_DIM(table); i++)
		bits |= table[i].on ? table[i].bits : 0;
	return bits;
}
