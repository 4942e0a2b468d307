/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A learning switch (IEEE 802.1Q, 8.6 to 8.8, without spanning tree): ports,
 * the table of addresses, and where a packet goes. One thread.
 */
#ifndef VNICD_SWITCH_H
#define VNICD_SWITCH_H

#include <rte_log.h>

#include "app/vnicd/config/config.h"
#include "app/vnicd/port.h"
#include "app/vnicd/table.h"

#define VNICD_SWITCH_PORTS (VNICD_CONFIG_PORTS + VNICD_CONFIG_UPLINKS)

struct vnicd_loop;

struct vnicd_switch {
	struct vnicd_port *port[VNICD_SWITCH_PORTS];
	unsigned n;
	struct vnicd_table table;
	bool per_vlan;
	uint32_t batch;
	uint64_t hold_ns;
	uint64_t now;            /* nanoseconds, of this turn of the loop */
	uint16_t in_queue;       /* queue pair or tap queue that the packet under way came from */
	struct vnicd_loop *loop;
};

int vnicd_switch_init(struct vnicd_switch *sw, const struct vnicd_config *cfg, struct vnicd_loop *loop);
/* Ends the ports, too. */
void vnicd_switch_fini(struct vnicd_switch *sw);
/* -ENOSPC. */
int vnicd_switch_add(struct vnicd_switch *sw, struct vnicd_port *p);
struct vnicd_port *vnicd_switch_find(const struct vnicd_switch *sw, const char *name);

/* Where a packet that came in on a port goes. */
#define VNICD_FLOOD ((struct vnicd_port *)-1)
/* The port, VNICD_FLOOD, or NULL: dropped and counted. Learns the source. */
struct vnicd_port *vnicd_switch_route(struct vnicd_switch *sw, struct vnicd_port *in, const struct vnicd_frame *f);
/* To every other port that is ready, but for one (NULL: none). */
void vnicd_switch_flood(struct vnicd_switch *sw, struct vnicd_port *in, const struct vnicd_frame *f,
			const struct vnicd_port *but);
void vnicd_switch_input(struct vnicd_switch *sw, struct vnicd_port *in, const struct vnicd_frame *f);

/* Of the whole: what the loop calls. */
bool vnicd_switch_work(struct vnicd_switch *sw, uint64_t now);
bool vnicd_switch_arm(struct vnicd_switch *sw, bool on);
uint64_t vnicd_switch_timer(struct vnicd_switch *sw, uint64_t now);

static inline uint32_t
vnicd_switch_seconds(const struct vnicd_switch *sw)
{
	return (uint32_t)(sw->now / 1000000000);
}

extern int vnicd_logtype;
#define VNICD_LOG(level, fmt, ...) rte_log(RTE_LOG_##level, vnicd_logtype, "vnicd: " fmt "\n", ##__VA_ARGS__)

#endif
