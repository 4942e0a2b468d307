/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/port.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/vnicd/loop.h"
#include "app/vnicd/switch.h"

static const char *const drop_names[] = {
#define X(id, name) [VNICD_DROP_##id] = name,
	VNICD_DROPS(X)
#undef X
};

const char *
vnicd_drop_name(enum vnicd_drop drop)
{
	return (unsigned)drop < VNICD_DROP_COUNT ? drop_names[drop] : "?";
}

/* What the faults let through. */
static void
through(void *arg, enum vnicd_way way, const struct vnicd_frame *f)
{
	struct vnicd_port *p = arg;

	if (way == VNICD_WAY_IN) {
		vnicd_switch_input(p->sw, p, f);
		return;
	}
	vnicd_port_count_out(p, f);
	p->ops->output(p, f);
}

int
vnicd_port_init(struct vnicd_port *p, struct vnicd_switch *sw, const struct vnicd_port_ops *ops, const char *name,
		const struct vnicd_config_faults *faults)
{
	p->ops = ops;
	p->sw = sw;
	snprintf(p->name, sizeof(p->name), "%s", name);
	vnicd_fault_init(&p->fault, faults, through, p);
	return vnicd_switch_add(sw, p);
}

void
vnicd_port_fini(struct vnicd_port *p)
{
	vnicd_fault_fini(&p->fault);
}

bool
vnicd_port_stalled(const struct vnicd_port *p, uint64_t now)
{
	return p->stalled_until != 0 && now < p->stalled_until;
}

static void
pass_faults(struct vnicd_port *p, enum vnicd_way way, const struct vnicd_frame *f)
{
	uint64_t due = vnicd_fault_pass(&p->fault, way, f, p->sw->now);

	vnicd_loop_at(p->sw->loop, due);
}

void
vnicd_port_input(struct vnicd_port *p, const struct vnicd_frame *f)
{
	p->stats.in_packets++;
	p->stats.in_bytes += f->len;
	if (unlikely(p->fault.on[VNICD_WAY_IN]))
		pass_faults(p, VNICD_WAY_IN, f);
	else
		vnicd_switch_input(p->sw, p, f);
}

void
vnicd_port_output(struct vnicd_port *p, const struct vnicd_frame *f)
{
	if (unlikely(!p->up))
		vnicd_port_dropped(p, VNICD_DROP_DOWN);
	else if (unlikely(vnicd_port_stalled(p, p->sw->now)))
		vnicd_port_dropped(p, VNICD_DROP_STALLED);
	else if (unlikely(p->fault.on[VNICD_WAY_OUT]))
		pass_faults(p, VNICD_WAY_OUT, f);
	else
		through(p, VNICD_WAY_OUT, f);
}

/* ms 0: until told otherwise. */
static int
stall(struct vnicd_port *p, uint64_t ms)
{
	if (ms > 86400000)
		return -EINVAL;
	p->stalled_until = ms == 0 ? UINT64_MAX : p->sw->now + ms * 1000000;
	vnicd_loop_at(p->sw->loop, p->stalled_until);
	return 0;
}

static int
do_fault(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue)
{
	if (kind == VNICD_FAULT_STALL)
		return stall(p, value);
	if (kind <= VNICD_FAULT_SEED)
		return vnicd_fault_set(&p->fault, kind, value);
	return p->ops->misbehave(p, kind, value, queue);
}

int
vnicd_port_fault(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue)
{
	int rc = kind == VNICD_FAULT_DIE ? 0 : do_fault(p, kind, value, queue);

	if (rc == 0)
		VNICD_LOG(NOTICE, "%s: fault %s %llu", p->name, vnicd_fault_names[kind].name, (unsigned long long)value);
	/* As a crash does: nothing is cleaned up, the kernel closes what is open. */
	return kind == VNICD_FAULT_DIE ? kill(getpid(), SIGKILL) : rc;
}

uint64_t
vnicd_port_timer(struct vnicd_port *p, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	if (p->stalled_until != 0 && now >= p->stalled_until)
		p->stalled_until = 0;
	if (p->stalled_until != 0)
		next = p->stalled_until;
	next = RTE_MIN(next, vnicd_fault_timer(&p->fault, now));
	return RTE_MIN(next, p->ops->timer(p, now));
}

/* ---- telemetry ---------------------------------------------------------------- */

static json_t *
describe_faults(const struct vnicd_fault *x)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:i}",
			 "drop", x->conf.drop, "duplicate", x->conf.duplicate, "reorder", x->conf.reorder,
			 "corrupt", x->conf.corrupt, "delay_us", x->conf.delay_us, "jitter_us", x->conf.jitter_us,
			 "dropped", (json_int_t)x->stats.dropped, "duplicated", (json_int_t)x->stats.duplicated,
			 "reordered", (json_int_t)x->stats.reordered, "corrupted", (json_int_t)x->stats.corrupted,
			 "delayed", (json_int_t)x->stats.delayed, "overflowed", (json_int_t)x->stats.overflowed,
			 "held", x->n);
}

json_t *
vnicd_port_describe(const struct vnicd_port *p)
{
	const struct vnicd_port_stats *s = &p->stats;
	json_t *o = json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "name", p->name, "kind", p->ops->kind,
			      "up", p->up, "stalled", p->stalled_until != 0,
			      "in_packets", (json_int_t)s->in_packets, "in_bytes", (json_int_t)s->in_bytes,
			      "out_packets", (json_int_t)s->out_packets, "out_bytes", (json_int_t)s->out_bytes,
			      "flooded", (json_int_t)s->flooded);
	json_t *drops = json_object();

	for (int i = 0; i < VNICD_DROP_COUNT; i++)
		json_object_set_new(drops, drop_names[i], json_integer((json_int_t)s->drop[i]));
	json_object_set_new(o, "drops", drops);
	json_object_set_new(o, "faults", describe_faults(&p->fault));
	p->ops->describe(p, o);
	return o;
}
