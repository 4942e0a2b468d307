/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port of the switch: a vhost-user port (vport.h) or an uplink (tap.h).
 * "In" is what comes from the driver or the kernel into the switch, "out" what
 * goes to them. All on the loop's thread.
 */
#ifndef VNICD_PORT_H
#define VNICD_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "app/vnicd/dev/nic.h"
#include "app/vnicd/fault.h"

struct vnicd_port;
struct vnicd_switch;

/* Why the switch or a port of it dropped a packet. */
#define VNICD_DROPS(X) \
	X(SOURCE, "in_source_is_a_group") \
	X(RESERVED, "in_reserved_group") /* 802.1Q, 8.6.3: not forwarded by a bridge */ \
	X(BACK, "in_destination_is_there") \
	X(NOWHERE, "in_no_other_port") \
	X(DOWN, "out_not_ready") \
	X(STALLED, "out_stalled") \
	X(REFUSED, "out_kernel_refused") \
	X(SHORT, "in_too_short")
enum vnicd_drop {
#define X(id, name) VNICD_DROP_##id,
	VNICD_DROPS(X)
#undef X
	VNICD_DROP_COUNT
};
const char *vnicd_drop_name(enum vnicd_drop drop);

struct vnicd_port_stats {
	uint64_t in_packets, in_bytes, out_packets, out_bytes, flooded;
	uint64_t drop[VNICD_DROP_COUNT];
};

struct vnicd_port_ops {
	const char *kind;
	/* Up to a batch of packets of each queue into the switch; true: there were some. */
	bool (*work)(struct vnicd_port *p, uint64_t now);
	/* A packet for the driver or the kernel; it is taken in any case. */
	void (*output)(struct vnicd_port *p, const struct vnicd_frame *f);
	/* After a round of work: what was given becomes visible. */
	void (*flush)(struct vnicd_port *p);
	bool (*arm)(struct vnicd_port *p, bool on);
	uint64_t (*timer)(struct vnicd_port *p, uint64_t now);
	/* A fault that is not one of packets. -EINVAL, -ENOTSUP. */
	int (*misbehave)(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue);
	/* None of those faults any more. NULL: it has none that last. */
	void (*behave)(struct vnicd_port *p);
	/* Its own part of what telemetry says. */
	void (*describe)(const struct vnicd_port *p, json_t *o);
	void (*destroy)(struct vnicd_port *p);
};

struct vnicd_port {
	const struct vnicd_port_ops *ops;
	struct vnicd_switch *sw;
	char name[32];
	uint16_t index;
	bool up;                 /* packets can be given to it */
	bool touched;            /* something was given since the last flush */
	uint64_t stalled_until;  /* 0: not stalled */
	struct vnicd_fault fault;
	struct vnicd_port_stats stats;
};

/* The common part; the switch has it from then on. -ENOSPC. */
int vnicd_port_init(struct vnicd_port *p, struct vnicd_switch *sw, const struct vnicd_port_ops *ops,
		    const char *name, const struct vnicd_config_faults *faults);
void vnicd_port_fini(struct vnicd_port *p);

/* A packet came in. */
void vnicd_port_input(struct vnicd_port *p, const struct vnicd_frame *f);
/* A packet goes out. */
void vnicd_port_output(struct vnicd_port *p, const struct vnicd_frame *f);
/* Count one that goes out without vnicd_port_output(). */
static inline void
vnicd_port_count_out(struct vnicd_port *p, const struct vnicd_frame *f)
{
	p->stats.out_packets++;
	p->stats.out_bytes += f->len;
	p->touched = true;
}
static inline void
vnicd_port_dropped(struct vnicd_port *p, enum vnicd_drop why)
{
	p->stats.drop[why]++;
}

bool vnicd_port_stalled(const struct vnicd_port *p, uint64_t now);
/* Any fault: of packets, of time, or one the kind of port knows. */
int vnicd_port_fault(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue);
/* What is due; when the next thing is. */
uint64_t vnicd_port_timer(struct vnicd_port *p, uint64_t now);
/* Everything telemetry says of it; the caller's reference. */
json_t *vnicd_port_describe(const struct vnicd_port *p);

#endif
