/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/vhost.h"

#define PROTOCOL_BIT(f) (UINT64_C(1) << VHOST_USER_PROTOCOL_F_##f)
#define PROTOCOL_WANTED                                                                                   \
	(PROTOCOL_BIT(MQ) | PROTOCOL_BIT(REPLY_ACK) | PROTOCOL_BIT(BACKEND_REQ) | PROTOCOL_BIT(CONFIG) | \
	 PROTOCOL_BIT(INFLIGHT_SHMFD) | PROTOCOL_BIT(RESET_DEVICE) | PROTOCOL_BIT(CONFIGURE_MEM_SLOTS) | \
	 PROTOCOL_BIT(STATUS) | PROTOCOL_BIT(SMCGATE_CTRL_VQ))

#define F(name) VIRTIO_BIT(VIRTIO_NET_F_##name)
/* Without a configuration space nobody can tell us what these are about. */
#define FEATURES_CONFIG (F(MAC) | F(MTU) | F(STATUS) | F(SPEED_DUPLEX))
/* Without a control queue nobody can use these; DPDK's library offers some all the same. */
#define FEATURES_CTRL                                                                                         \
	(F(CTRL_VQ) | F(CTRL_RX) | F(CTRL_VLAN) | F(CTRL_RX_EXTRA) | F(GUEST_ANNOUNCE) | F(MQ) |             \
	 F(CTRL_MAC_ADDR) | F(CTRL_GUEST_OFFLOADS) | F(RSS) | F(HASH_REPORT) | F(NOTF_COAL) |                \
	 F(VQ_NOTF_COAL) | F(DEVICE_STATS))
/* Bits of the protocol, of migration, of an IOMMU: none of the driver's business. */
#define FEATURES_OTHERS \
	(VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES) | VIRTIO_BIT(VHOST_F_LOG_ALL) | \
	 VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM))

static bool serves_ctrl(const struct vnic_vhost *v)
{
	return vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ) && (v->features & F(CTRL_VQ));
}

static struct vnic_vhost *new_state(struct vnic_dev *dev)
{
	struct vnic_vhost *v = calloc(1, sizeof(*v));
	pthread_mutexattr_t attr;

	if (v == NULL)
		return NULL;
	v->dev = dev;
	v->conn = v->listener = v->backend = v->pidfd = v->inflight = -1;
	for (unsigned i = 0; i < VNIC_VHOST_RINGS; i++)
		v->ring[i].kick = v->ring[i].call = v->ring[i].err = -1;
	v->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (v->epoll < 0) {
		free(v);
		return NULL;
	}
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&v->io, &attr);
	pthread_mutexattr_destroy(&attr);
	return v;
}

/* The back end's channel to us: configuration changes come on it. */
static int offer_backend_channel(struct vnic_vhost *v)
{
	struct epoll_event e = { .events = EPOLLIN };
	int pair[2], rc;

	if (!vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_BACKEND_REQ))
		return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
		return -errno;
	v->backend = pair[0];
	rc = epoll_ctl(v->epoll, EPOLL_CTL_ADD, v->backend, &e) == 0 ? 0 : -errno;
	if (rc == 0)
		rc = vnic_vhost_set(v, VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1);
	close(pair[1]);
	return rc;
}

static int read_queue_count(struct vnic_vhost *v)
{
	uint64_t n = 1;
	int rc = 0;

	if (vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_MQ))
		rc = vnic_vhost_get_u64(v, VHOST_USER_GET_QUEUE_NUM, &n);
	if (rc == 0 && (n == 0 || n > VIRTIO_NET_MAX_PAIRS)) {
		VNIC_LOG(ERR, v->dev, "GET_QUEUE_NUM: %" PRIu64 " queue pairs: connection dropped", n);
		vnic_vhost_drop(v);
		return -EPROTO;
	}
	v->pairs = (uint16_t)RTE_MIN(n, (uint64_t)VNIC_VHOST_PAIRS);
	return rc;
}

static int read_slots(struct vnic_vhost *v)
{
	uint64_t n = VHOST_USER_MAX_REGIONS;
	int rc = 0;

	if (vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		rc = vnic_vhost_get_u64(v, VHOST_USER_GET_MAX_MEM_SLOTS, &n);
	v->slots = (uint32_t)RTE_MIN(n, (uint64_t)VNIC_VHOST_REGIONS);
	return rc;
}

/* What we take of what is offered: each with what it is of no use without. */
static uint64_t select_protocol(uint64_t offered)
{
	uint64_t p = offered & PROTOCOL_WANTED;

	if (!(p & PROTOCOL_BIT(CONFIG)))
		p &= ~PROTOCOL_BIT(BACKEND_REQ);
	if ((p & PROTOCOL_BIT(CONFIG)) == 0 || (p & PROTOCOL_BIT(REPLY_ACK)) == 0)
		p &= ~PROTOCOL_BIT(SMCGATE_CTRL_VQ);
	return p;
}

static int agree_protocol(struct vnic_vhost *v)
{
	uint64_t offered = 0, wanted;
	int rc;

	v->has_protocol = v->features & VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	if (!v->has_protocol)
		return 0;
	rc = vnic_vhost_get_u64(v, VHOST_USER_GET_PROTOCOL_FEATURES, &offered);
	if (rc != 0)
		return rc;
	wanted = select_protocol(offered);
	rc = vnic_vhost_set_u64(v, VHOST_USER_SET_PROTOCOL_FEATURES, wanted);
	if (rc == 0)
		v->protocol = wanted; /* from here on, not for the message itself */
	return rc;
}

/* A device that is new, or one that we forget: nothing of it is known yet. */
static void forget(struct vnic_vhost *v)
{
	vnic_vhost_drop(v);
	vnic_vhost_rings_forget(v);
	v->shared = v->unshareable = v->has_protocol = false;
	v->features = v->protocol = 0;
	v->status = 0;
	v->pairs = 1;
	v->slots = VHOST_USER_MAX_REGIONS;
}

static int handshake(struct vnic_vhost *v)
{
	int rc = vnic_vhost_set(v, VHOST_USER_SET_OWNER, NULL, 0, NULL, 0);

	if (rc == 0)
		rc = vnic_vhost_get_u64(v, VHOST_USER_GET_FEATURES, &v->features);
	if (rc == 0 && !(v->features & VIRTIO_BIT(VIRTIO_F_VERSION_1))) {
		VNIC_LOG(ERR, v->dev, "the back end speaks legacy virtio only");
		return -ENOTSUP;
	}
	if (rc == 0)
		rc = agree_protocol(v);
	if (rc == 0)
		rc = read_queue_count(v);
	if (rc == 0)
		rc = read_slots(v);
	if (rc == 0)
		rc = offer_backend_channel(v);
	return rc;
}

static uint32_t capabilities(const struct vnic_vhost *v)
{
	uint32_t flags = VNIC_TRANSPORT_VA | VNIC_TRANSPORT_RECONNECT | VNIC_TRANSPORT_RX_FD;

	if (v->has_protocol)
		flags |= VNIC_TRANSPORT_QUEUE_STOP;
	if (vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_CONFIG))
		flags |= VNIC_TRANSPORT_CONFIG;
	if (serves_ctrl(v))
		flags |= VNIC_TRANSPORT_CTRL;
	return flags;
}

static int vhost_open(struct vnic_dev *dev, bool reconnect)
{
	uint64_t deadline = clock_now_ms() + (reconnect ? 0 : dev->args.connect_ms), now;
	struct vnic_vhost *v = dev->transport;
	int rc;

	if (v == NULL)
		v = dev->transport = new_state(dev);
	if (v == NULL)
		return -ENOMEM;
	do {
		now = clock_now_ms();
		forget(v);
		rc = vnic_vhost_connect(v, now < deadline ? (uint32_t)(deadline - now) : 0);
		if (rc == -ETIMEDOUT && !reconnect)
			VNIC_LOG(ERR, dev, "no back end at %s", dev->args.path);
		if (rc != 0)
			return rc;
		rc = handshake(v);
	} while (rc == -ENODEV && now < deadline); /* it went away meanwhile: another may come */
	if (rc == 0)
		dev->transport_flags = capabilities(v);
	else
		vnic_vhost_drop(v);
	return rc;
}

static void vhost_close(struct vnic_dev *dev)
{
	struct vnic_vhost *v = dev->transport;

	if (v == NULL)
		return;
	vnic_vhost_unwatch(v);
	if (v->conn >= 0)
		vnic_vhost_rings_stop(v); /* if it will not: the connection goes anyway */
	vnic_vhost_drop(v);
	vnic_vhost_rings_close(v);
	if (v->listener >= 0) {
		close(v->listener);
		unlink(dev->args.path);
	}
	if (v->pidfd >= 0)
		close(v->pidfd);
	close(v->epoll);
	pthread_mutex_destroy(&v->io);
	free(v);
	dev->transport = NULL;
}

static int vhost_get_features(struct vnic_dev *dev, struct vnic_features *out)
{
	struct vnic_vhost *v = dev->transport;
	uint64_t mask = FEATURES_OTHERS;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (!vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_CONFIG))
		mask |= FEATURES_CONFIG;
	if (!serves_ctrl(v))
		mask |= FEATURES_CTRL;
	*out = (struct vnic_features){ { v->features & ~mask, 0 } };
	return 0;
}

static int vhost_get_status(struct vnic_dev *dev, uint8_t *status)
{
	struct vnic_vhost *v = dev->transport;
	uint64_t value;
	int rc;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	value = v->status;
	if (!vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_STATUS)) {
		*status = v->status;
		return 0;
	}
	rc = vnic_vhost_get_u64(v, VHOST_USER_GET_STATUS, &value);
	if (rc == 0 && value > UINT8_MAX) {
		VNIC_LOG(ERR, dev, "GET_STATUS: %#" PRIx64 ": connection dropped", value);
		vnic_vhost_drop(v);
		rc = -EPROTO;
	}
	if (rc == 0)
		*status = (uint8_t)value;
	return rc;
}

/* Rings stopped one by one: each answer says that the back end has let go of one. */
static int reset(struct vnic_vhost *v)
{
	int rc = vnic_vhost_rings_stop(v);

	/* A table given region by region might be forgotten or not: then it stays as it is. */
	if (rc == 0 && vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_RESET_DEVICE) &&
	    v->table.files <= VHOST_USER_MAX_REGIONS) {
		rc = vnic_vhost_set(v, VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
		v->shared = false;
	}
	vnic_vhost_rings_forget(v);
	return rc;
}

static int vhost_set_status(struct vnic_dev *dev, uint8_t status)
{
	struct vnic_vhost *v = dev->transport;
	int rc = 0;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (status == 0)
		rc = reset(v);
	if (rc == 0 && vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_STATUS))
		rc = vnic_vhost_set_u64(v, VHOST_USER_SET_STATUS, status);
	if (rc != 0)
		return rc;
	if ((status & VIRTIO_STATUS_DRIVER_OK) && !(v->status & VIRTIO_STATUS_DRIVER_OK))
		vnic_vhost_rings_kick(v);
	v->status = status;
	return 0;
}

static int vhost_set_features(struct vnic_dev *dev, const struct vnic_features *f)
{
	struct vnic_vhost *v = dev->transport;
	uint64_t bits = f->word[0];
	uint8_t status = 0;
	int rc;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (f->word[1] != 0 || (bits & ~v->features))
		return -EINVAL;
	if (v->has_protocol)
		bits |= VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	/* To a back end it means more than one pair, whoever serves the control queue. */
	if (vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_MQ))
		bits |= v->features & F(MQ);
	rc = vnic_vhost_set_u64(v, VHOST_USER_SET_FEATURES, bits);
	if (rc == 0)
		rc = vhost_set_status(dev, v->status | VIRTIO_STATUS_FEATURES_OK);
	if (rc == 0)
		rc = vhost_get_status(dev, &status);
	if (rc == 0 && !(status & VIRTIO_STATUS_FEATURES_OK)) {
		VNIC_LOG(ERR, dev, "the back end refuses features %#" PRIx64, bits);
		rc = -ENOTSUP;
	}
	return rc;
}

static int vhost_config_read(struct vnic_dev *dev, uint32_t off, void *buf, uint32_t len)
{
	struct vnic_vhost *v = dev->transport;
	uint32_t head = offsetof(struct vhost_user_config, data), size = head + len;
	union vhost_user_payload p = { .config = { .offset = off, .size = len } };
	int rc;

	if (v == NULL || v->conn < 0)
		return -ENODEV;
	if (!vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_CONFIG))
		return -ENOTSUP;
	if (off > VHOST_USER_MAX_CONFIG || len > VHOST_USER_MAX_CONFIG - off)
		return -EINVAL;
	rc = vnic_vhost_get(v, VHOST_USER_GET_CONFIG, &p, &size, 0, head + len, NULL);
	if (rc != 0)
		return rc;
	if (size == 0 || (size >= head && p.config.size == 0)) {
		VNIC_LOG(ERR, dev, "GET_CONFIG: refused by the back end");
		return -EREMOTEIO;
	}
	if (size != head + len || p.config.offset != off || p.config.size != len) {
		VNIC_LOG(ERR, dev, "GET_CONFIG: another part than asked for: connection dropped");
		vnic_vhost_drop(v);
		return -EPROTO;
	}
	memcpy(buf, p.config.data, len);
	return 0;
}

static uint16_t vhost_queue_count(struct vnic_dev *dev)
{
	struct vnic_vhost *v = dev->transport;

	return v != NULL ? (uint16_t)(2 * v->pairs) : 0;
}

static uint16_t vhost_queue_max(struct vnic_dev *dev, uint16_t vq)
{
	struct vnic_vhost *v = dev->transport;

	if (v == NULL || vq >= 2 * v->pairs + (serves_ctrl(v) ? 1 : 0))
		return 0;
	return VRING_SIZE_MAX;
}

static int vhost_event_fd(struct vnic_dev *dev)
{
	struct vnic_vhost *v = dev->transport;

	return v != NULL ? v->epoll : -1;
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) > 0;
}

/* Answers are read by who asks. What can be read now is the end, or nonsense. */
static int vhost_event(struct vnic_dev *dev)
{
	struct vnic_vhost *v = dev->transport;
	int rc = 0;
	char c;

	if (v == NULL)
		return -ENODEV;
	pthread_mutex_lock(&v->io);
	if (v->unshareable) {
		vnic_vhost_drop(v);
		rc = -ENODEV;
	}
	if (readable(v->backend))
		rc = vnic_vhost_backend_event(v);
	vnic_vhost_rings_errors(v);
	if (v->conn >= 0 && readable(v->conn)) {
		ssize_t n = recv(v->conn, &c, 1, MSG_PEEK | MSG_DONTWAIT);

		VNIC_LOG(WARNING, dev, "%s", n > 0 ? "the back end talks without being asked: connection dropped"
						   : "the back end has closed the connection");
		vnic_vhost_drop(v);
	}
	if (v->conn < 0)
		rc = -ENODEV;
	pthread_mutex_unlock(&v->io);
	return rc;
}
static bool vhost_config_tells(struct vnic_dev *dev)
{
	const struct vnic_vhost *v = dev->transport;

	return v == NULL || v->conn < 0 || v->backend >= 0;
}

const struct vnic_transport_ops vnic_vhost_ops = {
	.name = "vhost-user",
	.open = vhost_open,
	.close = vhost_close,
	.get_features = vhost_get_features,
	.set_features = vhost_set_features,
	.get_status = vhost_get_status,
	.set_status = vhost_set_status,
	.config_read = vhost_config_read,
	.config_tells = vhost_config_tells,
	.queue_count = vhost_queue_count,
	.queue_max = vhost_queue_max,
	.share_memory = vnic_vhost_share_memory,
	.queue_setup = vnic_vhost_queue_setup,
	.queue_enable = vnic_vhost_queue_enable,
	.queue_pause = vnic_vhost_queue_pause,
	.queue_reset = vnic_vhost_queue_reset,
	.queue_fd = vnic_vhost_queue_fd,
	.event_fd = vhost_event_fd,
	.event = vhost_event,
	.wait_gone = vnic_vhost_wait_gone,
};
