/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections of the back end: listening, connecting, losing them. */
#include "app/vnicd/dev/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/vnicd/dev/backend_private.h"

#define LATE_MAX_MS UINT64_C(86400000)

int backend_refuse(struct vnicd_backend *b, const char *fmt, ...)
{
	va_list args;

	b->stats.refused++;
	va_start(args, fmt);
	vsnprintf(b->stats.last_refusal, sizeof(b->stats.last_refusal), fmt, args);
	va_end(args);
	return -EPROTO;
}

void backend_changed(struct vnicd_backend *b)
{
	if (b->ops->changed != NULL)
		b->ops->changed(b->arg, b);
}

void backend_close_watched(struct vnicd_backend *b, int *fd)
{
	if (*fd < 0)
		return;
	b->ops->unwatch(b->arg, b, *fd);
	close(*fd);
	*fd = -1;
}

/* ---- faults on purpose ------------------------------------------------------------ */
bool backend_wrong(struct vnicd_backend *b, enum vnicd_backend_fault kind)
{
	if (b->wrong.left[kind] == 0)
		return false;
	if (b->wrong.left[kind] != UINT64_MAX)
		b->wrong.left[kind]--;
	b->stats.faults[kind]++;
	return true;
}

int vnicd_backend_fault(struct vnicd_backend *b, enum vnicd_backend_fault kind, uint64_t value)
{
	if (kind >= VNICD_BACKEND_FAULT_KINDS)
		return -EINVAL;
	if (kind != VNICD_BACKEND_RESET_LATE) {
		b->wrong.left[kind] = value != 0 ? value : UINT64_MAX;
		return 0;
	}
	if (value > LATE_MAX_MS)
		return -EINVAL;
	b->wrong.left[kind] = UINT64_MAX;
	b->wrong.late_ms = value != 0 ? value : UINT64_MAX;
	return 0;
}

void vnicd_backend_behave(struct vnicd_backend *b)
{
	memset(&b->wrong, 0, sizeof(b->wrong));
}

/* ---- sockets --------------------------------------------------------------------- */
static int make_socket(const char *path, struct sockaddr_un *addr)
{
	int fd;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (path[0] == '\0' || strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

static int try_connect(const char *path)
{
	struct sockaddr_un addr;
	int fd = make_socket(path, &addr), rc;

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* A socket that nobody listens on was left behind: it may go. Anything else may not. */
static bool remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = try_connect(path);
	if (fd >= 0)
		close(fd);
	return fd == -ECONNREFUSED && unlink(path) == 0;
}

static int start_listening(struct vnicd_backend *b)
{
	struct sockaddr_un addr;
	int fd = make_socket(b->path, &addr), rc;

	if (fd < 0)
		return fd;
	rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	if (rc < 0 && errno == EADDRINUSE) {
		rc = remove_stale(b->path) ? bind(fd, (struct sockaddr *)&addr, sizeof(addr)) : -1;
		if (rc < 0)
			errno = EADDRINUSE;
	}
	b->bound = rc == 0;
	if (rc < 0 || listen(fd, 4) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	b->listener = fd;
	return b->ops->watch(b->arg, b, fd);
}

/* ---- a connection's life ---------------------------------------------------------- */
static void connected(struct vnicd_backend *b, int fd)
{
	b->conn = fd;
	b->epoch++;
	if (b->ops->watch(b->arg, b, fd) < 0) {
		close(fd);
		b->conn = -1;
		return;
	}
	b->stats.connects++;
	backend_changed(b);
}

void vnicd_backend_disconnect(struct vnicd_backend *b)
{
	if (b->conn < 0)
		return;
	b->epoch++;
	b->stats.disconnects++;
	backend_close_watched(b, &b->conn);
	if (b->channel >= 0)
		close(b->channel);
	b->channel = -1;
	backend_msg_clear(&b->msg);
	backend_vring_stop_all(b, false);
	backend_vring_forget(b);
	backend_inflight_forget(b);
	vnicd_nic_reset(b->nic);
	vnicd_memory_fini(&b->nic->memory);
	b->protocol = b->features = 0;
	b->has_features = b->enabled_at_start = b->stuck = false;
	b->retry_at = b->now + b->retry_ms;
	backend_changed(b);
}

/* The one before may have died without our having read so. */
static bool conn_is_dead(const struct vnicd_backend *b)
{
	char c;

	return recv(b->conn, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void accept_one(struct vnicd_backend *b)
{
	int fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (b->conn >= 0 && conn_is_dead(b))
		vnicd_backend_disconnect(b);
	if (b->conn < 0) {
		connected(b, fd);
		return;
	}
	backend_refuse(b, "a second front end");
	close(fd);
}

/* ---- the interface ------------------------------------------------------------------ */
int vnicd_backend_open(struct vnicd_backend **out, struct vnicd_nic *nic, const char *path, bool server,
		       uint32_t retry_ms, const struct vnicd_backend_ops *ops, void *arg)
{
	struct vnicd_backend *b;
	int rc = vnicd_memory_guard();

	if (rc < 0)
		return rc;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	b->nic = nic;
	b->ops = ops;
	b->arg = arg;
	b->server = server;
	b->retry_ms = retry_ms;
	b->listener = b->conn = b->channel = -1;
	backend_vring_init(b);
	if ((size_t)snprintf(b->path, sizeof(b->path), "%s", path) >= sizeof(b->path))
		rc = -ENAMETOOLONG;
	else if (server)
		rc = start_listening(b);
	if (rc < 0) {
		vnicd_backend_close(b);
		return rc;
	}
	nic->call = backend_vring_interrupt;
	nic->owner = b;
	*out = b;
	return 0;
}

void vnicd_backend_close(struct vnicd_backend *b)
{
	if (b == NULL)
		return;
	vnicd_backend_disconnect(b);
	backend_close_watched(b, &b->listener);
	if (b->bound)
		unlink(b->path);
	if (b->nic->owner == b) {
		b->nic->owner = NULL;
		b->nic->call = NULL;
	}
	free(b);
}

/* What the front end did behind our back. */
static void check_front(struct vnicd_backend *b)
{
	if (b->conn < 0 || (!b->nic->memory.torn && !b->stuck))
		return;
	if (b->stuck)
		backend_refuse(b, "an eventfd of the front end's makes us wait");
	else
		backend_refuse(b, "a file of the memory table was cut short");
	vnicd_backend_disconnect(b);
}

void vnicd_backend_event(struct vnicd_backend *b, int fd)
{
	if (fd < 0)
		return;
	if (fd == b->listener)
		accept_one(b);
	else if (fd == b->conn)
		backend_msg_receive(b);
	else
		backend_vring_kicked(b, fd);
	check_front(b);
}

int vnicd_backend_timer(struct vnicd_backend *b, uint64_t now_ms)
{
	b->now = now_ms;
	check_front(b);
	if (b->conn >= 0)
		backend_vring_errors(b);
	if (b->n_late > 0)
		return backend_vring_late(b, now_ms);
	if (b->server || b->conn >= 0)
		return -1;
	if (now_ms >= b->retry_at) {
		int fd = try_connect(b->path);

		if (fd >= 0) {
			connected(b, fd);
			return -1;
		}
		b->retry_at = now_ms + b->retry_ms;
	}
	return (int)(b->retry_at - now_ms);
}

bool vnicd_backend_connected(const struct vnicd_backend *b)
{
	return b->conn >= 0;
}

bool vnicd_backend_must_poll(const struct vnicd_backend *b)
{
	return b->no_kick > 0;
}

void vnicd_backend_config_changed(struct vnicd_backend *b)
{
	if (backend_agreed(b, VHOST_USER_PROTOCOL_F_CONFIG))
		backend_msg_notify(b, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG);
}

void vnicd_backend_stats(const struct vnicd_backend *b, struct vnicd_backend_stats *out)
{
	*out = b->stats;
}
