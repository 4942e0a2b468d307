/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/vhost_lab.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_malloc.h>

#include "tests/unit/test.h"

#define BIT(f) (UINT64_C(1) << (f))
#define PROTOCOL(f) BIT(VHOST_USER_PROTOCOL_F_##f)
#define USUAL_FEATURES                                                                                          \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VIRTIO_F_RING_PACKED) |           \
	 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_MQ) | BIT(VIRTIO_NET_F_MAC))
#define USUAL_PROTOCOL                                                                                        \
	(PROTOCOL(MQ) | PROTOCOL(REPLY_ACK) | PROTOCOL(BACKEND_REQ) | PROTOCOL(CONFIG) |                     \
	 PROTOCOL(INFLIGHT_SHMFD) | PROTOCOL(RESET_DEVICE) | PROTOCOL(CONFIGURE_MEM_SLOTS) |                 \
	 PROTOCOL(STATUS) | PROTOCOL(SMCGATE_CTRL_VQ))

unsigned vhost_lab_open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* ---- the back end ----------------------------------------------------------------------- */

static bool read_all(int fd, void *buf, size_t len)
{
	for (uint8_t *p = buf; len > 0;) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Header with its descriptors; what is of no use here is closed. */
static bool read_message(struct vhost_lab *lab, struct vhost_lab_message *m, int *fd)
{
	char room[CMSG_SPACE(VHOST_USER_MAX_REGIONS * sizeof(int))];
	struct vhost_user_header h;
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };

	memset(m, 0, sizeof(*m));
	*fd = -1;
	if (recvmsg(lab->conn, &msg, MSG_WAITALL) != (ssize_t)sizeof(h) || h.size > sizeof(m->p))
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		unsigned n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		for (unsigned i = 0; i < n; i++) {
			if (*fd >= 0)
				close(*fd);
			memcpy(fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			m->n_fds++;
		}
	}
	m->request = h.request;
	m->flags = h.flags;
	m->size = h.size;
	return read_all(lab->conn, &m->p, h.size);
}

static void send_reply(int sock, struct vhost_user_header *h, const void *payload, size_t len, const int *fds,
		       unsigned n_fds)
{
	char room[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec iov[2] = { { h, sizeof(*h) }, { (void *)(uintptr_t)payload, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (n_fds != 0) {
		msg.msg_control = room;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n_fds * sizeof(int)), .cmsg_level = SOL_SOCKET,
				       .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return; /* the front end has had enough */
}

static uint8_t config_at(const struct vhost_lab_opts *o, uint32_t at)
{
	if (o->config == NULL)
		return (uint8_t)at;
	return at < sizeof(*o->config) ? ((const volatile uint8_t *)o->config)[at] : 0;
}

/* What a good back end answers; false: nothing. */
static bool good_answer(struct vhost_lab *lab, struct vhost_lab_message *m, union vhost_user_payload *p,
			uint32_t *size, bool *with_fd)
{
	const struct vhost_lab_opts *o = &lab->opts;

	*size = sizeof(p->u64);
	*with_fd = false;
	*p = m->p;
	switch (m->request) {
	case VHOST_USER_GET_FEATURES:
		p->u64 = o->features != 0 ? o->features : USUAL_FEATURES;
		return true;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		p->u64 = o->protocol != 0 ? o->protocol : USUAL_PROTOCOL;
		return true;
	case VHOST_USER_GET_QUEUE_NUM:
		p->u64 = o->pairs != 0 ? o->pairs : 4;
		return true;
	case VHOST_USER_GET_MAX_MEM_SLOTS:
		p->u64 = o->slots != 0 ? o->slots : 8;
		return true;
	case VHOST_USER_GET_STATUS:
		p->u64 = lab->status;
		return true;
	case VHOST_USER_GET_VRING_BASE:
		p->state.num = 17;
		return true;
	case VHOST_USER_GET_CONFIG:
		for (unsigned i = 0; i < m->p.config.size && i < VHOST_USER_MAX_CONFIG; i++)
			p->config.data[i] = config_at(o, m->p.config.offset + i);
		*size = m->size;
		return true;
	case VHOST_USER_GET_INFLIGHT_FD:
		p->inflight.mmap_size = 4096;
		*size = sizeof(p->inflight);
		*with_fd = true;
		return true;
	default:
		p->u64 = 0;
		return m->flags & VHOST_USER_NEED_REPLY;
	}
}

static void answer_badly(struct vhost_lab *lab, struct vhost_user_header *h, union vhost_user_payload *p,
			 uint32_t size, int *fds, unsigned n_fds)
{
	static uint8_t more[sizeof(union vhost_user_payload) + 8];
	uint32_t sent = size;

	switch (lab->opts.deed) {
	case LAB_VALUE:
		p->u64 = lab->opts.value;
		break;
	case LAB_REQUEST:
		h->request++;
		break;
	case LAB_VERSION:
		h->flags = VHOST_USER_F_REPLY | 2;
		break;
	case LAB_NO_REPLY_BIT:
		h->flags = VHOST_USER_VERSION;
		break;
	case LAB_SHORT:
		h->size = sent = size - 4;
		break;
	case LAB_LONG:
		h->size = sent = size + 8;
		break;
	case LAB_HUGE:
		h->size = UINT32_MAX;
		break;
	case LAB_EMPTY:
		h->size = sent = 0;
		break;
	case LAB_FD:
		n_fds++;
		break;
	case LAB_MANY_FDS:
		n_fds = 12;
		break;
	case LAB_NO_FD:
		n_fds = 0;
		break;
	case LAB_HALF:
		lab->silent = send(lab->conn, h, 6, MSG_NOSIGNAL) == 6;
		return;
	default:
		break;
	}
	memcpy(more, p, sizeof(*p));
	send_reply(lab->conn, h, more, sent, fds, n_fds);
}

static void keep_channel(struct vhost_lab *lab, int fd)
{
	if (lab->channel >= 0)
		close(lab->channel);
	lab->channel = fd;
}

static bool more_comes(const struct vhost_lab *lab)
{
	struct pollfd p = { .fd = lab->conn, .events = POLLIN };

	return poll(&p, 1, 2000) > 0;
}

/* False: the connection ends. */
static bool serve(struct vhost_lab *lab)
{
	struct vhost_lab_message m;
	union vhost_user_payload p;
	struct vhost_user_header h;
	int fd, fds[12];
	uint32_t size;
	bool with_fd, ours;

	if (!read_message(lab, &m, &fd))
		return false;
	if (lab->n < VHOST_LAB_LOG)
		lab->log[lab->n++] = m;
	if (m.request == VHOST_USER_SET_BACKEND_REQ_FD)
		keep_channel(lab, fd);
	else if (fd >= 0)
		close(fd);
	if (m.request == VHOST_USER_SET_STATUS)
		lab->status = (uint8_t)m.p.u64;
	ours = m.request == lab->opts.request && lab->seen++ >= lab->opts.skip;
	if (ours && lab->opts.deed == LAB_DIE)
		return false;
	lab->silent |= ours && (lab->opts.deed == LAB_SILENT ||
				(lab->opts.deed == LAB_WHEN_MORE && lab->seen == lab->opts.skip + 1 &&
				 !more_comes(lab)));
	if (!good_answer(lab, &m, &p, &size, &with_fd) || lab->silent)
		return true;
	h = (struct vhost_user_header){ m.request, VHOST_USER_VERSION | VHOST_USER_F_REPLY, size };
	for (unsigned i = 0; i < 12; i++)
		fds[i] = lab->listener;
	if (ours)
		answer_badly(lab, &h, &p, size, fds, with_fd);
	else
		send_reply(lab->conn, &h, &p, size, fds, with_fd);
	return true;
}

static void address(struct sockaddr_un *sa)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	snprintf(sa->sun_path, sizeof(sa->sun_path), "/tmp/vhost_lab_%d.sock", getpid());
}

static void close_conn(struct vhost_lab *lab)
{
	if (lab->conn >= 0)
		close(lab->conn);
	lab->conn = -1;
}

/* Connected, or told to end. */
static bool get_connection(struct vhost_lab *lab)
{
	struct sockaddr_un sa;

	if (!lab->opts.server) {
		struct pollfd p[2] = { { .fd = lab->listener, .events = POLLIN }, { .fd = lab->stop[0], .events = POLLIN } };

		poll(p, 2, -1);
		if (p[1].revents != 0)
			return false;
		lab->conn = accept4(lab->listener, NULL, NULL, SOCK_CLOEXEC);
		return true;
	}
	address(&sa);
	lab->conn = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (connect(lab->conn, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		struct pollfd p = { .fd = lab->stop[0], .events = POLLIN };

		if (poll(&p, 1, 5) > 0)
			return false;
	}
	return true;
}

static void *back_end(void *arg)
{
	struct vhost_lab *lab = arg;

	while (get_connection(lab)) {
		struct pollfd p[2] = { { .fd = lab->conn, .events = POLLIN }, { .fd = lab->stop[0], .events = POLLIN } };

		while (poll(p, 2, -1) >= 0 && p[1].revents == 0 && serve(lab))
			;
		close_conn(lab);
		if (p[1].revents != 0)
			break;
	}
	close_conn(lab);
	return NULL;
}

/* ---- both ----------------------------------------------------------------------------------- */

static void listen_for_front_end(struct vhost_lab *lab)
{
	struct sockaddr_un sa;

	address(&sa);
	unlink(sa.sun_path);
	lab->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!lab->opts.server && (bind(lab->listener, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
				  listen(lab->listener, 4) != 0)) {
		perror("vhost_lab");
		exit(1);
	}
}

void vhost_lab_open(struct vhost_lab *lab, const struct vhost_lab_opts *opts)
{
	struct sockaddr_un sa;

	test_eal_init();
	memset(lab, 0, sizeof(*lab));
	lab->fds_before = vhost_lab_open_fds();
	lab->opts = *opts;
	lab->conn = lab->channel = -1;
	listen_for_front_end(lab);
	if (pipe(lab->stop) != 0 || pthread_create(&lab->thread, NULL, back_end, lab) != 0)
		exit(1);
	address(&sa);
	snprintf(lab->dev.name, sizeof(lab->dev.name), "vhost_lab");
	snprintf(lab->dev.args.path, sizeof(lab->dev.args.path), "%s", sa.sun_path);
	lab->dev.args.server = opts->server;
	lab->dev.args.connect_ms = 3000;
	lab->dev.args.reply_ms = opts->deed == LAB_SILENT || opts->deed == LAB_HALF ? 400 : 5000;
	lab->dev.ops = &vnic_vhost_ops;
	lab->dev.wake_fd = -1;
}

void vhost_lab_close(struct vhost_lab *lab)
{
	struct sockaddr_un sa;

	lab->dev.ops->close(&lab->dev);
	lab->dev.ops->close(&lab->dev);
	CU_ASSERT_PTR_NULL(lab->dev.transport);
	if (write(lab->stop[1], "x", 1) != 1)
		exit(1);
	pthread_join(lab->thread, NULL);
	for (unsigned i = 0; i < RTE_DIM(lab->vq); i++)
		rte_free(lab->vq[i].ring.va);
	if (lab->channel >= 0)
		close(lab->channel);
	close(lab->listener);
	close(lab->stop[0]);
	close(lab->stop[1]);
	address(&sa);
	unlink(sa.sun_path);
	CU_ASSERT_EQUAL(vhost_lab_open_fds(), lab->fds_before);
}

static int start_rings(struct vhost_lab *lab, const char **at)
{
	struct vnic_dev *d = &lab->dev;
	int rc = 0;

	*at = "queue_setup";
	for (unsigned i = 0; i < RTE_DIM(lab->vq) && rc == 0; i++) {
		struct vnic_vq *vq = &lab->vq[i];

		vq->dev = d;
		vq->index = (uint16_t)i;
		vq->size = 64;
		vq->is_packed = d->packed;
		if (vq->ring.va == NULL)
			vq->ring = (struct vnic_chunk){ .va = rte_zmalloc(NULL, 8192, 4096), .len = 8192 };
		vq->driver_off = 2048;
		vq->device_off = 4096;
		rc = d->ops->queue_setup(d, vq);
	}
	if (rc == 0)
		*at = "queue_enable";
	for (unsigned i = 0; i < RTE_DIM(lab->vq) && rc == 0; i++)
		rc = d->ops->queue_enable(d, &lab->vq[i], true);
	return rc;
}

int vhost_lab_start(struct vhost_lab *lab, const char **at)
{
	struct vnic_dev *d = &lab->dev;
	struct vnic_features f;
	uint8_t buf[12];
	int rc = 0;

	*at = "open";
	if (d->transport == NULL)
		rc = d->ops->open(d, false);
	if (rc == 0 && (*at = "get_features"))
		rc = d->ops->get_features(d, &f);
	if (rc == 0 && (*at = "config_read") && (d->transport_flags & VNIC_TRANSPORT_CONFIG)) {
		rc = d->ops->config_read(d, 4, buf, sizeof(buf));
		CU_ASSERT(rc != 0 || (buf[0] == 4 && buf[11] == 15));
	}
	if (rc == 0 && (*at = "set_status 0"))
		rc = d->ops->set_status(d, 0);
	if (rc == 0 && (*at = "set_status"))
		rc = d->ops->set_status(d, 3);
	if (rc == 0 && (*at = "set_features"))
		rc = d->ops->set_features(d, &f);
	if (rc == 0 && (*at = "share_memory"))
		rc = d->ops->share_memory(d);
	if (rc == 0)
		rc = start_rings(lab, at);
	if (rc == 0 && (*at = "set_status 15"))
		rc = d->ops->set_status(d, 15);
	return rc;
}

const struct vhost_lab_message *vhost_lab_got(const struct vhost_lab *lab, uint32_t request, unsigned nth)
{
	for (unsigned i = 0; i < lab->n; i++)
		if (lab->log[i].request == request && nth-- == 0)
			return &lab->log[i];
	return NULL;
}

void vhost_lab_say(struct vhost_lab *lab, uint32_t request, uint32_t flags, uint32_t size)
{
	static const uint8_t payload[1024];
	struct vhost_user_header h = { request, flags, size };

	send_reply(lab->channel, &h, payload, RTE_MIN(size, (uint32_t)sizeof(payload)), NULL, 0);
}

void vhost_lab_hang_up(struct vhost_lab *lab)
{
	shutdown(lab->conn, SHUT_RDWR);
}
