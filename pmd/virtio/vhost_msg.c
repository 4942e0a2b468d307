/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/vhost.h"

/* What came with a message: closed unless taken. */
struct received_fds {
	unsigned n;
	int fd[VNIC_VHOST_FDS];
};

const char *vnic_vhost_name(uint32_t request)
{
	static const char *const names[] = {
		[VHOST_USER_GET_FEATURES] = "GET_FEATURES",
		[VHOST_USER_SET_FEATURES] = "SET_FEATURES",
		[VHOST_USER_SET_OWNER] = "SET_OWNER",
		[VHOST_USER_SET_MEM_TABLE] = "SET_MEM_TABLE",
		[VHOST_USER_SET_VRING_NUM] = "SET_VRING_NUM",
		[VHOST_USER_SET_VRING_ADDR] = "SET_VRING_ADDR",
		[VHOST_USER_SET_VRING_BASE] = "SET_VRING_BASE",
		[VHOST_USER_GET_VRING_BASE] = "GET_VRING_BASE",
		[VHOST_USER_SET_VRING_KICK] = "SET_VRING_KICK",
		[VHOST_USER_SET_VRING_CALL] = "SET_VRING_CALL",
		[VHOST_USER_GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
		[VHOST_USER_SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
		[VHOST_USER_GET_QUEUE_NUM] = "GET_QUEUE_NUM",
		[VHOST_USER_SET_VRING_ENABLE] = "SET_VRING_ENABLE",
		[VHOST_USER_SET_BACKEND_REQ_FD] = "SET_BACKEND_REQ_FD",
		[VHOST_USER_GET_CONFIG] = "GET_CONFIG",
		[VHOST_USER_GET_INFLIGHT_FD] = "GET_INFLIGHT_FD",
		[VHOST_USER_SET_INFLIGHT_FD] = "SET_INFLIGHT_FD",
		[VHOST_USER_RESET_DEVICE] = "RESET_DEVICE",
		[VHOST_USER_GET_MAX_MEM_SLOTS] = "GET_MAX_MEM_SLOTS",
		[VHOST_USER_ADD_MEM_REG] = "ADD_MEM_REG",
		[VHOST_USER_REM_MEM_REG] = "REM_MEM_REG",
		[VHOST_USER_SET_STATUS] = "SET_STATUS",
		[VHOST_USER_GET_STATUS] = "GET_STATUS",
	};

	return request < RTE_DIM(names) && names[request] != NULL ? names[request] : "request";
}

void vnic_vhost_drop(struct vnic_vhost *v)
{
	bool was;

	pthread_mutex_lock(&v->io);
	was = v->conn >= 0;
	if (was)
		close(v->conn);
	if (v->backend >= 0)
		close(v->backend);
	v->conn = v->backend = -1;
	pthread_mutex_unlock(&v->io);
	if (was)
		vnic_thread_wake(v->dev);
}

/* Milliseconds left until deadline, at least 0. */
static int left_ms(uint64_t deadline)
{
	uint64_t now = clock_now_ms();

	return now >= deadline ? 0 : (int)RTE_MIN(deadline - now, (uint64_t)60000);
}

static int wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int ms = left_ms(deadline), n = poll(&p, 1, ms);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && ms == 0)
			return -ETIMEDOUT;
	}
}

static int send_message(int sock, uint32_t request, uint32_t flags, const void *payload, uint32_t len,
			const int *fds, unsigned n_fds, uint64_t deadline)
{
	struct vhost_user_header h = { .request = request, .flags = flags, .size = len };
	struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)payload, len } };
	char control[CMSG_SPACE(VNIC_VHOST_FDS * sizeof(int))] = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = len != 0 ? 2 : 1 };
	ssize_t n;

	if (n_fds != 0) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	for (;;) {
		n = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		/* Messages are far smaller than a socket's buffer: one goes whole or not at all. */
		if (n >= 0)
			return (size_t)n == sizeof(h) + len ? 0 : -EPROTO;
		if (errno == EAGAIN) {
			int rc = wait_for(sock, POLLOUT, deadline);

			if (rc != 0)
				return rc;
		} else if (errno != EINTR) {
			return errno == EPIPE || errno == ECONNRESET ? -ENODEV : -errno;
		}
	}
}

static void close_fds(struct received_fds *f)
{
	while (f->n > 0)
		close(f->fd[--f->n]);
}

/* Descriptors of one recvmsg(); false when there were more than there may be. */
static bool collect_fds(struct msghdr *m, struct received_fds *f)
{
	bool fits = !(m->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (unsigned i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (f->n < VNIC_VHOST_FDS) {
				f->fd[f->n++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	return fits;
}

static int receive_part(int sock, void *buf, size_t len, struct received_fds *f, uint64_t deadline)
{
	uint8_t *p = buf;

	while (len > 0) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(VNIC_VHOST_FDS * sizeof(int))];
		} control;
		struct iovec iov = { p, len };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
				    .msg_controllen = sizeof(control.room) };
		ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			int rc = wait_for(sock, POLLIN, deadline);

			if (rc != 0)
				return rc;
			continue;
		}
		if (n <= 0)
			return -ENODEV;
		if (!collect_fds(&m, f))
			return -EPROTO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One whole message of at most max octets of payload. */
static int receive_message(int sock, struct vhost_user_header *h, void *payload, uint32_t max,
			   struct received_fds *f, uint64_t deadline)
{
	int rc = receive_part(sock, h, sizeof(*h), f, deadline);

	if (rc != 0)
		return rc;
	if ((h->flags & 3) != VHOST_USER_VERSION || h->size > max)
		return -EPROTO;
	return receive_part(sock, payload, h->size, f, deadline);
}

static int receive_reply(struct vnic_vhost *v, uint32_t request, void *payload, uint32_t *len, uint32_t min,
			 uint32_t max, int *fd, uint64_t deadline)
{
	struct received_fds f = { .n = 0 };
	struct vhost_user_header h;
	int rc = receive_message(v->conn, &h, payload, max, &f, deadline);

	if (rc == 0 && (h.request != request || !(h.flags & VHOST_USER_F_REPLY) || h.size < min))
		rc = -EPROTO;
	if (rc == 0 && f.n > (fd != NULL ? 1u : 0u))
		rc = -EPROTO;
	if (rc == 0) {
		*len = h.size;
		if (fd != NULL && f.n == 1)
			*fd = f.fd[--f.n];
	}
	close_fds(&f);
	return rc;
}

/* After a failed exchange nobody knows what comes next on the socket. */
static int give_up(struct vnic_vhost *v, uint32_t request, int rc)
{
	VNIC_LOG(ERR, v->dev, "%s: %s: connection dropped", vnic_vhost_name(request),
		 rc == -EPROTO ? "malformed answer" : rc == -ETIMEDOUT ? "no answer in time"
						    : "the back end is gone");
	vnic_vhost_drop(v);
	return rc;
}

static bool wants_ack(const struct vnic_vhost *v)
{
	return vnic_vhost_agreed(v, VHOST_USER_PROTOCOL_F_REPLY_ACK);
}

static int send_set(struct vnic_vhost *v, uint32_t request, const void *payload, uint32_t len, const int *fds,
		    unsigned n_fds, uint64_t deadline)
{
	uint32_t flags = VHOST_USER_VERSION | (wants_ack(v) ? VHOST_USER_NEED_REPLY : 0);
	int rc = send_message(v->conn, request, flags, payload, len, fds, n_fds, deadline);

	return rc != 0 ? give_up(v, request, rc) : 0;
}

/* -EREMOTEIO: refused; another error: the connection is gone. */
static int receive_ack(struct vnic_vhost *v, uint32_t request, uint64_t deadline)
{
	uint64_t answer = 0;
	uint32_t got;
	int rc;

	if (!wants_ack(v))
		return 0;
	rc = receive_reply(v, request, &answer, &got, sizeof(answer), sizeof(answer), NULL, deadline);
	if (rc != 0)
		return give_up(v, request, rc);
	if (answer == 0)
		return 0;
	VNIC_LOG(ERR, v->dev, "%s: refused by the back end (%" PRIu64 ")", vnic_vhost_name(request), answer);
	return -EREMOTEIO;
}

int vnic_vhost_set(struct vnic_vhost *v, uint32_t request, const void *payload, uint32_t len, const int *fds,
		   unsigned n_fds)
{
	uint64_t deadline = clock_now_ms() + v->dev->args.reply_ms;
	int rc = -ENODEV;

	pthread_mutex_lock(&v->io);
	if (v->conn >= 0)
		rc = send_set(v, request, payload, len, fds, n_fds, deadline);
	if (rc == 0)
		rc = receive_ack(v, request, deadline);
	pthread_mutex_unlock(&v->io);
	return rc;
}

int vnic_vhost_set_many(struct vnic_vhost *v, const struct vnic_vhost_request *r, unsigned n)
{
	uint64_t deadline = clock_now_ms() + v->dev->args.reply_ms;
	int rc = -ENODEV, first = 0;

	pthread_mutex_lock(&v->io);
	for (unsigned i = 0; i < n && v->conn >= 0; i++)
		rc = send_set(v, r[i].request, &r[i].p, r[i].len, &r[i].fd, r[i].fd >= 0 ? 1 : 0, deadline);
	/* All answers are read, or the next exchange would take one of them for its own. */
	for (unsigned i = 0; i < n && v->conn >= 0; i++) {
		rc = receive_ack(v, r[i].request, deadline);
		if (rc == -EREMOTEIO && first == 0 && !r[i].may_refuse)
			first = rc;
	}
	if (v->conn >= 0)
		rc = first;
	pthread_mutex_unlock(&v->io);
	return rc;
}

int vnic_vhost_set_u64(struct vnic_vhost *v, uint32_t request, uint64_t value)
{
	return vnic_vhost_set(v, request, &value, sizeof(value), NULL, 0);
}

int vnic_vhost_get(struct vnic_vhost *v, uint32_t request, union vhost_user_payload *payload, uint32_t *len,
		   uint32_t min, uint32_t max, int *fd)
{
	uint64_t deadline = clock_now_ms() + v->dev->args.reply_ms;
	int rc = -ENODEV;

	if (fd != NULL)
		*fd = -1;
	pthread_mutex_lock(&v->io);
	if (v->conn < 0)
		goto out;
	rc = send_message(v->conn, request, VHOST_USER_VERSION, payload, *len, NULL, 0, deadline);
	if (rc == 0)
		rc = receive_reply(v, request, payload, len, min, max, fd, deadline);
	if (rc != 0)
		rc = give_up(v, request, rc);
out:
	pthread_mutex_unlock(&v->io);
	return rc;
}

int vnic_vhost_get_u64(struct vnic_vhost *v, uint32_t request, uint64_t *value)
{
	union vhost_user_payload p;
	uint32_t len = 0;
	int rc = vnic_vhost_get(v, request, &p, &len, sizeof(p.u64), sizeof(p.u64), NULL);

	if (rc == 0)
		*value = p.u64;
	return rc;
}

/* The only thing we expect to hear is that the configuration changed. */
int vnic_vhost_backend_event(struct vnic_vhost *v)
{
	uint64_t deadline = clock_now_ms() + v->dev->args.reply_ms, answer = 0;
	struct received_fds f = { .n = 0 };
	union vhost_user_payload p;
	struct vhost_user_header h;
	int rc = receive_message(v->backend, &h, &p, sizeof(p), &f, deadline);

	close_fds(&f);
	if (rc == 0 && (h.flags & VHOST_USER_F_REPLY))
		rc = -EPROTO;
	if (rc == 0 && h.request == VHOST_USER_BACKEND_CONFIG_CHANGE_MSG)
		v->dev->config_changed = true;
	else
		answer = 1;
	if (rc == 0 && (h.flags & VHOST_USER_NEED_REPLY))
		rc = send_message(v->backend, h.request, VHOST_USER_VERSION | VHOST_USER_F_REPLY, &answer,
				  sizeof(answer), NULL, 0, deadline);
	if (rc != 0) {
		VNIC_LOG(ERR, v->dev, "request channel of the back end: %s: connection dropped",
			 rc == -EPROTO ? "malformed message" : strerror(-rc));
		vnic_vhost_drop(v);
		return -ENODEV;
	}
	return 0;
}
