/* SPDX-License-Identifier: BSD-3-Clause */
/* The scripted device as the driver reaches it. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "pmd/virtio/dev.h"
#include "tests/unit/virtio/scripted.h"

static int there(const struct scripted *s)
{
	return s->gone ? -ENODEV : 0;
}

void scripted_attach(struct scripted *s, struct vnic_dev *dev)
{
	s->dev = dev;
	dev->ops = &scripted_ops;
	dev->transport = s;
	dev->transport_flags = s->flags;
}

static void reset(struct scripted *s)
{
	vnicd_nic_reset(&s->nic);
	s->nic.coal_rx = s->nic.coal_tx = s->coal_begins;
}

static int op_open(struct vnic_dev *dev, bool reconnect)
{
	struct scripted *s = dev->transport;

	s->opens++;
	if (s->open_rc != 0)
		return s->open_rc;
	if (!s->gone)
		reset(s);
	return there(s);
}

static void op_close(struct vnic_dev *dev)
{
	struct scripted *s = dev->transport;

	s->closes++;
	/* A back end that loses its front end drops the rings. */
	vnicd_nic_reset(&s->nic);
}

static int op_get_features(struct vnic_dev *dev, struct vnic_features *out)
{
	struct scripted *s = dev->transport;

	out->word[0] = (vnicd_nic_features(&s->nic) & ~s->hide_features) | s->extra_features[0];
	out->word[1] = s->extra_features[1];
	if (s->all_ones)
		out->word[0] = out->word[1] = UINT64_MAX;
	return there(s);
}

static int op_set_features(struct vnic_dev *dev, const struct vnic_features *f)
{
	struct scripted *s = dev->transport;

	s->acked = *f;
	if (there(s) != 0 || s->set_features_rc != 0)
		return s->gone ? -ENODEV : s->set_features_rc;
	if (s->refuse_features || s->all_ones || f->word[1] != 0 ||
	    vnicd_nic_set_features(&s->nic, f->word[0] & ~s->extra_features[0]) != 0)
		return -ENOTSUP;
	s->nic.status |= VIRTIO_STATUS_FEATURES_OK;
	return 0;
}

static int op_get_status(struct vnic_dev *dev, uint8_t *status)
{
	struct scripted *s = dev->transport;

	*status = s->nic.status | (s->needs_reset ? VIRTIO_STATUS_NEEDS_RESET : 0);
	if (s->all_ones)
		*status = 0xff;
	return there(s);
}

static int op_set_status(struct vnic_dev *dev, uint8_t status)
{
	struct scripted *s = dev->transport;

	if (there(s) != 0)
		return -ENODEV;
	if (status != 0) {
		s->nic.status = status;
		s->status_seen |= status;
		return 0;
	}
	s->status_resets++;
	s->status_seen = 0;
	if (s->all_ones)
		return -ETIMEDOUT;
	s->needs_reset = false;
	reset(s);
	return 0;
}

static int op_config_read(struct vnic_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	struct scripted *s = dev->transport;
	struct vnic_config c;
	uint8_t *octets = (uint8_t *)&c;

	s->config_reads++;
	for (uint32_t i = off; i < off + len && i < 32; i++)
		s->config_bits |= UINT32_C(1) << i;
	if (there(s) != 0)
		return -ENODEV;
	if (s->generation_moves)
		return -EAGAIN;
	if (off > sizeof(c) || len > sizeof(c) - off)
		return -EINVAL;
	vnicd_nic_config(&s->nic, 0, &c, sizeof(c));
	memcpy(octets + s->config_override.off, s->config_override.data, s->config_override.len);
	if (s->all_ones)
		memset(octets, 0xff, sizeof(c));
	memcpy(buf, octets + off, len);
	return 0;
}

static uint16_t op_queue_count(struct vnic_dev *dev)
{
	struct scripted *s = dev->transport;

	return vnicd_nic_queues(&s->nic);
}

static uint16_t op_queue_max(struct vnic_dev *dev, uint16_t vq)
{
	struct scripted *s = dev->transport;

	return vq < vnicd_nic_queues(&s->nic) ? s->nic.conf.queue_size : 0;
}

static int op_share_memory(struct vnic_dev *dev)
{
	struct scripted *s = dev->transport;

	s->shares++;
	return s->shares == s->fail_share_at ? -ENOSPC : there(s);
}

static void notify(struct vnic_vq *vq)
{
	struct scripted *s = (struct scripted *)vq->notify_data;

	s->kicks[vq->index]++;
	s->nic.queue[vq->index].ring.kicks++;
	if (vq->index == vnicd_nic_ctrl_vq(&s->nic) && vq->index != 0 && !s->ctrl_manual)
		scripted_ctrl_serve(s);
}

static int op_queue_setup(struct vnic_dev *dev, struct vnic_vq *vq)
{
	struct scripted *s = dev->transport;
	struct vnicd_ring_conf conf = {
		.size = vq->size, .packed = vq->is_packed, .in_order = vq->in_order,
		.event_idx = vq->event_idx, .indirect = vq->indirect,
		.desc = vq->is_packed ? (void *)vq->packed.desc : (void *)vq->split.desc,
		.driver = vq->is_packed ? (void *)vq->packed.driver : (void *)vq->split.avail,
		.device = vq->is_packed ? (void *)vq->packed.device : (void *)vq->split.used,
		.base = vq->is_packed ? 0x8000 : 0, .used_base = vq->is_packed ? 0x8000 : 0,
	};
	int rc;

	s->setups++;
	if (there(s) != 0)
		return -ENODEV;
	if (s->fail_setup_at != 0 && --s->fail_setup_at == 0)
		return s->fail_setup_rc != 0 ? s->fail_setup_rc : -EIO;
	if (vq->index >= vnicd_nic_queues(&s->nic) || vq->size > s->nic.conf.queue_size)
		return -EINVAL;
	rc = vnicd_ring_start(&s->nic.queue[vq->index].ring, &conf, &s->nic.memory);
	if (rc != 0)
		return rc;
	vnicd_ring_want_kick(&s->nic.queue[vq->index].ring, true);
	vq->notify = notify;
	vq->notify_data = (uintptr_t)s;
	vq->kick_fd = -1;
	vq->call_fd = s->fd[vq->index];
	return 0;
}

static int op_queue_enable(struct vnic_dev *dev, struct vnic_vq *vq, bool on)
{
	struct scripted *s = dev->transport;

	s->enables++;
	if (there(s) != 0)
		return -ENODEV;
	s->nic.queue[vq->index].enabled = on;
	return 0;
}

static int op_queue_reset(struct vnic_dev *dev, struct vnic_vq *vq)
{
	struct scripted *s = dev->transport;

	s->queue_resets++;
	if (there(s) != 0)
		return -ENODEV;
	if (s->no_queue_reset)
		return -ENOTSUP;
	if (s->reset_never || s->all_ones)
		return -ETIMEDOUT;
	vnicd_ring_stop(&s->nic.queue[vq->index].ring);
	s->nic.queue[vq->index].enabled = false;
	return 0;
}

static int op_queue_fd(struct vnic_dev *dev, uint16_t vq)
{
	struct scripted *s = dev->transport;

	return vq < SCRIPTED_QUEUES ? s->fd[vq] : -1;
}

static int op_event_fd(struct vnic_dev *dev)
{
	struct scripted *s = dev->transport;

	return s->event_fd;
}

static int op_event(struct vnic_dev *dev)
{
	struct scripted *s = dev->transport;
	uint64_t n;

	if (read(s->event_fd, &n, sizeof(n)) != sizeof(n))
		n = 0;
	if (s->config_due)
		dev->config_changed = true;
	s->config_due = false;
	return there(s);
}

const struct vnic_transport_ops scripted_ops = {
	.name = "scripted",
	.open = op_open,
	.close = op_close,
	.get_features = op_get_features,
	.set_features = op_set_features,
	.get_status = op_get_status,
	.set_status = op_set_status,
	.config_read = op_config_read,
	.queue_count = op_queue_count,
	.queue_max = op_queue_max,
	.share_memory = op_share_memory,
	.queue_setup = op_queue_setup,
	.queue_enable = op_queue_enable,
	.queue_reset = op_queue_reset,
	.queue_fd = op_queue_fd,
	.event_fd = op_event_fd,
	.event = op_event,
};
