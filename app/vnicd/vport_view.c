/* SPDX-License-Identifier: BSD-3-Clause */
/* What telemetry tells of a vhost-user port. */
#include <stdio.h>

#include "app/vnicd/vport.h"

/* The counters of a queue, by the names telemetry has for them. */
static const struct {
	const char *name;
	size_t off;
} counters[] = {
#define C(name) { #name, offsetof(struct vnicd_queue_stats, name) }
	C(packets), C(bytes), C(notifications), C(interrupts), C(held_back), C(drops), C(overruns), C(disabled), C(malformed),
	C(csum_valid), C(csum_needed), C(csum_none), C(csum_bad), C(gso_packets), C(gso_bytes), C(gso_segments),
	C(gso_segment_bytes), C(noseg_packets), C(noseg_bytes),
#undef C
};

static void
describe_counters(const struct vnicd_nic *nic, uint16_t vq, json_t *o)
{
	struct vnicd_queue_stats s;

	vnicd_nic_queue_stats(nic, vq, &s);
	for (unsigned i = 0; i < RTE_DIM(counters); i++) {
		const uint64_t *v = (const uint64_t *)((const uint8_t *)&s + counters[i].off);

		json_object_set_new(o, counters[i].name, json_integer((json_int_t)*v));
	}
}

static json_t *
describe_queue(const struct vnicd_nic *nic, uint16_t vq)
{
	const struct vnicd_ring *r = &nic->queue[vq].ring;
	struct vnicd_coal coal = vnicd_nic_coal(nic, vq);
	json_t *o = json_pack("{s:i, s:b, s:b, s:i, s:i, s:I, s:I, s:s}", "vq", vq, "running", r->running,
			      "enabled", nic->queue[vq].enabled, "size", r->running ? r->conf.size : 0,
			      "waiting", r->running ? vnicd_ring_waiting(r) : 0,
			      "coal_packets", (json_int_t)coal.max_packets, "coal_usecs", (json_int_t)coal.max_usecs,
			      "error", vnicd_ring_error_name(r->error));

	describe_counters(nic, vq, o);
	return o;
}

static json_t *
describe_queues(const struct vnicd_vport *v)
{
	json_t *rows = json_array();

	for (uint16_t vq = 0; vq < vnicd_nic_queues(&v->nic); vq++) {
		const struct vnicd_ring *r = &v->nic.queue[vq].ring;

		if (r->running || r->error != VNICD_RING_ERROR_NONE)
			json_array_append_new(rows, describe_queue(&v->nic, vq));
	}
	return rows;
}

json_t *
vnicd_vport_control(const struct vnicd_vport *v)
{
	const struct vnicd_config_control *c = &v->control;

	return json_pack("{s:i, s:i, s:i, s:s, s:i, s:I}",
			 "latency_us", c->latency_us, "jitter_us", c->jitter_us, "concurrency", c->concurrency,
			 "order", c->any_order ? "any" : "fifo", "coal_step_us", c->coal_step_us,
			 "stats_types", (json_int_t)c->stats_types);
}

/* How often each fault was done, those that were. */
static json_t *
describe_faults(const struct vnicd_vport *v)
{
	const struct vnicd_ctrl_faults *f = vnicd_ctrl_work_faults(v->work);
	struct vnicd_backend_stats s;
	json_t *o = json_object();

	vnicd_backend_stats(v->backend, &s);
	for (int i = 0; i < VNICD_CTRL_FAULTS_COUNTED; i++)
		if (f->done[i] != 0)
			json_object_set_new(o, vnicd_fault_names[VNICD_FAULT_CTRL + i].name,
					    json_integer((json_int_t)f->done[i]));
	for (int i = 0; i < VNICD_BACKEND_FAULT_KINDS; i++)
		if (s.faults[i] != 0)
			json_object_set_new(o, vnicd_fault_names[VNICD_FAULT_RESET + i].name,
					    json_integer((json_int_t)s.faults[i]));
	return o;
}

static json_t *
describe_control(const struct vnicd_vport *v)
{
	json_t *o = vnicd_vport_control(v);
	struct vnicd_ctrl_work_stats s;

	vnicd_ctrl_work_stats(v->work, &s);
	json_object_update_new(o, json_pack("{s:i, s:i, s:I, s:I, s:I}", "in_work", s.now, "most_in_work", s.most,
					    "taken", (json_int_t)s.taken, "answered", (json_int_t)s.answered,
					    "dropped", (json_int_t)s.dropped));
	return o;
}

void
vnicd_vport_describe(const struct vnicd_port *p, json_t *o)
{
	const struct vnicd_vport *v = (const struct vnicd_vport *)p;
	char mac[RTE_ETHER_ADDR_FMT_SIZE], features[24];
	struct vnicd_backend_stats s;
	json_t *drops = json_object();

	vnicd_backend_stats(v->backend, &s);
	rte_ether_format_addr(mac, sizeof(mac), &v->nic.mac);
	snprintf(features, sizeof(features), "0x%llx", (unsigned long long)v->nic.driver_features);
	json_object_update_new(o, json_pack("{s:s, s:s, s:b, s:b, s:s, s:s, s:i, s:b, s:b, s:I, s:I, s:I, s:I, s:s, "
					    "s:I, s:s, s:I, s:I}",
		"path", v->conf->path, "mode", v->conf->server ? "server" : "client",
		"connected", vnicd_backend_connected(v->backend), "link", v->nic.link_up, "mac", mac,
		"driver_features", features, "pairs", v->nic.active_pairs, "rss", v->nic.rss,
		"announce", v->nic.announce,
		"connects", (json_int_t)s.connects, "disconnects", (json_int_t)s.disconnects,
		"messages", (json_int_t)s.messages, "refused", (json_int_t)s.refused, "last_refusal", s.last_refusal,
		"ring_errors", (json_int_t)v->errors, "last_ring_error", v->last_error,
		"ctrl_ok", (json_int_t)v->nic.ctrl_ok, "ctrl_err", (json_int_t)v->nic.ctrl_err));
	for (int i = 0; i < VNICD_NIC_DROP_COUNT; i++)
		json_object_set_new(drops, vnicd_nic_drop_name((enum vnicd_nic_drop)i),
				    json_integer((json_int_t)v->nic.drop[i]));
	json_object_set_new(o, "device_drops", drops);
	json_object_set_new(o, "control", describe_control(v));
	json_object_set_new(o, "faults_done", describe_faults(v));
	json_object_set_new(o, "queues", describe_queues(v));
}
