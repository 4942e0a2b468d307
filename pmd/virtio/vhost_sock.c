/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/vhost.h"

#define RETRY_MS 20

static int address(const struct vnic_vhost *v, struct sockaddr_un *sa)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(v->dev->args.path) >= sizeof(sa->sun_path))
		return -ENAMETOOLONG;
	memcpy(sa->sun_path, v->dev->args.path, strlen(v->dev->args.path) + 1);
	return 0;
}

/* A socket file that nobody listens at is left over from a program that died. A file that is no socket refuses
 * connections as well: it is somebody's. */
static void remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd;

	if (lstat(sa->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) != 0 && errno == ECONNREFUSED)
		unlink(sa->sun_path);
	close(fd);
}

static int listen_at(struct vnic_vhost *v)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct sockaddr_un sa;
	int fd, rc = address(v, &sa);

	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	remove_stale(&sa);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(fd, 1) != 0 ||
	    epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
		rc = -errno;
		VNIC_LOG(ERR, v->dev, "cannot listen at %s: %s%s", sa.sun_path, strerror(-rc),
			 rc == -EADDRINUSE ? ": another program does, or it is no socket" : "");
		close(fd);
		return rc;
	}
	v->listener = fd;
	return 0;
}

/* A descriptor, -EAGAIN when nobody is there yet, or an error. */
static int try_once(struct vnic_vhost *v)
{
	struct sockaddr_un sa;
	int fd, rc;

	if (v->dev->args.server) {
		fd = accept4(v->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		return fd >= 0 ? fd : errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
	}
	rc = address(v, &sa);
	if (rc != 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	rc = errno == ENOENT || errno == ECONNREFUSED || errno == EINTR ? -EAGAIN : -errno;
	close(fd);
	return rc;
}

/* Who is at the other end, so that we can wait for its end. */
static void identify_peer(struct vnic_vhost *v)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (v->pidfd >= 0)
		close(v->pidfd);
	v->pidfd = -1;
	if (getsockopt(v->conn, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 || cred.pid <= 0 ||
	    cred.pid == getpid())
		return;
	v->pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
}

int vnic_vhost_connect(struct vnic_vhost *v, uint32_t ms)
{
	uint64_t deadline = clock_now_ms() + ms;
	struct epoll_event e = { .events = EPOLLIN };
	int fd, rc = v->dev->args.server && v->listener < 0 ? listen_at(v) : 0;

	if (rc != 0)
		return rc;
	while ((fd = try_once(v)) == -EAGAIN && clock_now_ms() < deadline) {
		struct pollfd p = { .fd = v->listener, .events = POLLIN };

		poll(&p, 1, RETRY_MS);
	}
	if (fd < 0)
		return fd == -EAGAIN ? -ETIMEDOUT : fd;
	if (epoll_ctl(v->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	pthread_mutex_lock(&v->io);
	v->conn = fd;
	identify_peer(v);
	pthread_mutex_unlock(&v->io);
	return 0;
}

int vnic_vhost_wait_gone(struct vnic_dev *dev, unsigned ms)
{
	struct vnic_vhost *v = dev->transport;
	struct pollfd p = { .events = POLLIN };

	if (v == NULL || v->pidfd < 0)
		return -ENOENT;
	p.fd = v->pidfd;
	return poll(&p, 1, (int)ms) > 0 ? 0 : -ETIMEDOUT;
}
