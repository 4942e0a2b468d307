/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/ring.h"

#include <stdlib.h>

#include "app/vnicd/dev/ring_private.h"
#include "app/vnicd/dev/ring_track.h"

const char *vnicd_ring_error_name(enum vnicd_ring_error e)
{
	static const char *const names[] = {
#define X(id, name) name,
		VNICD_RING_ERRORS(X)
#undef X
	};

	return (unsigned)e < VNICD_RING_ERROR_COUNT ? names[e] : "unknown";
}

void vnicd_ring_lengths(uint16_t size, bool packed, uint64_t *desc, uint64_t *driver, uint64_t *device)
{
	*desc = vring_desc_len(size);
	*driver = packed ? sizeof(struct vring_packed_event) : vring_avail_len(size);
	*device = packed ? sizeof(struct vring_packed_event) : vring_used_len(size);
}

/* Alignments of 2.7 and 2.8. */
static bool conf_ok(const struct vnicd_ring_conf *conf)
{
	if (conf->size == 0 || conf->size > VRING_SIZE_MAX)
		return false;
	if (!conf->packed && (conf->size & (conf->size - 1)) != 0)
		return false;
	return conf->desc != NULL && conf->driver != NULL && conf->device != NULL &&
	       (uintptr_t)conf->desc % 16 == 0 && (uintptr_t)conf->driver % (conf->packed ? 4 : 2) == 0 &&
	       (uintptr_t)conf->device % 4 == 0;
}

int vnicd_ring_map(struct vnicd_ring_conf *conf, const struct vnicd_memory *m, uint64_t desc, uint64_t driver,
		   uint64_t device)
{
	uint64_t desc_len, driver_len, device_len;

	vnicd_ring_lengths(conf->size, conf->packed, &desc_len, &driver_len, &device_len);
	conf->desc = vnicd_memory_user(m, desc, desc_len);
	conf->driver = vnicd_memory_user(m, driver, driver_len);
	conf->device = vnicd_memory_user(m, device, device_len);
	return conf_ok(conf) ? 0 : -EINVAL;
}

int vnicd_ring_start(struct vnicd_ring *r, const struct vnicd_ring_conf *conf, const struct vnicd_memory *m)
{
	int rc;

	memset(r, 0, sizeof(*r));
	if (!conf_ok(conf))
		return -EINVAL;
	r->conf = *conf;
	r->memory = m;
	rc = conf->packed ? ring_packed_start(r) : ring_split_start(r);
	if (rc == 0)
		rc = ring_track_start(r);
	r->running = rc == 0;
	return rc;
}

uint32_t vnicd_ring_stop(struct vnicd_ring *r)
{
	if (r->running)
		vnicd_ring_publish(r);
	r->running = false;
	ring_track_end(r);
	free(r->lie);
	r->lie = NULL;
	if (!r->conf.packed)
		return r->avail;
	return r->avail | (uint32_t)r->avail_wrap << 15 | (uint32_t)r->used << 16 | (uint32_t)r->used_wrap << 31;
}

void vnicd_ring_forget(struct vnicd_ring *r)
{
	if (r->running)
		vnicd_ring_publish(r);
	ring_track_clear(r);
}

int ring_fail(struct vnicd_ring *r, enum vnicd_ring_error e)
{
	r->error = (uint8_t)e;
	r->running = false;
	return -EPROTO;
}

enum vnicd_ring_error ring_gather_desc(const struct vnicd_ring *r, struct ring_gather *g,
				       const struct ring_desc *d)
{
	struct vnicd_chain *c = g->c;
	bool write = (d->flags & VRING_DESC_F_WRITE) != 0;
	uint32_t *total = write ? &c->in_len : &c->out_len;
	uint64_t addr = d->addr, left = d->len;

	if (!write && c->n_in > 0)
		return VNICD_RING_ERROR_ORDER;
	if (left == 0 || left > UINT32_MAX - *total)
		return VNICD_RING_ERROR_LENGTH;
	*total += d->len;
	while (left > 0) {
		uint64_t here = left;
		void *p = vnicd_memory_piece(r->memory, addr, &here);

		if (p == NULL)
			return VNICD_RING_ERROR_ADDRESS;
		if (c->n_out + c->n_in >= (int)g->max)
			return VNICD_RING_ERROR_PIECES;
		g->iov[c->n_out + c->n_in] = (struct iovec){ p, here };
		if (write)
			c->n_in++;
		else
			c->n_out++;
		addr += here;
		left -= here;
	}
	return VNICD_RING_ERROR_NONE;
}

int vnicd_ring_next(struct vnicd_ring *r, struct vnicd_chain *c, struct iovec *iov, unsigned max)
{
	struct ring_gather g = { c, iov, max < UINT16_MAX ? max : UINT16_MAX };
	int rc;

	if (unlikely(!r->running))
		return r->error != VNICD_RING_ERROR_NONE ? -EPROTO : 0;
	c->n_out = c->n_in = 0;
	c->out_len = c->in_len = 0;
	c->again = false;
	rc = r->conf.packed ? ring_packed_next(r, &g) : ring_split_next(r, &g);
	if (unlikely(r->memory->torn) && rc >= 0)
		return ring_fail(r, VNICD_RING_ERROR_ADDRESS);
	r->chains += rc > 0;
	if (unlikely(r->track != NULL) && rc > 0 && !c->again)
		ring_track_taken(r, c);
	return rc;
}

void vnicd_ring_undo(struct vnicd_ring *r, const struct vnicd_chain *c)
{
	r->chains--;
	if (unlikely(r->track != NULL))
		ring_track_undone(r, c);
	if (c->again)
		return;
	if (r->conf.packed)
		ring_packed_undo(r, c);
	else
		r->avail--;
}

void vnicd_ring_used(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t len)
{
	if (unlikely(!r->running))
		return;
	if (r->conf.packed)
		ring_packed_used(r, c, len);
	else
		ring_split_used(r, c, len);
	if (unlikely(r->track != NULL))
		ring_track_used(r, c);
	r->pending++;
}

void vnicd_ring_publish(struct vnicd_ring *r)
{
	if (r->pending == 0 || !r->running)
		return;
	if (unlikely(r->track != NULL))
		ring_track_publish(r);
	if (r->conf.packed)
		ring_packed_publish(r);
	else
		ring_split_publish(r);
	if (unlikely(r->track != NULL))
		ring_track_published(r);
	r->pending = 0;
	r->pending_slots = 0;
}

bool vnicd_ring_should_call(struct vnicd_ring *r)
{
	bool call;

	if (!r->running)
		return false;
	rte_smp_mb(); /* the entries before the look at what the driver wants: 2.7.10, 2.8.21 */
	call = r->conf.packed ? ring_packed_should_call(r) : ring_split_should_call(r);
	if (call)
		r->calls++;
	else
		r->calls_suppressed++;
	return call;
}

static void want_kick(struct vnicd_ring *r, bool on, uint16_t ahead)
{
	if (r->conf.packed)
		ring_packed_want_kick(r, on, ahead);
	else
		ring_split_want_kick(r, on, ahead);
}

bool vnicd_ring_want_kick(struct vnicd_ring *r, bool on)
{
	if (!r->running)
		return false;
	want_kick(r, on, 0);
	if (!on)
		return false;
	rte_smp_mb(); /* the wish before the last look */
	return vnicd_ring_waiting(r) > 0;
}

bool vnicd_ring_want_kick_at(struct vnicd_ring *r, uint16_t n)
{
	if (!r->running)
		return false;
	want_kick(r, true, (uint16_t)(n - 1));
	rte_smp_mb();
	return vnicd_ring_has(r, n);
}

bool vnicd_ring_has(const struct vnicd_ring *r, uint16_t n)
{
	if (!r->running)
		return false;
	if (unlikely(r->track != NULL)) {
		uint16_t again = (uint16_t)(r->track->n_again - r->track->at_again);

		if (again >= n)
			return true;
		n = (uint16_t)(n - again);
	}
	return r->conf.packed ? ring_packed_has(r, n) : ring_split_has(r, n);
}

uint16_t vnicd_ring_waiting(const struct vnicd_ring *r)
{
	uint16_t n = 0;

	if (!r->running)
		return 0;
	if (unlikely(r->track != NULL))
		n = (uint16_t)(r->track->n_again - r->track->at_again);
	return (uint16_t)(n + (r->conf.packed ? ring_packed_waiting(r) : ring_split_waiting(r)));
}
