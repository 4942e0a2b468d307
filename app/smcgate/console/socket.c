/* SPDX-License-Identifier: BSD-3-Clause */
/* The console's Unix socket: of mode 0600 from its first moment, replacing the
 * file a dead process left and nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>

#include "app/smcgate/console/console_impl.h"
#include "pmd/base/log.h"

static int set_path(struct console *c)
{
	const struct config *cfg = pipeline_config(c->pl);
	int n;

	if (cfg->console.socket[0] != '\0')
		n = snprintf(c->path, sizeof(c->path), "%s", cfg->console.socket);
	else
		n = snprintf(c->path, sizeof(c->path), "%s/%s", rte_eal_get_runtime_dir(),
			     CONSOLE_SOCKET_NAME);
	if (n < 0 || (size_t)n >= sizeof(c->path)) {
		LOG(CONSOLE, ERR,
		    "the socket's path is longer than %zu: name a shorter one in console.socket",
		    sizeof(c->path) - 1);
		return -ENAMETOOLONG;
	}
	return 0;
}

static int unix_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

/* 0: nothing is there, or what a dead process left. */
static int look_at_old(const char *path)
{
	struct sockaddr_un a = address(path);
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		LOG(CONSOLE, ERR, "%s is there and no socket: remove it, or name another in console.socket",
		    path);
		return -EEXIST;
	}
	fd = unix_socket();
	if (fd < 0)
		return fd;
	rc = connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	close(fd);
	if (rc == -ECONNREFUSED)
		return 0;
	LOG(CONSOLE, ERR,
	    "%s is served by another process: give each its own --file-prefix or console.socket", path);
	return -EADDRINUSE;
}

/* Bound beside its place and moved there, which replaces an old file in one
 * step. On Linux the file gets the descriptor's mode. */
static int bind_in_place(struct console *c, int fd)
{
	struct sockaddr_un a;
	char temp[CONFIG_PATH_LEN];
	struct stat st;
	int n, rc;

	n = snprintf(temp, sizeof(temp), "%s.%d", c->path, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(temp))
		return -ENAMETOOLONG;
	a = address(temp);
	(void)unlink(temp);
	if (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	if (chmod(temp, 0600) < 0 || listen(fd, SESSIONS_MAX) < 0 || lstat(temp, &st) < 0 ||
	    rename(temp, c->path) < 0) {
		rc = -errno;
		(void)unlink(temp);
		return rc;
	}
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	return 0;
}

int console_listen(struct console *c)
{
	int fd, rc;

	rc = set_path(c);
	if (rc == 0)
		rc = look_at_old(c->path);
	if (rc < 0)
		return rc;
	fd = unix_socket();
	if (fd < 0)
		return fd;
	rc = bind_in_place(c, fd);
	if (rc < 0) {
		LOG(CONSOLE, ERR, "socket %s: %s", c->path, strerror(-rc));
		close(fd);
		return rc;
	}
	c->listen_fd = fd;
	return 0;
}

void console_unlisten(struct console *c)
{
	struct stat st;

	if (c->listen_fd < 0)
		return;
	close(c->listen_fd);
	c->listen_fd = -1;
	/* Only our own: somebody may have put another in its place. */
	if (lstat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
		(void)unlink(c->path);
}

int console_accept(struct console *c)
{
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	return fd < 0 ? -errno : fd;
}
