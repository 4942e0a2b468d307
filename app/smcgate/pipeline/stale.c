/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/pipeline/stale.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"
#include "pmd/base/log.h"

/* Who listens, by KEY=VALUE among its arguments. */
static const struct listener {
	const char *driver, *path, *key, *value;
	bool unless;                   /* listens unless it is given */
} listeners[] = {
	{ "net_vhost", "iface", "client", "1", true },
	{ "net_virtio_user", "path", "server", "1", false },
	{ "net_memif", "socket", "role", "server", false },
};

static bool listens(const struct listener *l, const char *vdev)
{
	size_t len = 0;
	const char *value = config_vdev_argument(vdev, l->key, &len);
	bool given = value != NULL && len == strlen(l->value) && strncmp(value, l->value, len) == 0;

	return strncmp(vdev, l->driver, strlen(l->driver)) == 0 && given != l->unless;
}

/* 0: somebody listens there; -ECONNREFUSED: nobody. */
static int try_connect(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int make_way(const char *port, const struct sockaddr_un *a)
{
	struct stat st;
	int rc;

	if (lstat(a->sun_path, &st) < 0)
		return 0; /* nothing there, or the driver says better what is wrong with the path */
	if (!S_ISSOCK(st.st_mode)) {
		LOG(PIPELINE, ERR, "port %s: %s is there and no socket: remove it, or name another in \"vdev\"", port,
		    a->sun_path);
		return -EADDRINUSE;
	}
	rc = try_connect(a);
	if (rc != -ECONNREFUSED) {
		LOG(PIPELINE, ERR, "port %s: another process listens on %s: end that, or name another socket in \"vdev\"",
		    port, a->sun_path);
		return -EADDRINUSE;
	}
	if (unlink(a->sun_path) < 0) {
		LOG(PIPELINE, ERR, "port %s: nobody listens on %s, but it cannot be removed (%s): remove it", port,
		    a->sun_path, strerror(errno));
		return -EADDRINUSE;
	}
	LOG(PIPELINE, NOTICE, "port %s: removed %s, a socket that nobody listened on", port, a->sun_path);
	return 0;
}

int stale_remove(const char *port, const char *vdev)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	for (unsigned i = 0; i < RTE_DIM(listeners); i++) {
		size_t len = 0;
		const char *path = config_vdev_argument(vdev, listeners[i].path, &len);

		if (path == NULL || len == 0 || len >= sizeof(a.sun_path) || !listens(&listeners[i], vdev))
			continue;
		memcpy(a.sun_path, path, len);
		return make_way(port, &a);
	}
	return 0;
}
