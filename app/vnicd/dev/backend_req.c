/* SPDX-License-Identifier: BSD-3-Clause */
/* What the front end's requests do to the device; those about rings are in backend_ring.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/vnicd/dev/backend_private.h"

#define BIT BACKEND_PROTOCOL_BIT
#define F(name) VIRTIO_BIT(VIRTIO_NET_F_##name)

/*
 * What is set through the control queue. A front end without our extension
 * serves that itself and passes these on at will: they have no effect here.
 * MQ is not among them: to such a front end it is about SET_VRING_ENABLE.
 */
#define CTRL_FEATURES \
	(F(CTRL_VQ) | F(CTRL_RX) | F(CTRL_VLAN) | F(CTRL_RX_EXTRA) | F(GUEST_ANNOUNCE) | F(CTRL_MAC_ADDR) | \
	 F(CTRL_GUEST_OFFLOADS) | F(RSS) | F(NOTF_COAL) | F(VQ_NOTF_COAL) | F(DEVICE_STATS))

static uint64_t protocol_offered(const struct vnicd_backend *b)
{
	uint64_t p = BIT(MQ) | BIT(REPLY_ACK) | BIT(MTU) | BIT(BACKEND_REQ) | BIT(CONFIG) | BIT(RESET_DEVICE) |
		     BIT(CONFIGURE_MEM_SLOTS) | BIT(STATUS);

	if (vnicd_nic_features(b->nic) & F(CTRL_VQ))
		p |= BIT(SMCGATE_CTRL_VQ);
	if (!b->nic->conf.no_inflight)
		p |= BIT(INFLIGHT_SHMFD);
	if (b->ops->rarp != NULL)
		p |= BIT(RARP);
	return p;
}

static int answer_u64(struct backend_msg *m, uint64_t value)
{
	m->p.u64 = value;
	m->reply_size = sizeof(m->p.u64);
	return 0;
}

/* ---- features and status ------------------------------------------------------------ */
static int get_features(struct vnicd_backend *b, struct backend_msg *m)
{
	return answer_u64(m, vnicd_nic_features(b->nic) | VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES));
}

static int set_features(struct vnicd_backend *b, struct backend_msg *m)
{
	uint64_t all = m->p.u64, f = all & ~VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES);

	if (!(f & VIRTIO_BIT(VIRTIO_F_VERSION_1)))
		return backend_refuse(b, "SET_FEATURES: %#lx: legacy driver", (unsigned long)all);
	if (f & ~vnicd_nic_features(b->nic))
		return backend_refuse(b, "SET_FEATURES: %#lx: not offered", (unsigned long)all);
	if (backend_vring_running(b)) /* QEMU says it again for every pair of rings */
		return all == b->features ? 0 : backend_refuse(b, "SET_FEATURES: rings are running");
	if (!backend_agreed(b, VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ))
		f &= ~CTRL_FEATURES;
	if (vnicd_nic_set_features(b->nic, f) < 0)
		return backend_refuse(b, "SET_FEATURES: %#lx: inconsistent", (unsigned long)all);
	b->features = all;
	b->has_features = true;
	b->enabled_at_start = !(all & VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	return 0;
}

static int get_protocol(struct vnicd_backend *b, struct backend_msg *m)
{
	return answer_u64(m, protocol_offered(b));
}

static int set_protocol(struct vnicd_backend *b, struct backend_msg *m)
{
	if (m->p.u64 & ~protocol_offered(b))
		return backend_refuse(b, "SET_PROTOCOL_FEATURES: %#lx: not offered", (unsigned long)m->p.u64);
	if (backend_vring_running(b) && m->p.u64 != b->protocol)
		return backend_refuse(b, "SET_PROTOCOL_FEATURES: rings are running");
	b->protocol = m->p.u64;
	return 0;
}

static int get_queue_num(struct vnicd_backend *b, struct backend_msg *m)
{
	return answer_u64(m, b->nic->conf.pairs);
}

/* Rings, filters and offloads as at the start; the memory table stays. */
static void reset_device(struct vnicd_backend *b, bool keep_features)
{
	uint64_t f = b->nic->driver_features;

	backend_vring_stop_all(b, true);
	vnicd_nic_reset(b->nic);
	if (keep_features && b->has_features)
		vnicd_nic_set_features(b->nic, f); /* accepted before */
	else
		b->has_features = false;
	backend_changed(b);
}

static int set_status(struct vnicd_backend *b, struct backend_msg *m)
{
	if (m->p.u64 > UINT8_MAX)
		return backend_refuse(b, "SET_STATUS: %#lx", (unsigned long)m->p.u64);
	if (m->p.u64 == VIRTIO_STATUS_RESET)
		reset_device(b, false);
	b->nic->status = (uint8_t)m->p.u64;
	/* Features that were not accepted are not "OK", whatever the driver writes (2.1). */
	if (!b->has_features)
		b->nic->status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	return 0;
}

static int get_status(struct vnicd_backend *b, struct backend_msg *m)
{
	return answer_u64(m, b->nic->status);
}

static int do_reset_device(struct vnicd_backend *b, struct backend_msg *m)
{
	reset_device(b, true);
	return 0;
}

static int nothing_to_do(struct vnicd_backend *b, struct backend_msg *m)
{
	return 0;
}

/* ---- memory ------------------------------------------------------------------------- */
static int set_mem_table(struct vnicd_backend *b, struct backend_msg *m)
{
	uint32_t n = m->p.memory.n;
	int rc;

	if (n > VHOST_USER_MAX_REGIONS || n != m->n_fds ||
	    m->h.size != offsetof(struct vhost_user_memory, region) + n * sizeof(struct vhost_user_region))
		return backend_refuse(b, "SET_MEM_TABLE: %u regions, %u descriptors, %u octets", n, m->n_fds,
				      m->h.size);
	rc = vnicd_memory_set(&b->nic->memory, m->p.memory.region, m->fd, n);
	m->n_fds = 0; /* closed there */
	backend_vring_remap(b);
	return rc == 0 ? 0 : backend_refuse(b, "SET_MEM_TABLE: %s", strerror(-rc));
}

static int get_max_slots(struct vnicd_backend *b, struct backend_msg *m)
{
	return answer_u64(m, VNICD_REGIONS);
}

static int add_mem_reg(struct vnicd_backend *b, struct backend_msg *m)
{
	int rc = vnicd_memory_add(&b->nic->memory, &m->p.mem_reg.region, m->fd[0]);

	m->n_fds = 0;
	return rc == 0 ? 0 : backend_refuse(b, "ADD_MEM_REG: %s", strerror(-rc));
}

static int rem_mem_reg(struct vnicd_backend *b, struct backend_msg *m)
{
	if (vnicd_memory_remove(&b->nic->memory, &m->p.mem_reg.region) < 0)
		return backend_refuse(b, "REM_MEM_REG: no such region");
	backend_vring_remap(b);
	return 0;
}

/* ---- the network device -------------------------------------------------------------- */
/* An answer without octets says no (the protocol's own way). */
static int get_config(struct vnicd_backend *b, struct backend_msg *m)
{
	struct vhost_user_config *c = &m->p.config;

	m->reply_size = 0;
	if (c->size > VHOST_USER_MAX_CONFIG || m->h.size != offsetof(struct vhost_user_config, data) + c->size ||
	    vnicd_nic_config(b->nic, c->offset, c->data, c->size) < 0)
		backend_refuse(b, "GET_CONFIG: %u octets from %u", c->size, c->offset);
	else
		m->reply_size = m->h.size;
	return 0;
}

static int set_config(struct vnicd_backend *b, struct backend_msg *m)
{
	return backend_refuse(b, "SET_CONFIG: nothing can be written");
}

static int set_mtu(struct vnicd_backend *b, struct backend_msg *m)
{
	uint16_t most = b->nic->conf.mtu != 0 ? b->nic->conf.mtu : UINT16_MAX;

	if (m->p.u64 < VIRTIO_NET_MIN_MTU || m->p.u64 > most)
		return backend_refuse(b, "NET_SET_MTU: %lu", (unsigned long)m->p.u64);
	return 0;
}

static int send_rarp(struct vnicd_backend *b, struct backend_msg *m)
{
	uint8_t mac[6];

	memcpy(mac, &m->p, sizeof(mac));
	if (b->ops->rarp == NULL || (mac[0] & 1) != 0)
		return backend_refuse(b, "SEND_RARP");
	b->ops->rarp(b->arg, b, mac);
	return 0;
}

static int set_channel(struct vnicd_backend *b, struct backend_msg *m)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(m->fd[0], SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM)
		return backend_refuse(b, "SET_BACKEND_REQ_FD: no stream socket");
	if (b->channel >= 0)
		close(b->channel);
	b->channel = m->fd[0];
	m->n_fds = 0;
	return 0;
}

/* ---- requests --------------------------------------------------------------------------- */
struct request {
	const char *name;
	int (*serve)(struct vnicd_backend *b, struct backend_msg *m);
	uint16_t min, max;    /* octets */
	uint8_t fds_min, fds_max;
	bool replies;         /* always; else when asked to */
};

#define NOTHING 0, 0
#define U64     8, 8
#define STATE   8, 8
#define INFLIGHT 24, 24
#define REQUEST(name) [VHOST_USER_##name] = { #name
static const struct request requests[] = {
	REQUEST(GET_FEATURES), get_features, NOTHING, 0, 0, true },
	REQUEST(SET_FEATURES), set_features, U64, 0, 0, false },
	REQUEST(SET_OWNER), nothing_to_do, NOTHING, 0, 0, false },
	REQUEST(RESET_OWNER), do_reset_device, NOTHING, 0, 0, false },
	REQUEST(SET_MEM_TABLE), set_mem_table, 8, sizeof(struct vhost_user_memory), 0, 8, false },
	REQUEST(SET_VRING_NUM), backend_vring_num, STATE, 0, 0, false },
	REQUEST(SET_VRING_ADDR), backend_vring_addr, 40, 40, 0, 0, false },
	REQUEST(SET_VRING_BASE), backend_vring_set_base, STATE, 0, 0, false },
	REQUEST(GET_VRING_BASE), backend_vring_get_base, STATE, 0, 0, true },
	REQUEST(SET_VRING_KICK), backend_vring_kick, U64, 0, 1, false },
	REQUEST(SET_VRING_CALL), backend_vring_call, U64, 0, 1, false },
	REQUEST(SET_VRING_ERR), backend_vring_err, U64, 0, 1, false },
	REQUEST(GET_PROTOCOL_FEATURES), get_protocol, NOTHING, 0, 0, true },
	REQUEST(SET_PROTOCOL_FEATURES), set_protocol, U64, 0, 0, false },
	REQUEST(GET_QUEUE_NUM), get_queue_num, NOTHING, 0, 0, true },
	REQUEST(SET_VRING_ENABLE), backend_vring_enable, STATE, 0, 0, false },
	REQUEST(SEND_RARP), send_rarp, U64, 0, 0, false },
	REQUEST(NET_SET_MTU), set_mtu, U64, 0, 0, false },
	REQUEST(SET_BACKEND_REQ_FD), set_channel, NOTHING, 1, 1, false },
	REQUEST(GET_CONFIG), get_config, 12, sizeof(struct vhost_user_config), 0, 0, true },
	REQUEST(SET_CONFIG), set_config, 12, sizeof(struct vhost_user_config), 0, 0, false },
	REQUEST(GET_INFLIGHT_FD), backend_get_inflight, INFLIGHT, 0, 0, true },
	REQUEST(SET_INFLIGHT_FD), backend_set_inflight, INFLIGHT, 1, 1, false },
	REQUEST(RESET_DEVICE), do_reset_device, NOTHING, 0, 0, false },
	REQUEST(GET_MAX_MEM_SLOTS), get_max_slots, NOTHING, 0, 0, true },
	REQUEST(ADD_MEM_REG), add_mem_reg, 40, 40, 1, 1, false },
	REQUEST(REM_MEM_REG), rem_mem_reg, 40, 40, 0, 1, false }, /* older front ends bring a descriptor */
	REQUEST(SET_STATUS), set_status, U64, 0, 0, false },
	REQUEST(GET_STATUS), get_status, NOTHING, 0, 0, true },
};
#define N_REQUESTS (sizeof(requests) / sizeof(requests[0]))

const char *backend_request_name(uint32_t request)
{
	return request < N_REQUESTS && requests[request].name != NULL ? requests[request].name : "unknown request";
}

static int check(struct vnicd_backend *b, const struct backend_msg *m)
{
	const struct request *q = m->h.request < N_REQUESTS ? &requests[m->h.request] : NULL;

	if (q == NULL || q->serve == NULL)
		return backend_refuse(b, "request %u is not known", m->h.request);
	if (m->h.size < q->min || m->h.size > q->max)
		return backend_refuse(b, "%s: %u octets", q->name, m->h.size);
	if (m->n_fds < q->fds_min || m->n_fds > q->fds_max)
		return backend_refuse(b, "%s: %u descriptors", q->name, m->n_fds);
	return 0;
}

int backend_serve(struct vnicd_backend *b, struct backend_msg *m)
{
	bool known = m->h.request < N_REQUESTS && requests[m->h.request].serve != NULL;
	bool ask = backend_agreed(b, VHOST_USER_PROTOCOL_F_REPLY_ACK) && (m->h.flags & VHOST_USER_NEED_REPLY) != 0;
	unsigned epoch = b->epoch;
	int rc = check(b, m);

	m->reply_fd = -1;
	if (rc == 0)
		rc = requests[m->h.request].serve(b, m);
	if (rc == BACKEND_NO_REPLY || b->epoch != epoch)
		return 0; /* it comes later, or somebody cut the connection meanwhile */
	/* Who waits for an answer that cannot be given has to be told somehow. */
	if (known && requests[m->h.request].replies)
		return rc < 0 ? rc : backend_reply(b, m, m->reply_size);
	if (!ask)
		return 0;
	m->p.u64 = rc < 0 ? 1 : 0;
	return backend_reply(b, m, sizeof(m->p.u64));
}
