/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One virtqueue, driver side: ring memory, positions, doorbells, and the gate
 * by which the control plane takes the queue away from the data path.
 *
 * Ownership: the fields under "data path" belong to the lcore that polls the
 * queue while the gate is open, to the holder of vnic_dev.lock while it is closed.
 *
 * Nothing the device writes is trusted: indexes, ids, lengths, flags are loaded
 * once (RTE_READ_ONCE style) and checked; what is wrong calls vnic_vq_fault().
 */
#ifndef VNIC_VQ_H
#define VNIC_VQ_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_atomic.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_mbuf.h>

#include "pmd/virtio/mem.h"
#include "pmd/virtio/virtio_ring.h"

struct vnic_dev;

/* What a device did wrong; the queue stops. Names are xstats. */
#define VNIC_FAULTS(X) \
	X(NONE, "none") \
	X(USED_ID, "used_id_out_of_range") \
	X(USED_IDLE, "used_id_not_outstanding") \
	X(USED_COUNT, "used_index_beyond_outstanding") \
	X(USED_ORDER, "used_id_out_of_order") \
	X(RX_LENGTH, "rx_length_beyond_buffer") \
	X(RX_BUFFERS, "rx_num_buffers_stalled") \
	X(NOTIFY, "doorbell_failed") \
	X(DEVICE, "stopped_by_device")
enum vnic_fault {
#define X(id, name) VNIC_FAULT_##id,
	VNIC_FAULTS(X)
#undef X
	VNIC_FAULT_COUNT
};
const char *vnic_fault_name(enum vnic_fault f);

/* What is outstanding under an id (packed) or head descriptor (split). */
struct vnic_slot {
	struct rte_mbuf *mbuf;  /* NULL: not outstanding (receive: the buffer; transmit: the packet) */
	uint16_t count;         /* descriptors of the chain in the ring */
	uint16_t next;          /* free list */
	uint32_t bytes;         /* transmit: pkt_len */
};

struct vnic_vq {
	/* constant while the queue runs */
	union {
		struct {
			struct vring_desc *desc;
			struct vring_avail *avail;
			struct vring_used *used;
		} split;
		struct {
			struct vring_packed_desc *desc;
			struct vring_packed_event *driver; /* ours: what the device may tell us */
			struct vring_packed_event *device; /* its: what it wants to hear */
		} packed;
	};
	struct vnic_slot *slot;   /* size entries, private memory */
	struct vnic_dev *dev;
	uint16_t size;            /* entries; split: a power of two */
	uint16_t index;           /* virtqueue number */
	uint8_t hdr_len;          /* 12 or 20 */
	bool is_packed, event_idx, in_order, indirect;
	bool strong;              /* ORDER_PLATFORM: barriers of IO strength */
	uint16_t addr_offset;     /* of buf_addr or buf_iova in struct rte_mbuf */

	/* data path */
	uint16_t avail;           /* split: free-running index; packed: position */
	uint16_t used;            /* the same of what we have taken back */
	bool avail_wrap, used_wrap;
	uint16_t free_count;      /* descriptors free */
	uint16_t reserve;         /* of those free, so many are left alone: a ring made smaller by use, not in memory */
	uint16_t free_head;       /* first free slot */
	uint16_t free_tail;       /* transmit, not in order: last free slot; slots are taken round */
	uint16_t added;           /* descriptors published since the last doorbell check */
	uint8_t fault;            /* enum vnic_fault */
	bool intr;                /* notifications wanted (receive interrupts armed) */
	uint64_t doorbells, suppressed; /* rung; not needed */

	/* gate: see below */
	volatile uint32_t closed; /* VNIC_GATE_*; not 0: keep out */
	uint32_t inside;
	bool aside;               /* packets of the ring before this one wait beside the queue (rx.h) */

	/* control plane */
	void (*notify)(struct vnic_vq *vq); /* ring the doorbell; data path calls it */
	uintptr_t notify_data;    /* transport's: address or descriptor */
	struct vnic_chunk ring;   /* descriptors, driver area, device area in one piece */
	uint32_t driver_off, device_off; /* of the areas in ring */
	int kick_fd, call_fd;     /* vhost-user's, -1: none */
	bool live;                /* the device knows the ring */
	uint16_t max;             /* entries that the device takes at most, as told when the ring was set up */
};

/* Descriptors that may be posted now; in use when all of them are. */
static inline uint16_t vnic_vq_room(const struct vnic_vq *vq)
{
	return (uint16_t)(vq->free_count > vq->reserve ? vq->free_count - vq->reserve : 0);
}
static inline uint16_t vnic_vq_limit(const struct vnic_vq *vq)
{
	return (uint16_t)(vq->size - vq->reserve);
}

/* OPEN but for those who look into the ring before they have taken what is aside: KEPT. */
enum vnic_gate { VNIC_GATE_OPEN, VNIC_GATE_CLOSED, VNIC_GATE_KEPT };

/*
 * Make a ring of size entries in new memory, empty, notifications off. The
 * caller closes the gate first and opens it when the device knows the ring. Nothing
 * is changed on failure: -ENOMEM, -EINVAL (size).
 */
int vnic_vq_create(struct vnic_vq *vq, struct vnic_dev *dev, uint16_t index, uint16_t size, int node);
/* Back to empty in the same memory: after a device or queue reset. Slots must be empty. */
void vnic_vq_rewind(struct vnic_vq *vq);
/* Take over the ring that from was created with, empty and used whole; vq has none (destroyed). Gate
 * and counters of vq stay as they are. from is left without. */
void vnic_vq_adopt(struct vnic_vq *vq, struct vnic_vq *from);
/* quarantine: the device may still touch the ring. */
void vnic_vq_destroy(struct vnic_vq *vq, bool quarantine);
/* Octets of ring memory, and where the areas lie (pure). */
size_t vnic_vq_layout(uint16_t size, bool packed, uint32_t *driver_off, uint32_t *device_off);

/* ---- the gate ----------------------------------------------------------------
 * The lcore enters and leaves by plain stores; whoever closes it pays with a
 * membarrier(2) and waits. Used by bursts and by every other call that touches the
 * fields of the data path. */
static inline bool vnic_vq_enter(struct vnic_vq *vq)
{
	__atomic_store_n(&vq->inside, 1, __ATOMIC_RELAXED);
	rte_compiler_barrier(); /* the other side's membarrier makes it a full one */
	/* Pairs with the release in vnic_vq_open(): what was changed behind the gate is seen. */
	if (likely(__atomic_load_n(&vq->closed, __ATOMIC_ACQUIRE) == VNIC_GATE_OPEN))
		return true;
	__atomic_store_n(&vq->inside, 0, __ATOMIC_RELAXED);
	return false;
}
static inline void vnic_vq_leave(struct vnic_vq *vq)
{
	/* What we read and wrote comes before being seen to have left. */
	__atomic_store_n(&vq->inside, 0, __ATOMIC_RELEASE);
}
/* Close, and wait until no burst is inside: at most ms; -ETIMEDOUT leaves it closed. */
int vnic_vq_close(struct vnic_vq *vq, unsigned ms);
void vnic_vq_open(struct vnic_vq *vq);

/* The device broke the rules: count, close the gate from inside, tell the
 * control thread, which raises the event. */
void vnic_vq_fault(struct vnic_vq *vq, enum vnic_fault fault);

/* ---- doorbells ----------------------------------------------------------------
 * After publishing: full barrier, suppression test, doorbell if due (2.7.13,
 * 2.8.21). Counts. One call per burst. */
void vnic_vq_kick(struct vnic_vq *vq);
/* Receive interrupts: ask for notifications; true when something was already
 * there (the caller polls again). */
bool vnic_vq_intr_enable(struct vnic_vq *vq);
void vnic_vq_intr_disable(struct vnic_vq *vq);
/* Is a used entry there? No side effects; any thread that may poll the queue. */
bool vnic_vq_has_used(const struct vnic_vq *vq);
/* Used entries there now, counted (rx_queue_count). */
uint16_t vnic_vq_count_used(const struct vnic_vq *vq);

#endif
