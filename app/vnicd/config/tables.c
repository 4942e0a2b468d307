/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration of vnicd may say. Parser, JSON schema and
 * documentation are made from these tables. After a change: ninja -C build
 * update-config-files.
 */
#include <rte_log.h>

#include "app/vnicd/config/config.h"
#include "app/vnicd/dev/ctrl_work.h"

static const struct cfg_enum mode_names[] = {
	{ "server", 1 },
	{ "client", 0 },
	{ NULL, 0 },
};

static const struct cfg_enum order_names[] = {
	{ "fifo", 0 },
	{ "any", 1 },
	{ NULL, 0 },
};

static const struct cfg_enum direction_names[] = {
	{ "both", VNICD_BOTH },
	{ "to_driver", VNICD_TO_DRIVER },
	{ "from_driver", VNICD_FROM_DRIVER },
	{ NULL, 0 },
};

/* The names rte_log uses. */
static const struct cfg_enum level_names[] = {
	{ "emergency", RTE_LOG_EMERG },
	{ "alert", RTE_LOG_ALERT },
	{ "critical", RTE_LOG_CRIT },
	{ "error", RTE_LOG_ERR },
	{ "warning", RTE_LOG_WARNING },
	{ "notice", RTE_LOG_NOTICE },
	{ "info", RTE_LOG_INFO },
	{ "debug", RTE_LOG_DEBUG },
	{ NULL, 0 },
};

const struct cfg_enum vnicd_fault_names[] = {
#define X(id, name) { name, VNICD_FAULT_##id },
	VNICD_FAULTS(X)
#undef X
	{ NULL, 0 },
};

/* ---- faults ------------------------------------------------------------- */

static const struct cfg_field event_fields[] = {
	CFG_ENUM(struct vnicd_config_event, kind, "kind", CFG_REQUIRED, vnicd_fault_names, 0,
		 "What is done; doc/vnicd.md says what each kind does."),
	CFG_U32(struct vnicd_config_event, after_ms, "after_ms", 0, 0, 86400000, 1000,
		"Milliseconds after the front end is ready."),
	CFG_U32(struct vnicd_config_event, every_ms, "every_ms", 0, 0, 86400000, 0,
		"Again each so many milliseconds; 0 is once."),
	CFG_U32(struct vnicd_config_event, value, "value", 0, 0, 4294967295, 1,
		"How much: a rate, a time, a number of entries, as the kind has it."),
	CFG_U32(struct vnicd_config_event, queue, "queue", 0, 0, 65535, 0,
		"Virtqueue of a malformed used entry: 0 the first receive queue, 1 the first transmit queue, ..."),
	CFG_END
};

static const struct cfg_field event_elem = {
	.type = CFG_TYPE_OBJECT, .key = "event", .fields = event_fields,
	.doc = "Something done to the port some time after its front end is ready.",
};

#define RATE(member, name, text) \
	CFG_U32(struct vnicd_config_faults, member, name, CFG_RUNTIME, 0, VNICD_CONFIG_PPM, 0, text)

static const struct cfg_field fault_fields[] = {
	CFG_ENUM(struct vnicd_config_faults, direction, "direction", 0, direction_names, VNICD_BOTH,
		 "Which packets the rates and times are for; of an uplink, the kernel is the driver."),
	CFG_U64(struct vnicd_config_faults, seed, "seed", CFG_RUNTIME, 0, 9223372036854775807, 0,
		"Start of the port's random numbers, so that a run can be repeated; 0 is another one each time."),
	RATE(drop, "drop", "Packets dropped, in a million."),
	RATE(duplicate, "duplicate", "Packets that come twice, in a million."),
	RATE(reorder, "reorder", "Packets held back while others pass, in a million."),
	RATE(corrupt, "corrupt",
	     "Packets of which one bit is turned, in a million; they lose their marks of checksum and "
	     "segmentation offloads, so that a checksum shows it."),
	CFG_U32(struct vnicd_config_faults, delay_us, "delay_us", CFG_RUNTIME, 0, 10000000, 0,
		"Microseconds every packet is delayed."),
	CFG_U32(struct vnicd_config_faults, jitter_us, "jitter_us", CFG_RUNTIME, 0, 10000000, 0,
		"At most so many more, by chance; order is kept."),
	CFG_U32(struct vnicd_config_faults, reorder_us, "reorder_us", 0, 1, 10000000, 500,
		"Microseconds a packet is held back by `reorder`."),
	CFG_ARRAY(struct vnicd_config_faults, events, n_events, "events", 0, 0, VNICD_CONFIG_EVENTS, &event_elem,
		  "What is done at a time."),
	CFG_END
};

/* ---- ports -------------------------------------------------------------- */

#define FEATURE(member, name, text) \
	CFG_BOOL(struct vnicd_config_features, member, name, 0, true, text)

static const struct cfg_field feature_fields[] = {
	FEATURE(packed, "packed", "Packed rings."),
	FEATURE(in_order, "in_order", "Buffers are used in the order they came in."),
	FEATURE(indirect, "indirect", "Indirect descriptors."),
	FEATURE(event_idx, "event_idx", "Notifications at an index."),
	FEATURE(ring_reset, "ring_reset", "Single rings can be reset."),
	FEATURE(mergeable, "mergeable", "Packets may spread over several receive buffers."),
	FEATURE(csum, "csum", "Packets may be sent with a partial checksum."),
	FEATURE(guest_csum, "guest_csum", "Packets may be received with a partial checksum, or marked as checked."),
	FEATURE(tso, "tso", "TCP over IPv4 and IPv6 may be sent unsegmented."),
	FEATURE(guest_tso, "guest_tso", "TCP over IPv4 and IPv6 may be received unsegmented."),
	FEATURE(uso, "uso", "UDP over IPv4 and IPv6 may be sent unsegmented."),
	FEATURE(guest_uso, "guest_uso", "UDP over IPv4 and IPv6 may be received unsegmented."),
	FEATURE(ctrl_vq, "ctrl_vq", "The control queue: receive mode, MAC and VLAN filters, offloads."),
	FEATURE(mq, "mq", "Several queue pairs."),
	FEATURE(rss, "rss", "Receive queues chosen by a hash and a table of the driver's."),
	FEATURE(hash_report, "hash_report", "That hash in each packet's header."),
	FEATURE(status, "status", "Link state."),
	FEATURE(mtu, "mtu", "The MTU."),
	FEATURE(speed, "speed", "Speed and duplex."),
	FEATURE(announce, "announce", "The device can ask the driver to announce itself."),
	FEATURE(coalescing, "coalescing",
		"Notifications of a queue can be gathered, by number and time; needs the control queue."),
	CFG_BOOL(struct vnicd_config_features, inflight, "inflight", 0, false,
		 "What is under way is noted in memory of the front end's, for the vnicd after this one (INFLIGHT_SHMFD): some "
		 "work for each buffer, and of use only to front ends that go on with their rings, as neither smcgate nor QEMU do."),
	FEATURE(device_stats, "device_stats", "The device's own counters can be asked for; needs the control queue."),
	CFG_END
};

const struct cfg_field vnicd_control_fields[] = {
	CFG_U32(struct vnicd_config_control, latency_us, "latency_us", CFG_RUNTIME, 0, VNICD_CTRL_LATENCY_MAX_US, 0,
		"Microseconds a command takes until it has its effect and its answer."),
	CFG_U32(struct vnicd_config_control, jitter_us, "jitter_us", CFG_RUNTIME, 0, VNICD_CTRL_LATENCY_MAX_US, 0,
		"At most so many more, by chance."),
	CFG_U32(struct vnicd_config_control, concurrency, "concurrency", CFG_RUNTIME, 1, VNICD_CTRL_CONCURRENCY_MAX, 1,
		"Commands worked on at a time; others wait in the ring."),
	CFG_ENUM(struct vnicd_config_control, any_order, "order", CFG_RUNTIME, order_names, 0,
		 "Effects and answers in the order of the commands (`fifo`), or as they are ready (`any`; rings with "
		 "`in_order` are answered in order in any case)."),
	CFG_U32(struct vnicd_config_control, coal_step_us, "coal_step_us", CFG_RUNTIME, 1, 1000000, 1,
		"Times of coalescing are rounded up to multiples of so many microseconds, as devices do; VQ_GET tells "
		"the rounded ones."),
	CFG_U64(struct vnicd_config_control, stats_types, "stats_types", CFG_RUNTIME, 0, 9223372036854775807,
		9223372036854775807,
		"Types of device statistics there are, a mask: 0 to 3 receive (basic, csum, gso, speed), 16 to 19 "
		"transmit, 32 the control queue."),
	CFG_END
};

static const struct cfg_field port_fields[] = {
	CFG_NAME(struct vnicd_config_port, name, "name", CFG_REQUIRED, "Name in telemetry and messages."),
	CFG_STRING(struct vnicd_config_port, path, "path", CFG_REQUIRED, 1, NULL, "Path of the vhost-user socket."),
	CFG_ENUM(struct vnicd_config_port, server, "mode", 0, mode_names, 1,
		 "Who listens on the socket: `server`, vnicd; `client`, the front end."),
	CFG_U32(struct vnicd_config_port, retry_ms, "retry_ms", 0, 1, 60000, 100,
		"As client: milliseconds between two tries to connect."),
	CFG_MAC(struct vnicd_config_port, mac, "mac", 0,
		"Address offered to the driver; 02:76:6e:00:00:NN, NN the number of the port, when absent."),
	CFG_U32(struct vnicd_config_port, mtu, "mtu", 0, 68, 65500, 1500,
		"MTU offered to the driver; packets longer than it are dropped."),
	CFG_U32(struct vnicd_config_port, queues, "queues", 0, 1, 64, 1, "Queue pairs at most."),
	CFG_U32(struct vnicd_config_port, queue_size, "queue_size", 0, 8, 32768, 32768,
		"Descriptors of a ring at most, a power of two."),
	CFG_U32(struct vnicd_config_port, speed, "speed", 0, 1, 2147483647, 10000, "Speed told, in Mbit/s."),
	CFG_OBJECT(struct vnicd_config_port, features, "features", 0, feature_fields,
		   "What is offered to the driver, which takes what it knows."),
	CFG_OBJECT(struct vnicd_config_port, control, "control", 0, vnicd_control_fields,
		   "How the control queue is served."),
	CFG_OBJECT(struct vnicd_config_port, faults, "faults", 0, fault_fields, "What goes wrong on purpose."),
	CFG_END
};

static const struct cfg_field port_elem = {
	.type = CFG_TYPE_OBJECT, .key = "port", .fields = port_fields, .doc = "A vhost-user port.",
};

static const struct cfg_field uplink_fields[] = {
	CFG_NAME(struct vnicd_config_uplink, name, "name", CFG_REQUIRED, "Name in telemetry and messages."),
	CFG_NAME(struct vnicd_config_uplink, tap, "tap", CFG_REQUIRED,
		 "Name of the kernel interface, made at the start in vnicd's network namespace and gone at the end."),
	CFG_MAC(struct vnicd_config_uplink, mac, "mac", 0,
		"The kernel's address on it; the kernel chooses when absent."),
	CFG_U32(struct vnicd_config_uplink, mtu, "mtu", 0, 68, 65500, 1500, "The interface's MTU."),
	CFG_U32(struct vnicd_config_uplink, queues, "queues", 0, 1, 16, 1, "Queues of the interface."),
	CFG_BOOL(struct vnicd_config_uplink, offloads, "offloads", 0, true,
		 "The kernel leaves checksums and segmentation of what it sends to us; what it receives "
		 "comes as it was sent in any case."),
	CFG_BOOL(struct vnicd_config_uplink, up, "up", 0, true, "Set the interface up."),
	CFG_OBJECT(struct vnicd_config_uplink, faults, "faults", 0, fault_fields, "What goes wrong on purpose."),
	CFG_END
};

static const struct cfg_field uplink_elem = {
	.type = CFG_TYPE_OBJECT, .key = "uplink", .fields = uplink_fields, .doc = "A kernel interface.",
};

/* ---- the rest ------------------------------------------------------------- */

static const struct cfg_field switch_fields[] = {
	CFG_U32(struct vnicd_config, sw.ageing_s, "ageing_s", 0, 1, 86400, 300,
		"Seconds after its last packet an address is forgotten."),
	CFG_U32(struct vnicd_config, sw.table_size, "table_size", 0, 16, 1048576, 4096,
		"Addresses remembered, a power of two; the oldest of eight gives way to a new one."),
	CFG_BOOL(struct vnicd_config, sw.per_vlan, "per_vlan", 0, false,
		 "Learn an address for each VLAN apart; when false tags play no part."),
	CFG_END
};

static const struct cfg_field poll_fields[] = {
	CFG_U32(struct vnicd_config, poll.spin_us, "spin_us", 0, 0, 1000000, 20,
		"Microseconds without work before vnicd sleeps until it is notified."),
	CFG_U32(struct vnicd_config, poll.batch, "batch", 0, 1, 256, 32, "Packets taken from a queue at a time."),
	CFG_U32(struct vnicd_config, poll.hold_us, "hold_us", 0, 0, 1000000, 50000,
		"Microseconds an uplink's packets wait in the kernel when the port they go to has no buffer; "
		"then they are dropped."),
	CFG_END
};

static const struct cfg_field log_fields[] = {
	CFG_ENUM(struct vnicd_config, log_level, "level", 0, level_names, RTE_LOG_INFO,
		 "Least important messages that are written."),
	CFG_END
};

const struct cfg_field vnicd_config_fields[] = {
	CFG_ARRAY(struct vnicd_config, ports, n_ports, "ports", CFG_REQUIRED, 1, VNICD_CONFIG_PORTS, &port_elem,
		  "The vhost-user ports."),
	CFG_ARRAY(struct vnicd_config, uplinks, n_uplinks, "uplinks", 0, 0, VNICD_CONFIG_UPLINKS, &uplink_elem,
		  "Kernel interfaces the switch has, too."),
	{ .key = "switch", .type = CFG_TYPE_OBJECT, .fields = switch_fields,
	  .doc = "The switch between ports and uplinks." },
	{ .key = "poll", .type = CFG_TYPE_OBJECT, .fields = poll_fields, .doc = "The loop." },
	{ .key = "log", .type = CFG_TYPE_OBJECT, .fields = log_fields, .doc = "Messages." },
	CFG_END
};
