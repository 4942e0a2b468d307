/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/vnicd/front.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int watch(void *arg, struct vnicd_backend *b, int fd)
{
	struct front *f = arg;

	if (f->refuse_watch)
		return -ENOSPC;
	CU_ASSERT_FATAL(f->n_watched < sizeof(f->watched) / sizeof(f->watched[0]));
	f->watched[f->n_watched++] = fd;
	return 0;
}

static void unwatch(void *arg, struct vnicd_backend *b, int fd)
{
	struct front *f = arg;

	for (unsigned i = 0; i < f->n_watched; i++)
		if (f->watched[i] == fd)
			f->watched[i--] = f->watched[--f->n_watched];
}

static void changed(void *arg, struct vnicd_backend *b)
{
	((struct front *)arg)->changes++;
}

static void broke(void *arg, struct vnicd_backend *b, uint16_t vq)
{
	struct front *f = arg;

	f->broken++;
	f->last_broken = vq;
}

static void rarp(void *arg, struct vnicd_backend *b, const uint8_t mac[6])
{
	((struct front *)arg)->rarps++;
}

void front_open(struct front *f, bool server)
{
	static const struct vnicd_nic_conf conf = { .features = FRONT_FEATURES, .pairs = FRONT_PAIRS, .queue_size = 256,
						    .mac = { { 2, 0, 0, 0, 0, 1 } }, .mtu = 1500 };

	front_open_with(f, server, &conf);
}

void front_open_with(struct front *f, bool server, const struct vnicd_nic_conf *conf)
{
	static unsigned number;

	memset(f, 0, sizeof(*f));
	f->sock = -1;
	f->ops = (struct vnicd_backend_ops){ watch, unwatch, changed, broke, rarp };
	snprintf(f->path, sizeof(f->path), "/tmp/vnicd-test.%d.%u", (int)getpid(), number++);
	CU_ASSERT_EQUAL_FATAL(vnicd_nic_init(&f->nic, conf), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_backend_open(&f->b, &f->nic, f->path, server, 100, &f->ops, f), 0);
}

void front_close(struct front *f)
{
	if (f->sock >= 0)
		close(f->sock);
	f->sock = -1;
	vnicd_backend_close(f->b);
	CU_ASSERT_EQUAL(f->n_watched, 0);
	vnicd_nic_fini(&f->nic);
}

void front_connect(struct front *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, f->path);
	f->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(f->sock >= 0 && connect(f->sock, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	front_pump(f);
}

void front_hang_up(struct front *f)
{
	close(f->sock);
	f->sock = -1;
	front_pump(f);
}

void front_pump(struct front *f)
{
	struct pollfd p[sizeof(f->watched) / sizeof(f->watched[0])];

	for (unsigned round = 0; round < 10000; round++) {
		unsigned n = f->n_watched;

		for (unsigned i = 0; i < n; i++)
			p[i] = (struct pollfd){ .fd = f->watched[i], .events = POLLIN };
		if (poll(p, n, 0) == 0) {
			vnicd_backend_timer(f->b, f->now);
			return;
		}
		for (unsigned i = 0; i < n; i++)
			if (p[i].revents != 0) {
				vnicd_backend_event(f->b, p[i].fd);
				break; /* what is watched may have changed */
			}
	}
	CU_FAIL_FATAL("a descriptor stays readable");
}

void front_send(struct front *f, uint32_t request, uint32_t flags, const void *payload, uint32_t len,
		const int *fds, unsigned n_fds)
{
	struct vhost_user_header h = { request, flags, len };
	struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)payload, len } };
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (n_fds > 0) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	CU_ASSERT_FATAL(sendmsg(f->sock, &m, MSG_NOSIGNAL) == (ssize_t)(sizeof(h) + len));
}

int front_receive(struct front *f, struct front_reply *r)
{
	ssize_t n = recv(f->sock, &r->h, sizeof(r->h), MSG_DONTWAIT);

	r->n_fds = 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return -1;
	if (n < 0)
		return 0;
	CU_ASSERT_FATAL(n == sizeof(r->h) && r->h.size <= sizeof(r->p));
	CU_ASSERT_EQUAL(r->h.flags, VHOST_USER_VERSION | VHOST_USER_F_REPLY);
	memset(&r->p, 0, sizeof(r->p));
	if (r->h.size > 0)
		CU_ASSERT_EQUAL_FATAL(recv(f->sock, &r->p, r->h.size, MSG_DONTWAIT), (ssize_t)r->h.size);
	return 1;
}

int front_get(struct front *f, uint32_t request, const void *payload, uint32_t len, struct front_reply *r)
{
	front_send(f, request, VHOST_USER_VERSION, payload, len, NULL, 0);
	front_pump(f);
	return front_receive(f, r);
}

int front_set(struct front *f, uint32_t request, const void *payload, uint32_t len, const int *fds, unsigned n_fds)
{
	struct front_reply r;
	int rc;

	front_send(f, request, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, payload, len, fds, n_fds);
	front_pump(f);
	rc = front_receive(f, &r);
	if (rc <= 0)
		return rc == 0 ? -2 : -1;
	CU_ASSERT(r.h.request == request && r.h.size == 8);
	return (int)r.p.u64;
}

int front_set_u64(struct front *f, uint32_t request, uint64_t value)
{
	return front_set(f, request, &value, sizeof(value), NULL, 0);
}

int front_set_state(struct front *f, uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state s = { index, num };

	return front_set(f, request, &s, sizeof(s), NULL, 0);
}

int front_set_fd(struct front *f, uint32_t request, uint64_t index, int fd)
{
	return front_set(f, request, &index, sizeof(index), &fd, fd >= 0 ? 1 : 0);
}

uint64_t front_protocol(struct front *f)
{
	struct front_reply r;

	CU_ASSERT_EQUAL_FATAL(front_get(f, VHOST_USER_GET_PROTOCOL_FEATURES, NULL, 0, &r), 1);
	return r.p.u64;
}

void front_handshake(struct front *f, uint64_t protocol, uint64_t features)
{
	struct front_reply r;

	CU_ASSERT_EQUAL(front_set(f, VHOST_USER_SET_OWNER, NULL, 0, NULL, 0), -2); /* nothing agreed yet */
	CU_ASSERT_EQUAL_FATAL(front_get(f, VHOST_USER_GET_FEATURES, NULL, 0, &r), 1);
	CU_ASSERT_EQUAL(r.p.u64, FRONT_FEATURES | FRONT_BIT30);
	front_send(f, VHOST_USER_SET_PROTOCOL_FEATURES, VHOST_USER_VERSION, &protocol, 8, NULL, 0);
	CU_ASSERT_EQUAL_FATAL(front_set_u64(f, VHOST_USER_SET_FEATURES, features), 0);
}

const char *front_last_refusal(const struct front *f)
{
	static struct vnicd_backend_stats s;

	vnicd_backend_stats(f->b, &s);
	return s.last_refusal;
}

uint64_t front_refused(const struct front *f)
{
	struct vnicd_backend_stats s;

	vnicd_backend_stats(f->b, &s);
	return s.refused;
}

unsigned front_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	CU_ASSERT_FATAL(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

int front_file(uint64_t len)
{
	int fd = memfd_create("vnicd-front", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, (off_t)len) == 0);
	return fd;
}
