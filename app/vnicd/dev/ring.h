/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtqueue, device side (virtio 1.2, 2.7 and 2.8): chains taken, used
 * entries given back. Nothing the driver writes is trusted: every index, id,
 * address, length, loop is checked; a violation stops the ring under its name and harms nobody else.
 *
 * Also the device of the unit tests: vnicd_ring_lie() makes it misbehave.
 * One thread per ring.
 */
#ifndef VNICD_RING_H
#define VNICD_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "app/vnicd/dev/memory.h"
#include "pmd/virtio/virtio_ring.h"

#define VNICD_CHAIN_MAX 1024 /* pieces of a chain after translation */

#define VNICD_RING_ERRORS(X) \
	X(NONE, "none") \
	X(INDEX, "avail_index_beyond_ring") \
	X(HEAD, "head_out_of_range") \
	X(NEXT, "next_out_of_range") \
	X(LOOP, "chain_loops") \
	X(ADDRESS, "address_outside_memory") \
	X(LENGTH, "zero_length_or_too_long") \
	X(ORDER, "readable_after_writable") \
	X(INDIRECT, "indirect_table_malformed") \
	X(PIECES, "too_many_pieces") \
	X(ID, "buffer_id_out_of_range")
enum vnicd_ring_error {
#define X(id, name) VNICD_RING_ERROR_##id,
	VNICD_RING_ERRORS(X)
#undef X
	VNICD_RING_ERROR_COUNT
};
const char *vnicd_ring_error_name(enum vnicd_ring_error e);

struct vnicd_ring_conf {
	uint16_t size;
	bool packed, in_order, event_idx, indirect;
	/* The device only reads. In packed indirect tables WRITE is then overlooked: DPDK's net_virtio
	 * leaves it in the first entry of those it transmits by. */
	bool read_only;
	/* in this process: translated and checked by vnicd_ring_map() */
	void *desc, *driver, *device;
	/*
	 * Split: the index to go on from, but it is the used index in memory that counts;
	 * packed: position and wrap (bit 15). Chains that
	 * were taken and not used before (used_base, for split rings the index in memory, is
	 * behind base) are taken again.
	 */
	uint16_t base;
	uint16_t used_base;
	/* The ring's region of the memory that outlives this process (inflight.h), aligned; NULL: none.
	 * recover: go on from what is there, if there is anything; then base and used_base do not count. */
	void *inflight;
	bool inflight_recover;
};

/* One chain: readable pieces first. Points into the driver's memory. */
struct vnicd_chain {
	uint16_t id;        /* head, or packed buffer id */
	uint16_t slots;     /* ring descriptors it takes */
	uint16_t n_out, n_in; /* pieces to read, to write; iov[n_out] is the first to write */
	uint32_t out_len, in_len;
	uint16_t entry;     /* packed, with conf.inflight: its first entry there */
	bool again;         /* was under way when the ring started */
};

struct ring_track; /* ring_track.h */

struct vnicd_ring {
	struct vnicd_ring_conf conf;
	const struct vnicd_memory *memory;
	bool running;
	uint8_t error;          /* enum vnicd_ring_error: stopped for it */
	uint8_t want;           /* what want_kick() wrote last */
	bool avail_wrap, used_wrap;
	uint16_t avail, used;   /* split: free-running; packed: positions */
	uint16_t seen;          /* split: the driver's index at the last look */
	uint16_t taken;         /* packed: slots of chains taken and not used */
	uint16_t pending;       /* chains used, not yet published */
	uint16_t pending_slots;
	/* packed: the first of the pending entries, whose flags are written last */
	bool head_due;
	uint16_t head_at, head_flags;
	/* in order: used chains of which only the last gets an entry, in the first one's place */
	bool batch_wrap;
	uint16_t batch, batch_at, batch_id;
	uint16_t called;        /* split: used index at the last event check; packed: slots since */
	bool call_always;       /* resumed: the driver may have been waiting since before */
	bool has_last;
	uint16_t last_id;       /* of the last used entry */
	uint64_t kicks, calls, calls_suppressed, chains; /* since start; kicks is the owner's */
	void *lie;              /* vnicd_ring_lie()'s */
	struct ring_track *track; /* with conf.inflight */
	bool marked, in_work;   /* the owner's; false after a start */
};

/* Octets of the three areas for a ring of this size: what has to be mapped. */
void vnicd_ring_lengths(uint16_t size, bool packed, uint64_t *desc, uint64_t *driver, uint64_t *device);
/* Ring addresses of the driver (its user addresses) -> conf's pointers; size and packed are
 * set. -EINVAL: outside of the memory, misaligned here, or a size no ring may have. */
int vnicd_ring_map(struct vnicd_ring_conf *conf, const struct vnicd_memory *m, uint64_t desc, uint64_t driver,
		   uint64_t device);
/* Start a ring that is not running; what r held before does not count. -EINVAL: size, alignment, base, what
 * conf->inflight holds; -ENOMEM. */
int vnicd_ring_start(struct vnicd_ring *r, const struct vnicd_ring_conf *conf, const struct vnicd_memory *m);
/* Stop, with everything published; returns the base to resume from as GET_VRING_BASE has it
 * (packed: the used position in the upper half). Calling it again is harmless. */
uint32_t vnicd_ring_stop(struct vnicd_ring *r);
/* Before a stop that the driver asked for: it counts on nothing that is under way (conf.inflight). */
void vnicd_ring_forget(struct vnicd_ring *r);

/*
 * Take the next chain: 1; 0: none; -EPROTO: r->error says what (the ring is
 * stopped). iov has room for max pieces (VNICD_CHAIN_MAX at least to take any).
 */
int vnicd_ring_next(struct vnicd_ring *r, struct vnicd_chain *c, struct iovec *iov, unsigned max);
/* Give the chain last taken back, as if never taken. Several: in reverse order. */
void vnicd_ring_undo(struct vnicd_ring *r, const struct vnicd_chain *c);
/* A used entry for a chain, len octets written; not visible before publish. With IN_ORDER
 * chains have to be given back in order; those with nothing to write get one entry a publish. */
void vnicd_ring_used(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t len);
void vnicd_ring_publish(struct vnicd_ring *r);
/* Does the driver want to be told of what was published since the last check? */
bool vnicd_ring_should_call(struct vnicd_ring *r);
/* Want kicks from now on, or not; true: chains came in between, look again. */
bool vnicd_ring_want_kick(struct vnicd_ring *r, bool on);
/* Are n chains waiting, of one descriptor each? A look at one place: what a driver says there is not checked. */
bool vnicd_ring_has(const struct vnicd_ring *r, uint16_t n);
/* Want a kick when there are that many; with EVENT_IDX not before. true: they are there. */
bool vnicd_ring_want_kick_at(struct vnicd_ring *r, uint16_t n);
/* Chains waiting, as far as can be told without trust (at most size). */
uint16_t vnicd_ring_waiting(const struct vnicd_ring *r);

/* What a malicious device writes into its next used entry (count: how often). */
enum vnicd_ring_lie {
	VNICD_LIE_NONE,
	VNICD_LIE_ID_RANGE,   /* id beyond the ring */
	VNICD_LIE_ID_IDLE,    /* an id that is not outstanding */
	VNICD_LIE_ID_TWICE,   /* the same id as before */
	VNICD_LIE_IDX_JUMP,   /* used index beyond what is outstanding (packed: flags of slots not due) */
	VNICD_LIE_LEN_ZERO, VNICD_LIE_LEN_SHORT, VNICD_LIE_LEN_HUGE,
	VNICD_LIE_ORDER,      /* out of order although IN_ORDER */
	VNICD_LIE_COUNT
};
const char *vnicd_ring_lie_name(enum vnicd_ring_lie lie);
int vnicd_ring_lie(struct vnicd_ring *r, enum vnicd_ring_lie lie, uint32_t count);

#endif
