/* SPDX-License-Identifier: BSD-3-Clause */
/* Framing of vhost-user: one message read piece by piece, with its descriptors. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "app/vnicd/dev/backend_private.h"

#define MESSAGES_A_TURN 64 /* a front end that floods waits for its next turn */

void backend_msg_clear(struct backend_msg *m)
{
	for (unsigned i = 0; i < m->n_fds; i++)
		if (m->fd[i] >= 0)
			close(m->fd[i]);
	m->n_fds = 0;
	m->got = 0;
}

/* Descriptors of one recvmsg(), all of them taken or closed; false: more than a message may bring. */
static bool collect_fds(struct backend_msg *m, struct msghdr *h)
{
	bool fits = (h->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (m->n_fds < VHOST_USER_MAX_REGIONS) {
				m->fd[m->n_fds++] = fd;
			} else {
				close(fd);
				fits = false;
			}
		}
	}
	return fits;
}

/* Octets of one part of the message: what came; 0: nothing there now; -ENODEV; -EPROTO. */
static int read_part(struct vnicd_backend *b, void *to, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(VHOST_USER_MAX_REGIONS * sizeof(int))];
	} control;
	struct iovec iov = { to, len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(b->conn, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -ENODEV;
	if (!collect_fds(&b->msg, &h))
		return backend_refuse(b, "too many descriptors");
	if (n == 0)
		return b->msg.got == 0 ? -ENODEV : backend_refuse(b, "connection ended inside of a message");
	b->msg.got += (size_t)n;
	return (int)n;
}

static int check_header(struct vnicd_backend *b, const struct vhost_user_header *h)
{
	if ((h->flags & 3) != VHOST_USER_VERSION || (h->flags & VHOST_USER_F_REPLY) != 0)
		return backend_refuse(b, "%s: flags %#x", backend_request_name(h->request), h->flags);
	if (h->size > sizeof(union vhost_user_payload))
		return backend_refuse(b, "%s: %u octets", backend_request_name(h->request), h->size);
	return 0;
}

/* 1: a message is complete; 0: not yet. */
static int read_message(struct vnicd_backend *b)
{
	struct backend_msg *m = &b->msg;
	int rc = 1;

	while (m->got < sizeof(m->h)) {
		rc = read_part(b, (uint8_t *)&m->h + m->got, sizeof(m->h) - m->got);
		if (rc <= 0)
			return rc;
	}
	rc = check_header(b, &m->h);
	if (rc < 0)
		return rc;
	while (m->got < sizeof(m->h) + m->h.size) {
		size_t at = m->got - sizeof(m->h);

		rc = read_part(b, (uint8_t *)&m->p + at, m->h.size - at);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

void backend_msg_receive(struct vnicd_backend *b)
{
	unsigned epoch = b->epoch;

	for (unsigned i = 0; i < MESSAGES_A_TURN; i++) {
		int rc = read_message(b);

		if (rc == 0)
			return;
		if (rc > 0) {
			b->stats.messages++;
			rc = backend_serve(b, &b->msg);
		}
		if (b->epoch != epoch)
			return;
		if (rc < 0) {
			vnicd_backend_disconnect(b);
			return;
		}
		backend_msg_clear(&b->msg);
	}
}

/* A few octets into an empty buffer: they go whole, or the front end does not read. */
static int send_message(int fd, const struct vhost_user_header *h, const void *payload, int file)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)h, sizeof(*h) }, { (void *)(uintptr_t)payload, h->size } };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (file >= 0) {
		control.align = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), &file, sizeof(file));
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
	}
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)(sizeof(*h) + h->size) ? 0 : -EPROTO;
}

int backend_reply(struct vnicd_backend *b, struct backend_msg *m, uint32_t size)
{
	struct vhost_user_header h = { m->h.request, VHOST_USER_VERSION | VHOST_USER_F_REPLY, size };

	int rc = send_message(b->conn, &h, &m->p, m->reply_fd);

	if (m->reply_fd >= 0)
		close(m->reply_fd);
	m->reply_fd = -1;
	if (rc == 0)
		return 0;
	return backend_refuse(b, "%s: the front end takes no reply", backend_request_name(h.request));
}

void backend_msg_notify(struct vnicd_backend *b, uint32_t request)
{
	struct vhost_user_header h = { request, VHOST_USER_VERSION, 0 };

	if (b->channel < 0 || send_message(b->channel, &h, NULL, -1) == 0)
		return;
	if (errno != EAGAIN) {
		close(b->channel);
		b->channel = -1;
	}
	backend_refuse(b, "the front end does not read its channel");
}
