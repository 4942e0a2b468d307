/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory that a front end keeps for the back end after this one (inflight.h): made, taken, divided. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/vnicd/dev/backend_private.h"
#include "app/vnicd/dev/inflight.h"

static bool packed(const struct vnicd_backend *b)
{
	return (b->nic->driver_features >> VIRTIO_F_RING_PACKED) & 1;
}

/* Numbers of both messages; the octets all regions take, 0: refused. */
static uint64_t octets(struct vnicd_backend *b, const struct backend_msg *m)
{
	const struct vhost_user_inflight *i = &m->p.inflight;

	if (!b->has_features) /* which say how a region looks */
		backend_refuse(b, "%s: before SET_FEATURES", backend_request_name(m->h.request));
	else if (i->num_queues == 0 || i->num_queues > BACKEND_VQS || i->queue_size == 0 || i->queue_size > VRING_SIZE_MAX)
		backend_refuse(b, "%s: %u rings of %u", backend_request_name(m->h.request), i->num_queues, i->queue_size);
	else
		return i->num_queues * inflight_stride(i->queue_size, packed(b));
	return 0;
}

static int make_file(uint64_t len)
{
	int fd = memfd_create("vnicd-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)len) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* No memory in the answer says no. */
int backend_get_inflight(struct vnicd_backend *b, struct backend_msg *m)
{
	uint64_t len = octets(b, m);
	int fd = -1;

	m->reply_size = sizeof(m->p.inflight);
	if (len != 0)
		fd = make_file(len);
	if (len != 0 && fd < 0)
		backend_refuse(b, "GET_INFLIGHT_FD: %s", strerror(-fd));
	m->p.inflight.mmap_size = fd < 0 ? 0 : len;
	m->p.inflight.mmap_offset = 0;
	m->reply_fd = fd < 0 ? -1 : fd;
	return 0;
}

void backend_inflight_forget(struct vnicd_backend *b)
{
	vnicd_memory_unmap(&b->inflight.map);
	b->inflight.queues = 0;
}

int backend_set_inflight(struct vnicd_backend *b, struct backend_msg *m)
{
	const struct vhost_user_inflight *i = &m->p.inflight;
	uint64_t len = octets(b, m);
	int rc;

	if (len == 0)
		return -EPROTO;
	if (backend_vring_running(b))
		return backend_refuse(b, "SET_INFLIGHT_FD: rings are running");
	if (i->mmap_size < len)
		return backend_refuse(b, "SET_INFLIGHT_FD: %lu octets of %lu", (unsigned long)i->mmap_size, (unsigned long)len);
	backend_inflight_forget(b);
	rc = vnicd_memory_map(&b->inflight.map, &b->nic->memory, m->fd[0], i->mmap_offset, len);
	if (rc < 0)
		return backend_refuse(b, "SET_INFLIGHT_FD: %s", strerror(-rc));
	b->inflight.queues = i->num_queues;
	b->inflight.size = i->queue_size;
	b->inflight.packed = packed(b);
	for (unsigned q = 0; q < BACKEND_VQS; q++)
		b->vring[q].recover = true;
	return 0;
}

int backend_inflight_conf(struct vnicd_backend *b, uint32_t index, struct vnicd_ring_conf *conf)
{
	if (index >= b->inflight.queues)
		return 0;
	/* Features came again since: the regions are not of this kind of ring. */
	if (conf->packed != b->inflight.packed || conf->size > b->inflight.size)
		return -EINVAL;
	conf->inflight = (uint8_t *)b->inflight.map.addr + index * inflight_stride(b->inflight.size, conf->packed);
	conf->inflight_recover = b->vring[index].recover;
	return 0;
}
