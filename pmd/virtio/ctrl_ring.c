/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/virtio/ctrl_private.h"

/* A piece of a command. */
struct part {
	uint64_t addr;
	uint32_t len;
	bool write; /* by the device */
};

static uint64_t room_addr(const struct vnic_ctrl *c, const struct ctrl_slot *s, size_t off)
{
	return c->rooms.iova + s->index * sizeof(struct ctrl_room) + off;
}

static uint64_t big_addr(const struct vnic_ctrl *c, uint8_t i)
{
	return c->bigs.iova + (uint64_t)i * CTRL_BIG;
}

/* Header, data if any, ack, result if any: each in a descriptor of its own, for that is
 * the only framing that every device understands. */
static unsigned parts_of(const struct vnic_ctrl *c, const struct ctrl_slot *s, struct part p[CTRL_CHAIN_MAX])
{
	unsigned n = 0;

	p[n++] = (struct part){ room_addr(c, s, offsetof(struct ctrl_room, hdr)), sizeof(struct vnic_ctrl_hdr),
				false };
	if (s->len != 0)
		p[n++] = (struct part){ s->big_data != CTRL_NO_BIG ?
					big_addr(c, s->big_data) :
					room_addr(c, s, offsetof(struct ctrl_room, data)), s->len, false };
	p[n++] = (struct part){ room_addr(c, s, offsetof(struct ctrl_room, ack)), 1, true };
	if (s->result_len != 0)
		p[n++] = (struct part){ s->big_result != CTRL_NO_BIG ?
					big_addr(c, s->big_result) :
					room_addr(c, s, offsetof(struct ctrl_room, result)), s->result_len, true };
	return n;
}

static void fill_split(struct vring_desc *d, const struct part *p, uint16_t next)
{
	d->addr = rte_cpu_to_le_64(p->addr);
	d->len = rte_cpu_to_le_32(p->len);
	d->flags = rte_cpu_to_le_16((p->write ? VRING_DESC_F_WRITE : 0) | (next != CTRL_NONE ? VRING_DESC_F_NEXT : 0));
	d->next = rte_cpu_to_le_16(next != CTRL_NONE ? next : 0);
}

static uint64_t table_addr(const struct vnic_ctrl *c, const struct ctrl_slot *s)
{
	return room_addr(c, s, offsetof(struct ctrl_room, table));
}

static void post_split(struct vnic_ctrl *c, struct ctrl_slot *s, const struct part *p, unsigned n)
{
	struct vnic_vq *vq = &c->vq;
	uint16_t mask = vq->size - 1;

	if (vq->indirect) {
		struct ctrl_room *room = ctrl_room_of(c, s);
		struct part table = { table_addr(c, s), n * (uint32_t)sizeof(struct vring_desc), false };

		for (unsigned i = 0; i < n; i++)
			fill_split(&room->table.split[i], &p[i], i + 1 < n ? (uint16_t)(i + 1) : CTRL_NONE);
		fill_split(&vq->split.desc[s->head], &table, CTRL_NONE);
		vq->split.desc[s->head].flags = rte_cpu_to_le_16(VRING_DESC_F_INDIRECT);
	} else {
		for (unsigned i = 0; i < n; i++)
			fill_split(&vq->split.desc[(s->head + i) & mask], &p[i],
				   i + 1 < n ? (uint16_t)((s->head + i + 1) & mask) : CTRL_NONE);
	}
	vq->split.avail->ring[vq->avail & mask] = rte_cpu_to_le_16(s->head);
	vq->avail++;
	vq->added++;
	/* 2.7.13: the device sees the chain when it sees the index. */
	rte_io_wmb();
	__atomic_store_n(&vq->split.avail->idx, rte_cpu_to_le_16(vq->avail), __ATOMIC_RELEASE);
}

static void step_packed(const struct vnic_vq *vq, uint16_t *at, bool *wrap, uint16_t n)
{
	*at = (uint16_t)(*at + n);
	if (*at >= vq->size) {
		*at = (uint16_t)(*at - vq->size);
		*wrap = !*wrap;
	}
}

static void fill_packed(struct vring_packed_desc *d, const struct part *p, uint16_t id)
{
	d->addr = rte_cpu_to_le_64(p->addr);
	d->len = rte_cpu_to_le_32(p->len);
	d->id = rte_cpu_to_le_16(id);
}

static void post_packed(struct vnic_ctrl *c, struct ctrl_slot *s, const struct part *p, unsigned n)
{
	struct part table = { table_addr(c, s), n * (uint32_t)sizeof(struct vring_packed_desc), false };
	struct vnic_vq *vq = &c->vq;
	uint16_t at = vq->avail, head = at, head_flags = 0;
	bool wrap = vq->avail_wrap;

	if (vq->indirect) {
		struct ctrl_room *room = ctrl_room_of(c, s);

		for (unsigned i = 0; i < n; i++) {
			fill_packed(&room->table.packed[i], &p[i], 0);
			room->table.packed[i].flags = rte_cpu_to_le_16(p[i].write ? VRING_DESC_F_WRITE : 0);
		}
		p = &table;
		n = 1;
	}
	for (unsigned i = 0; i < n; i++) {
		uint16_t flags = (p[i].write ? VRING_DESC_F_WRITE : 0) | (i + 1 < n ? VRING_DESC_F_NEXT : 0) |
				 (vq->indirect ? VRING_DESC_F_INDIRECT : 0) | vring_packed_avail_flags(wrap);

		fill_packed(&vq->packed.desc[at], &p[i], s->head);
		if (i == 0)
			head_flags = flags;
		else
			vq->packed.desc[at].flags = rte_cpu_to_le_16(flags);
		step_packed(vq, &at, &wrap, 1);
	}
	vq->avail = at;
	vq->avail_wrap = wrap;
	vq->added = (uint16_t)(vq->added + n);
	/* 2.8.21: the head last, so that the device sees whole chains only. */
	rte_io_wmb();
	__atomic_store_n(&vq->packed.desc[head].flags, rte_cpu_to_le_16(head_flags), __ATOMIC_RELEASE);
}

/* Split rings want descriptors in ring order with IN_ORDER; else a slot has its own. */
static uint16_t head_for(struct vnic_ctrl *c, const struct ctrl_slot *s, uint16_t descs)
{
	uint16_t head;

	if (c->vq.is_packed)
		return s->index;
	if (!c->vq.in_order)
		return (uint16_t)(s->index * (c->vq.indirect ? 1 : CTRL_CHAIN_MAX));
	head = c->next_desc;
	c->next_desc = (uint16_t)((c->next_desc + descs) & (c->vq.size - 1));
	return head;
}

bool ctrl_ring_room(const struct vnic_ctrl *c)
{
	return c->free_descs >= (c->vq.indirect ? 1 : CTRL_CHAIN_MAX);
}

void ctrl_ring_post(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	struct part p[CTRL_CHAIN_MAX];
	unsigned n = parts_of(c, s, p);

	s->descs = c->vq.indirect ? 1 : (uint16_t)n;
	s->head = head_for(c, s, s->descs);
	c->free_descs = (uint16_t)(c->free_descs - s->descs);
	c->by_head[s->head] = s->index;
	c->posted[c->posted_tail++ % CTRL_SLOTS_MAX] = s->index;
	if (c->vq.is_packed)
		post_packed(c, s, p, n);
	else
		post_split(c, s, p, n);
}

/* Head of the next used entry; false when there is none. */
static bool next_used(struct vnic_ctrl *c, uint32_t *head, uint32_t *written)
{
	struct vnic_vq *vq = &c->vq;

	if (!vnic_vq_has_used(vq))
		return false;
	/* 2.7.14: the entry, and what it announces, after the index. */
	rte_io_rmb();
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (vq->is_packed) {
		*head = rte_le_to_cpu_16(*(volatile rte_le16_t *)&vq->packed.desc[vq->used].id);
		*written = rte_le_to_cpu_32(*(volatile rte_le32_t *)&vq->packed.desc[vq->used].len);
	} else {
		const struct vring_used_elem *e = &vq->split.used->ring[vq->used & (vq->size - 1)];

		*head = rte_le_to_cpu_32(*(volatile const rte_le32_t *)&e->id);
		*written = rte_le_to_cpu_32(*(volatile const rte_le32_t *)&e->len);
	}
	return true;
}

/* What the entry says was written, the ack and some of the result: a hint at a result that was cut short. Devices
 * are known to say 0, 1 or anything, which then means nothing. */
static void note_written(struct ctrl_slot *s, uint32_t written)
{
	if (s->result_varies && written > 1 && written - 1 < s->result_len)
		s->written = written - 1;
}

static struct ctrl_slot *let_go(struct vnic_ctrl *c, struct ctrl_slot *s)
{
	c->by_head[s->head] = CTRL_NONE;
	c->free_descs = (uint16_t)(c->free_descs + s->descs);
	return s;
}

/* The slot that the next used entry is for, checked; CTRL_NONE: there is none. */
static uint16_t next_answered(struct vnic_ctrl *c, bool *error, const char **fatal)
{
	struct vnic_vq *vq = &c->vq;
	uint32_t head;

	if (!next_used(c, &head, &c->batch_written))
		return CTRL_NONE;
	if (!vq->is_packed && (uint16_t)(rte_le_to_cpu_16(*(volatile rte_le16_t *)&vq->split.used->idx) - vq->used) >
			      vq->size) {
		*fatal = "used index of the control queue out of range";
		return CTRL_NONE;
	}
	if (!vq->is_packed)
		vq->used++;
	if (head < vq->size && c->by_head[head] != CTRL_NONE)
		return c->by_head[head];
	*error = true;
	/* How far a packed ring went on for it nobody can say. */
	if (vq->is_packed)
		*fatal = "answer to no command on the control queue";
	return CTRL_NONE;
}

struct ctrl_slot *ctrl_ring_take(struct vnic_ctrl *c, bool *error, const char **fatal)
{
	struct vnic_vq *vq = &c->vq;
	struct ctrl_slot *s;

	*error = false;
	if (c->batch == CTRL_NONE)
		c->batch = next_answered(c, error, fatal);
	if (c->batch == CTRL_NONE)
		return NULL;
	/* With IN_ORDER an entry stands for everything posted before it, too. */
	s = &c->slot[vq->in_order ? c->posted[c->posted_head++ % CTRL_SLOTS_MAX] : c->batch];
	if (s->index == c->batch) {
		c->batch = CTRL_NONE;
		note_written(s, c->batch_written);
	}
	if (vq->is_packed)
		step_packed(vq, &vq->used, &vq->used_wrap, s->descs);
	return let_go(c, s);
}

bool ctrl_ring_arm(struct vnic_ctrl *c)
{
	return vnic_vq_intr_enable(&c->vq);
}

void ctrl_ring_rewind(struct vnic_ctrl *c)
{
	vnic_vq_rewind(&c->vq);
	for (unsigned i = 0; i < c->vq.size; i++)
		c->by_head[i] = CTRL_NONE;
	c->posted_head = c->posted_tail = c->next_desc = 0;
	c->free_descs = c->vq.size;
	c->batch = CTRL_NONE;
	c->doorbell_due = c->out_of_step = false;
	ctrl_ring_arm(c);
}

int ctrl_ring_init(struct vnic_ctrl *c)
{
	unsigned size = c->vq.size;

	c->n_slots = (uint16_t)RTE_MIN(c->vq.indirect ? size : size / CTRL_CHAIN_MAX, CTRL_SLOTS_MAX);
	if (c->n_slots == 0)
		return -EINVAL;
	c->by_head = calloc(size, sizeof(c->by_head[0]));
	c->posted = calloc(CTRL_SLOTS_MAX, sizeof(c->posted[0]));
	if (c->by_head == NULL || c->posted == NULL)
		return -ENOMEM; /* the caller calls ctrl_ring_fini() */
	ctrl_ring_rewind(c);
	return 0;
}

void ctrl_ring_fini(struct vnic_ctrl *c)
{
	free(c->by_head);
	free(c->posted);
	c->by_head = c->posted = NULL;
}
