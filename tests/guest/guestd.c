// SPDX-License-Identifier: BSD-3-Clause
/*
 * guestd: process 1 of a guest. Runs the commands that arrive at the virtio-serial
 * ports (channel.h) and takes leave of orphans.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"

struct command {
	struct channel_request request;
	char *text;
	int input;     /* standard input */
	int out, err;  /* our ends of its pipes, -1 once at their end */
	pid_t pid;
};

/* False when the host has gone: the request is given up. */
static bool get(int port, void *to, size_t len)
{
	char *p = to;

	while (len > 0) {
		ssize_t n = read(port, p, len);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void put(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static void answer(int port, uint32_t id, enum channel_kind kind, const void *data, size_t len)
{
	struct channel_frame frame = { CHANNEL_FRAME, id, kind, (uint32_t)len };

	put(port, &frame, sizeof(frame));
	put(port, data, len);
}

/* A file in memory with the request's input; /dev/null when there is none. */
static int take_input(int port, uint32_t len)
{
	char piece[16384];
	int fd;

	if (len == 0)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("stdin", MFD_CLOEXEC);
	while (fd >= 0 && len > 0) {
		size_t n = len < sizeof(piece) ? len : sizeof(piece);

		if (!get(port, piece, n)) {
			close(fd);
			return -1;
		}
		put(fd, piece, n);
		len -= (uint32_t)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Skips what a request that was given up left behind. */
static bool take_request(int port, struct command *c)
{
	struct channel_request *r = &c->request;

	if (!get(port, r, sizeof(*r)))
		return false;
	while (r->magic != CHANNEL_REQUEST) {
		memmove(r, (char *)r + 1, sizeof(*r) - 1);
		if (!get(port, (char *)r + sizeof(*r) - 1, 1))
			return false;
	}
	if (r->command_len > CHANNEL_COMMAND_MAX || r->input_len > CHANNEL_INPUT_MAX)
		return false;
	c->text = calloc(1, r->command_len + 1);
	if (c->text != NULL && get(port, c->text, r->command_len))
		c->input = take_input(port, r->input_len);
	return c->input >= 0;
}

static bool start(struct command *c)
{
	int out[2], err[2];

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
		return false;
	c->pid = fork();
	if (c->pid == 0) {
		setsid();
		dup2(c->input, 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		signal(SIGPIPE, SIG_DFL);
		execl("/bin/sh", "sh", "-c", c->text, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	c->out = out[0];
	c->err = err[0];
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	fcntl(c->err, F_SETFL, O_NONBLOCK);
	return c->pid > 0;
}

static void forward(int port, uint32_t id, enum channel_kind kind, int *fd)
{
	char piece[16384];
	ssize_t n;

	while (*fd >= 0 && (n = read(*fd, piece, sizeof(piece))) >= 0) {
		if (n > 0) {
			answer(port, id, kind, piece, (size_t)n);
			continue;
		}
		close(*fd);
		*fd = -1;
	}
}

/*
 * Until the shell ends, not until its pipes do: what it left in the background may
 * hold them.
 */
static int32_t attend(int port, struct command *c)
{
	time_t end = time(NULL) + (time_t)c->request.timeout_s;
	bool killed = false, ended = false;
	int status = 0;

	while (!ended) {
		struct pollfd fds[2] = { { c->out, POLLIN, 0 }, { c->err, POLLIN, 0 } };

		poll(fds, 2, 20);
		ended = waitpid(c->pid, &status, WNOHANG) == c->pid;
		forward(port, c->request.id, CHANNEL_OUT, &c->out);
		forward(port, c->request.id, CHANNEL_ERR, &c->err);
		if (!killed && !ended && time(NULL) >= end) {
			kill(-c->pid, SIGKILL);
			killed = true;
		}
	}
	if (killed)
		return 124;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void serve_one(int port)
{
	struct command c = { .input = -1, .out = -1, .err = -1 };
	int32_t status;

	if (!take_request(port, &c)) {
		usleep(30000); /* nobody at the other end: do not spin */
	} else if (start(&c)) {
		status = attend(port, &c);
		answer(port, c.request.id, CHANNEL_STATUS, &status, sizeof(status));
	}
	free(c.text);
	for (size_t i = 0; i < 3; i++) {
		int fd = (int[]){ c.input, c.out, c.err }[i];

		if (fd >= 0)
			close(fd);
	}
}

static void serve_port(const char *path)
{
	int port = open(path, O_RDWR | O_CLOEXEC);

	if (port < 0)
		_exit(1);
	for (;;)
		serve_one(port);
}

int main(void)
{
	glob_t ports;

	signal(SIGPIPE, SIG_IGN);
	if (glob("/dev/vport*", 0, NULL, &ports) == 0) {
		for (size_t i = 0; i < ports.gl_pathc; i++) {
			if (fork() == 0)
				serve_port(ports.gl_pathv[i]);
		}
	}
	for (;;) {
		if (wait(NULL) < 0)
			sleep(1);
	}
}
