/* SPDX-License-Identifier: BSD-3-Clause */
/* "moderation" of a port: its tables, its checks, and what is filled in where it says nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"

const struct cfg_enum config_moderate_names[] = {
	{ "busy-poll", CONFIG_BUSY_POLL },
	{ "static", CONFIG_STATIC },
	{ "adaptive", CONFIG_ADAPTIVE },
	{ NULL, 0 },
};

/* ---- tables ------------------------------------------------------------ */

static const struct cfg_field profile_fields[] = {
	CFG_U32(struct config_profile, sleep_us, "sleep_us", 0, 1, 1000000, 20,
		"First sleep of an lcore whose queue has no interrupts, in microseconds; it doubles with every one "
		"that finds nothing, up to `max_latency_us`."),
	CFG_U32(struct config_profile, spin, "spin", 0, 1, 1000000, 16,
		"Turns in a row without work before the lcore backs off."),
	CFG_U32(struct config_profile, usecs, "usecs", 0, 0, 1000000, 8,
		"Microseconds from the first packet to the interrupt: by the device where it coalesces, otherwise "
		"the lcore stays asleep so long before it waits for interrupts."),
	CFG_U32(struct config_profile, packets, "packets", 0, 0, 65535, 256,
		"Packets after which a device that coalesces interrupts at once; 0: with each."),
	CFG_END
};

static const struct cfg_field profile_elem = { .type = CFG_TYPE_OBJECT, .key = "profile",
					       .fields = profile_fields };

#define MODE(st, member, what) \
	CFG_ENUM(st, member, "mode", CFG_RUNTIME, config_moderate_names, CONFIG_MODE_UNSET, what)
#define PROFILE(st, member, what) \
	CFG_U32(st, member, "profile", CFG_RUNTIME, 0, CONFIG_MAX_PROFILES - 1, CONFIG_UNSET, what)
#define LATENCY(st, member, what) \
	CFG_U32(st, member, "max_latency_us", CFG_RUNTIME, 1, 1000000, CONFIG_UNSET, what)

static const struct cfg_field moderated_queue_fields[] = {
	CFG_U32(struct config_moderated_queue, queue, "queue", CFG_REQUIRED, 0, CONFIG_MAX_QUEUES - 1, 0,
		"Number of the receive queue, from 0."),
	MODE(struct config_moderated_queue, mode, "As the port's `mode`, which it has when absent."),
	PROFILE(struct config_moderated_queue, profile, "As the port's `profile`, which it has when absent."),
	LATENCY(struct config_moderated_queue, max_latency_us,
		"As the port's `max_latency_us`, which it has when absent."),
	CFG_END
};

static const struct cfg_field moderated_queue_elem = { .type = CFG_TYPE_OBJECT, .key = "queue",
						       .fields = moderated_queue_fields };

const struct cfg_field config_moderation_fields[] = {
	MODE(struct config_moderation, mode,
	     "`busy-poll`: the lcore never sleeps; `static`: one profile; `adaptive`: the profile follows the load. "
	     "When absent `adaptive`, or `busy-poll` while `idle.enabled` is false."),
	PROFILE(struct config_moderation, profile,
		"Number of the profile of `static`, and of the one `adaptive` begins with and returns to when idle; "
		"1 when absent."),
	LATENCY(struct config_moderation, max_latency_us,
		"Most that a back-off may add to a packet's latency, in microseconds. When absent, chosen by the lcore: "
		"where all its queues have receive interrupts, what waking by one takes on the machine and a quarter "
		"more; otherwise 64 times what a timed sleep is late, for 1.5 % of a core without work. At least 10, "
		"at most `idle.max_sleep_us`."),
	CFG_ARRAY(struct config_moderation, profiles, n_profiles, "profiles", 0, 2, CONFIG_MAX_PROFILES,
		  &profile_elem,
		  "From least latency to least work. When absent five, made from `idle`."),
	CFG_ARRAY(struct config_moderation, queues, n_queues, "queues", 0, 0, CONFIG_MAX_QUEUES,
		  &moderated_queue_elem,
		  "Receive queues that differ from the rest of the port."),
	CFG_END
};

/* ---- the profiles that are made from idle -------------------------------- */

/* Sleeps in quarters of min_sleep_us, spins in quarters of spin_turns. The second is what an
 * lcore does that is not moderated at all. */
static const struct {
	uint16_t sleep, spin, usecs, packets;
} made[] = {
	{ 1, 16, 1, 256 }, { 4, 4, 8, 256 }, { 8, 2, 64, 256 }, { 20, 1, 128, 256 }, { 40, 0, 256, 256 },
};

static uint32_t quarters(uint32_t value, unsigned n)
{
	return (uint32_t)RTE_MAX((uint64_t)value * n / 4, UINT64_C(1));
}

/* What comes out like its left neighbour would only be tried in vain. */
static unsigned make_profiles(const struct config_idle *idle, uint32_t bound, struct config_profile *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RTE_DIM(made); i++) {
		struct config_profile p = {
			.sleep_us = RTE_MIN(quarters(idle->min_sleep_us, made[i].sleep), bound),
			.spin = quarters(idle->spin_turns, made[i].spin),
			.usecs = RTE_MIN((uint32_t)made[i].usecs, bound),
			.packets = made[i].packets,
		};

		if (n == 0 || p.sleep_us != out[n - 1].sleep_us || p.usecs != out[n - 1].usecs)
			out[n++] = p;
	}
	return n;
}

static uint32_t most_of(const struct config *cfg, const struct config_moderation *m)
{
	return m->max_latency_us != CONFIG_UNSET ? m->max_latency_us : cfg->idle.max_sleep_us;
}

int
config_resolve_moderation(const struct config *cfg, struct config_moderation *m)
{
	if ((int)m->mode == CONFIG_MODE_UNSET)
		m->mode = cfg->idle.enabled ? CONFIG_ADAPTIVE : CONFIG_BUSY_POLL;
	m->most_us = most_of(cfg, m);
	if (m->n_profiles == 0) {
		m->profiles = calloc(RTE_DIM(made), sizeof(*m->profiles));
		if (m->profiles == NULL)
			return -ENOMEM;
		m->n_profiles = make_profiles(&cfg->idle, m->most_us, m->profiles);
	}
	if (m->profile == CONFIG_UNSET)
		m->profile = RTE_MIN(1U, m->n_profiles - 1);
	return 0;
}

struct config_moderated_queue
config_moderated(const struct config_port *port, unsigned queue)
{
	const struct config_moderation *m = &port->moderation;
	struct config_moderated_queue out = {
		.queue = queue, .mode = m->mode, .profile = m->profile, .max_latency_us = m->max_latency_us,
	};

	for (unsigned i = 0; i < m->n_queues; i++) {
		const struct config_moderated_queue *q = &m->queues[i];

		if (q->queue != queue)
			continue;
		if ((int)q->mode != CONFIG_MODE_UNSET)
			out.mode = q->mode;
		if (q->profile != CONFIG_UNSET)
			out.profile = q->profile;
		if (q->max_latency_us != CONFIG_UNSET)
			out.max_latency_us = q->max_latency_us;
	}
	/* A small bound leaves fewer than are made without it. */
	out.profile = RTE_MIN(out.profile, m->n_profiles - 1);
	return out;
}

/* ---- checks -------------------------------------------------------------- */

/* Where the file says it. */
struct at {
	char path[80];
};

static struct at at(unsigned port, const char *list, unsigned i, const char *key)
{
	struct at a;

	if (list != NULL)
		snprintf(a.path, sizeof(a.path), "$.ports[%u].moderation.%s[%u].%s", port, list, i, key);
	else
		snprintf(a.path, sizeof(a.path), "$.ports[%u].moderation.%s", port, key);
	return a;
}

static void
check_mode(const struct config *cfg, enum config_moderate mode, struct at a, struct cfg_errors *errs)
{
	if (!cfg->idle.enabled && (int)mode != CONFIG_MODE_UNSET && mode != CONFIG_BUSY_POLL)
		cfg_error(errs, a.path, "found \"%s\", which sleeps, but $.idle.enabled is false: remove one of them",
			  config_moderate_names[mode].name);
}

static void
check_profile(const struct config_moderation *m, uint32_t profile, struct at a, struct cfg_errors *errs)
{
	unsigned n = m->n_profiles != 0 ? m->n_profiles : RTE_DIM(made);

	if (profile != CONFIG_UNSET && profile >= n)
		cfg_error(errs, a.path, "found %u, allowed: 0 to %u, the profiles there are", profile, n - 1);
}

static void
check_bound(uint32_t found, const char *key, unsigned port, unsigned i, uint32_t bound, struct cfg_errors *errs)
{
	if (found > bound)
		cfg_error(errs, at(port, "profiles", i, key).path,
			  "found %u, allowed: at most the max_latency_us of the port, %u", found, bound);
}

/* To the right there is less work and more latency: otherwise adapting leads nowhere. */
bool
config_profile_follows(const struct config_profile *left, const struct config_profile *p)
{
	bool same = p->sleep_us == left->sleep_us && p->usecs == left->usecs && p->spin == left->spin;

	return !same && p->sleep_us >= left->sleep_us && p->usecs >= left->usecs && p->spin <= left->spin;
}

static void
check_order(const struct config_moderation *m, unsigned port, unsigned i, struct cfg_errors *errs)
{
	const struct config_profile *p = &m->profiles[i], *left = &m->profiles[i - 1];
	char path[64];

	snprintf(path, sizeof(path), "$.ports[%u].moderation.profiles[%u]", port, i);
	if (!config_profile_follows(left, p))
		cfg_error(errs, path,
			  "less latency than the one before, or the same: profiles go up in sleep_us and usecs, down in "
			  "spin");
}

static void
check_queue(const struct config *cfg, unsigned port, unsigned i, struct cfg_errors *errs)
{
	const struct config_port *p = &cfg->ports[port];
	const struct config_moderated_queue *q = &p->moderation.queues[i];

	if (q->queue >= p->rx_queues)
		cfg_error(errs, at(port, "queues", i, "queue").path,
			  "found %u, allowed: 0 to %u, of the rx_queues of $.ports[%u]", q->queue, p->rx_queues - 1,
			  port);
	for (unsigned j = 0; j < i; j++)
		if (p->moderation.queues[j].queue == q->queue)
			cfg_error(errs, at(port, "queues", i, "queue").path, "found %u, given twice", q->queue);
	check_mode(cfg, q->mode, at(port, "queues", i, "mode"), errs);
	check_profile(&p->moderation, q->profile, at(port, "queues", i, "profile"), errs);
}

void
config_check_moderation(const struct config *cfg, unsigned port, struct cfg_errors *errs)
{
	const struct config_moderation *m = &cfg->ports[port].moderation;
	uint32_t bound = most_of(cfg, m);

	check_mode(cfg, m->mode, at(port, NULL, 0, "mode"), errs);
	check_profile(m, m->profile, at(port, NULL, 0, "profile"), errs);
	for (unsigned i = 0; i < m->n_profiles; i++) {
		check_bound(m->profiles[i].sleep_us, "sleep_us", port, i, bound, errs);
		check_bound(m->profiles[i].usecs, "usecs", port, i, bound, errs);
		if (i > 0)
			check_order(m, port, i, errs);
	}
	for (unsigned i = 0; i < m->n_queues; i++)
		check_queue(cfg, port, i, errs);
}
