/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/ctrl_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

const struct ctrl_lab_opts ctrl_lab_rings[] = {
	{ .name = "split", .size = 64 },
	{ .name = "split, indirect", .size = 16, .indirect = true },
	{ .name = "split, in order", .size = 64, .in_order = true },
	{ .name = "split, indirect, in order, events", .size = 16, .indirect = true, .in_order = true,
	  .event_idx = true },
	{ .name = "packed", .size = 67, .packed = true },
	{ .name = "packed, indirect", .size = 16, .packed = true, .indirect = true },
	{ .name = "packed, in order", .size = 64, .packed = true, .in_order = true },
	{ .name = "packed, indirect, events", .size = 17, .packed = true, .indirect = true, .event_idx = true },
};
const unsigned ctrl_lab_ring_count = RTE_DIM(ctrl_lab_rings);

uint64_t ctrl_lab_clock;
static uint64_t (*real_now)(void);

static uint64_t virtual_now(void)
{
	return ctrl_lab_clock;
}

void ctrl_lab_real_time(void)
{
	ctrl_now = real_now;
}

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "ctrl_lab: %s\n", what);
	exit(1);
}

static void count_doorbell(struct vnic_vq *vq)
{
	((struct ctrl_lab *)vq->notify_data)->doorbells++;
}

static void set_feature(struct vnic_dev *d, unsigned f, bool on)
{
	if (on)
		d->negotiated.word[f / 64] |= UINT64_C(1) << (f % 64);
}

void ctrl_lab_rewind(struct ctrl_lab *lab)
{
	lab->avail = lab->used = 0;
	lab->avail_wrap = lab->used_wrap = true;
}

void ctrl_lab_open(struct ctrl_lab *lab, const struct ctrl_lab_opts *opts)
{
	struct vnic_dev *d = &lab->dev;

	test_eal_init();
	if (real_now == NULL)
		real_now = ctrl_now;
	ctrl_now = virtual_now;
	ctrl_lab_clock = UINT64_C(1000000000);
	memset(lab, 0, sizeof(*lab));
	lab->opts = *opts;
	snprintf(d->name, sizeof(d->name), "ctrl_lab");
	d->wake_fd = -1;
	d->transport_flags = VNIC_TRANSPORT_VA;
	d->packed = opts->packed;
	set_feature(d, VIRTIO_F_INDIRECT_DESC, opts->indirect);
	set_feature(d, VIRTIO_F_IN_ORDER, opts->in_order);
	set_feature(d, VIRTIO_F_EVENT_IDX, opts->event_idx);
	need(vnic_mem_create(&d->mem, d, vnic_ctrl_mem_size(opts->size, opts->packed), -1) == 0, "no memory");
	need(vnic_ctrl_create(&d->ctrl, d, 2, opts->size) == 0, "no control queue");
	lab->c = d->ctrl;
	vnic_ctrl_vq(lab->c)->notify = count_doorbell;
	vnic_ctrl_vq(lab->c)->notify_data = (uintptr_t)lab;
	ctrl_lab_rewind(lab);
}

void ctrl_lab_close(struct ctrl_lab *lab)
{
	struct vnic_chunk all;

	if (lab->dev.ctrl != NULL)
		vnic_ctrl_destroy(lab->dev.ctrl);
	CU_ASSERT_PTR_NULL(lab->dev.ctrl);
	vnic_mem_release(lab->dev.mem);
	/* Everything came back: it can be had in one piece. */
	CU_ASSERT_EQUAL(vnic_mem_alloc(lab->dev.mem, CTRL_BIG * CTRL_BIG_COUNT, 4096, &all), 0);
	vnic_mem_free(lab->dev.mem, &all);
	vnic_mem_destroy(lab->dev.mem);
	ctrl_lab_real_time();
}

/* ---- the device ---------------------------------------------------------------------- */

struct walk {
	struct ctrl_lab_cmd *cmd;
	unsigned n, readable, writable;
};

static void see(struct walk *w, uint64_t addr, uint32_t len, bool write)
{
	uint8_t *p = (uint8_t *)(uintptr_t)addr;

	if (!write) {
		CU_ASSERT_EQUAL(w->writable, 0); /* readable ones come first */
		if (w->readable++ == 0) {
			CU_ASSERT_EQUAL(len, 2);
			w->cmd->class = p[0];
			w->cmd->cmd = p[1];
		} else {
			CU_ASSERT_FATAL(w->cmd->len + len <= sizeof(w->cmd->data));
			memcpy(w->cmd->data + w->cmd->len, p, len);
			w->cmd->len += len;
		}
	} else if (w->writable++ == 0) {
		CU_ASSERT_EQUAL(len, 1);
		w->cmd->ack = p;
	} else {
		w->cmd->result = p;
		w->cmd->result_len = len;
	}
	w->n++;
}

static void walk_split(struct walk *w, const struct vring_desc *table, uint16_t at, uint16_t size)
{
	for (;;) {
		const struct vring_desc *d = &table[at];

		CU_ASSERT_FATAL(w->n < 4 && at < size);
		see(w, d->addr, d->len, d->flags & VRING_DESC_F_WRITE);
		if (!(d->flags & VRING_DESC_F_NEXT))
			break;
		at = d->next;
	}
}

static bool fetch_split(struct ctrl_lab *lab, struct ctrl_lab_cmd *cmd)
{
	struct vnic_vq *vq = vnic_ctrl_vq(lab->c);
	const struct vring_desc *d;
	struct walk w = { .cmd = cmd };

	if (__atomic_load_n(&vq->split.avail->idx, __ATOMIC_ACQUIRE) == lab->avail)
		return false;
	cmd->id = vq->split.avail->ring[lab->avail++ & (vq->size - 1)];
	CU_ASSERT_FATAL(cmd->id < vq->size);
	d = &vq->split.desc[cmd->id];
	CU_ASSERT_EQUAL((d->flags & VRING_DESC_F_INDIRECT) != 0, lab->opts.indirect);
	if (d->flags & VRING_DESC_F_INDIRECT)
		walk_split(&w, (const void *)(uintptr_t)d->addr, 0, (uint16_t)(d->len / sizeof(*d)));
	else
		walk_split(&w, vq->split.desc, cmd->id, vq->size);
	cmd->descs = 1;
	/* Wants to hear of the next one. */
	*vring_avail_event(vq->split.used, vq->size) = lab->avail;
	return true;
}

static void step(const struct ctrl_lab *lab, uint16_t *at, bool *wrap, uint16_t n)
{
	*at = (uint16_t)(*at + n);
	if (*at >= lab->opts.size) {
		*at = (uint16_t)(*at - lab->opts.size);
		*wrap = !*wrap;
	}
}

static bool fetch_packed(struct ctrl_lab *lab, struct ctrl_lab_cmd *cmd)
{
	struct vring_packed_desc *ring = vnic_ctrl_vq(lab->c)->packed.desc, *d = &ring[lab->avail];
	struct walk w = { .cmd = cmd };
	uint16_t flags;

	if (!vring_packed_is_avail(__atomic_load_n(&d->flags, __ATOMIC_ACQUIRE), lab->avail_wrap))
		return false;
	CU_ASSERT_EQUAL((d->flags & VRING_DESC_F_INDIRECT) != 0, lab->opts.indirect);
	cmd->descs = 0;
	do {
		d = &ring[lab->avail];
		flags = d->flags;
		CU_ASSERT_FATAL(vring_packed_is_avail(flags, lab->avail_wrap) && w.n < 4);
		if (flags & VRING_DESC_F_INDIRECT) {
			const struct vring_packed_desc *t = (const void *)(uintptr_t)d->addr;

			for (unsigned i = 0; i < d->len / sizeof(*t); i++)
				see(&w, t[i].addr, t[i].len, t[i].flags & VRING_DESC_F_WRITE);
		} else {
			see(&w, d->addr, d->len, flags & VRING_DESC_F_WRITE);
		}
		cmd->id = d->id; /* the last one's counts */
		cmd->descs++;
		step(lab, &lab->avail, &lab->avail_wrap, 1);
	} while (flags & VRING_DESC_F_NEXT);
	return true;
}

bool ctrl_lab_fetch(struct ctrl_lab *lab, struct ctrl_lab_cmd *cmd)
{
	cmd->len = cmd->result_len = 0;
	cmd->ack = cmd->result = NULL;
	if (!(lab->opts.packed ? fetch_packed(lab, cmd) : fetch_split(lab, cmd)))
		return false;
	CU_ASSERT_PTR_NOT_NULL_FATAL(cmd->ack);
	return true;
}

void ctrl_lab_used(struct ctrl_lab *lab, uint16_t id, uint16_t descs, uint32_t len)
{
	struct vnic_vq *vq = vnic_ctrl_vq(lab->c);

	if (!lab->opts.packed) {
		vq->split.used->ring[lab->used & (vq->size - 1)] = (struct vring_used_elem){ id, len };
		lab->used++;
		__atomic_store_n(&vq->split.used->idx, lab->used, __ATOMIC_RELEASE);
		return;
	}
	vq->packed.desc[lab->used].id = id;
	vq->packed.desc[lab->used].len = len;
	__atomic_store_n(&vq->packed.desc[lab->used].flags,
			 (uint16_t)(vring_packed_used_flags(lab->used_wrap) | VRING_DESC_F_WRITE), __ATOMIC_RELEASE);
	step(lab, &lab->used, &lab->used_wrap, descs);
}

void ctrl_lab_answer(struct ctrl_lab *lab, const struct ctrl_lab_cmd *cmd, uint8_t ack, const void *result,
		     uint32_t len)
{
	if (result != NULL)
		memcpy(cmd->result, result, cmd->result_len);
	*cmd->ack = ack;
	ctrl_lab_used(lab, cmd->id, cmd->descs, len);
}

void ctrl_lab_done(void *arg, int rc, const void *result, size_t len)
{
	struct ctrl_lab_result *r = arg;

	r->calls++;
	r->rc = rc;
	r->len = len;
	if (result != NULL)
		memcpy(r->data, result, RTE_MIN(len, sizeof(r->data)));
}
