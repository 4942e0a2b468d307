/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration of vnicd as the program sees it: everything checked,
 * defaults filled in. Keys, bounds and meanings are in tables.c.
 */
#ifndef VNICD_CONFIG_H
#define VNICD_CONFIG_H

#include <net/if.h>
#include <sys/un.h>

#include "app/config/field.h"

#define VNICD_CONFIG_PORTS   64
#define VNICD_CONFIG_UPLINKS 16
#define VNICD_CONFIG_EVENTS  32
#define VNICD_CONFIG_PPM     1000000

enum vnicd_direction { VNICD_BOTH, VNICD_TO_DRIVER, VNICD_FROM_DRIVER };

/*
 * What can be done to a port. Rates first (value: packets in a million), then
 * times, then what is done once; then the malformed used entries, one for each of
 * enum vnicd_ring_lie but NONE: LIE + lie - 1 (value: how many entries).
 */
#define VNICD_FAULTS(X) \
	X(DROP, "drop") \
	X(DUPLICATE, "duplicate") \
	X(REORDER, "reorder") \
	X(CORRUPT, "corrupt") \
	X(DELAY, "delay") \
	X(JITTER, "jitter") \
	X(SEED, "seed") \
	X(STALL, "stall") \
	X(LINK, "link") \
	X(DISCONNECT, "disconnect") \
	X(DIE, "die") \
	X(ANNOUNCE, "announce") \
	X(CTRL_NEVER, "ctrl_never") \
	X(CTRL_FAIL, "ctrl_fail") \
	X(CTRL_ACK, "ctrl_ack") \
	X(STATS_SHORT, "stats_short") \
	X(STATS_LONG, "stats_long") \
	X(STATS_ZERO, "stats_zero") \
	X(STATS_GARBAGE, "stats_garbage") \
	X(STATS_UNKNOWN, "stats_unknown") \
	X(CTRL_LATE, "ctrl_late") \
	X(CTRL_ORDER, "ctrl_order") \
	X(CTRL_ONLY, "ctrl_only") \
	X(RESET_REFUSE, "reset_refuse") \
	X(RESET_LATE, "reset_late") \
	X(ENABLE_IGNORE, "enable_ignore") \
	X(LIE_ID_RANGE, "lie_id_range") \
	X(LIE_ID_IDLE, "lie_id_idle") \
	X(LIE_ID_TWICE, "lie_id_twice") \
	X(LIE_IDX_JUMP, "lie_idx_jump") \
	X(LIE_LEN_ZERO, "lie_len_zero") \
	X(LIE_LEN_SHORT, "lie_len_short") \
	X(LIE_LEN_HUGE, "lie_len_huge") \
	X(LIE_ORDER, "lie_order")
enum vnicd_fault_kind {
#define X(id, name) VNICD_FAULT_##id,
	VNICD_FAULTS(X)
#undef X
	VNICD_FAULT_KINDS
};
#define VNICD_FAULT_CTRL  VNICD_FAULT_CTRL_NEVER  /* from here as in enum vnicd_ctrl_fault */
#define VNICD_FAULT_RESET VNICD_FAULT_RESET_REFUSE /* from here as in enum vnicd_backend_fault */
#define VNICD_FAULT_LIE   VNICD_FAULT_LIE_ID_RANGE

/* Something done to a port some time after its front end is ready. */
struct vnicd_config_event {
	int kind;            /* enum vnicd_fault_kind */
	uint32_t after_ms, every_ms; /* every 0: once */
	uint32_t value, queue;
};

struct vnicd_config_faults {
	int direction;       /* enum vnicd_direction */
	uint64_t seed;       /* of the port's random numbers; 0: another one each time */
	uint32_t drop, duplicate, reorder, corrupt; /* of a million packets */
	uint32_t delay_us, jitter_us, reorder_us;
	struct vnicd_config_event *events;
	unsigned n_events;
};

struct vnicd_config_features {
	bool packed, in_order, indirect, event_idx, ring_reset;
	bool mergeable, csum, guest_csum, tso, guest_tso, uso, guest_uso;
	bool ctrl_vq, mq, rss, hash_report, status, mtu, speed, announce;
	bool coalescing, device_stats; /* without effect when ctrl_vq is off */
	bool inflight;
};

/* The control queue: how long a command takes, how many are worked on at a time, what it is good for. */
struct vnicd_config_control {
	uint32_t latency_us, jitter_us, concurrency;
	int any_order;        /* 1: answers as they are ready */
	uint32_t coal_step_us;
	uint64_t stats_types; /* bits, VIRTIO_NET_STATS_TYPE_* */
};

struct vnicd_config_port {
	char name[32];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int server;          /* 1: we listen; 0: the front end does */
	uint32_t retry_ms;
	struct rte_ether_addr mac; /* zero: made of the port's number */
	uint32_t mtu, queues, queue_size, speed;
	struct vnicd_config_features features;
	struct vnicd_config_control control;
	struct vnicd_config_faults faults;
};

struct vnicd_config_uplink {
	char name[32];
	char tap[IFNAMSIZ];
	struct rte_ether_addr mac; /* zero: the kernel's choice */
	uint32_t mtu, queues;
	bool offloads, up;
	struct vnicd_config_faults faults;
};

struct vnicd_config {
	struct vnicd_config_port *ports;
	unsigned n_ports;
	struct vnicd_config_uplink *uplinks;
	unsigned n_uplinks;
	struct {
		uint32_t ageing_s, table_size;
		bool per_vlan;
	} sw;
	struct {
		uint32_t spin_us, batch, hold_us;
	} poll;
	int log_level;       /* RTE_LOG_* */
};

extern const struct cfg_field vnicd_config_fields[];
extern const struct cfg_field vnicd_control_fields[]; /* of struct vnicd_config_control */
extern const struct cfg_enum vnicd_fault_names[];

/* The file, read and checked; the caller frees it. *out is NULL on failure:
 * -EINVAL (content), or what opening and reading gave; errs says what. */
int vnicd_config_load(const char *file, struct vnicd_config **out, struct cfg_errors *errs);
int vnicd_config_parse(const char *text, size_t len, struct vnicd_config **out, struct cfg_errors *errs);
void vnicd_config_free(struct vnicd_config *cfg);

/* What a port offers: feature bits of virtio. */
uint64_t vnicd_config_bits(const struct vnicd_config_features *f);

#endif
