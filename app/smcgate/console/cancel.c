/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What ends a command's waiting: the end of the program, the client of a
 * socket gone, Ctrl-C at a terminal. All three make one epoll descriptor
 * readable, which pipeline_cancel_on() gets.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/smcgate/console/console_impl.h"

/* For the signal handler; -1 outside commands of a terminal. */
static volatile sig_atomic_t interrupt_fd = -1;
static struct sigaction before;

static void on_interrupt(int sig)
{
	uint64_t one = 1;
	int saved = errno;

	if (interrupt_fd >= 0 && write(interrupt_fd, &one, sizeof(one)) < 0)
		interrupt_fd = -1; /* full: it is readable already */
	errno = saved;
}

static int watch(int epfd, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int cancel_open(struct console *c)
{
	int rc = 0;

	c->cancel_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	c->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (c->cancel_fd < 0 || c->epfd < 0)
		rc = -errno;
	if (rc == 0)
		rc = watch(c->epfd, c->cancel_fd, EPOLLIN);
	if (rc == 0 && c->stop_fd >= 0)
		rc = watch(c->epfd, c->stop_fd, EPOLLIN);
	return rc;
}

void cancel_close(struct console *c)
{
	if (c->epfd >= 0)
		close(c->epfd);
	if (c->cancel_fd >= 0)
		close(c->cancel_fd);
}

/* While a command runs Ctrl-C is a signal again, and ours. */
static void arm_terminal(struct console *c, const struct session *s)
{
	struct sigaction act = { .sa_handler = on_interrupt };
	struct termios t;

	interrupt_fd = c->cancel_fd;
	sigaction(SIGINT, &act, &before);
	if (tcgetattr(s->in, &t) == 0) {
		t.c_lflag |= ISIG;
		tcsetattr(s->in, TCSANOW, &t);
	}
}

static void disarm_terminal(const struct session *s)
{
	struct termios t;

	if (tcgetattr(s->in, &t) == 0) {
		t.c_lflag &= ~(tcflag_t)ISIG;
		tcsetattr(s->in, TCSANOW, &t);
	}
	sigaction(SIGINT, &before, NULL);
	interrupt_fd = -1;
}

void cancel_arm(struct console *c, const struct session *s)
{
	uint64_t old;

	if (read(c->cancel_fd, &old, sizeof(old)) < 0)
		old = 0; /* nobody had interrupted */
	if (s != NULL && s->kind == SESSION_TTY)
		arm_terminal(c, s);
	/* No events asked for: EPOLLHUP, both directions closed, comes anyway. A
	 * client that has only sent everything (half-closed) still wants answers. */
	if (s != NULL && s->kind == SESSION_SOCKET)
		(void)watch(c->epfd, s->in, 0);
	pipeline_cancel_on(c->pl, c->epfd);
}

void cancel_disarm(struct console *c, const struct session *s)
{
	pipeline_cancel_on(c->pl, c->stop_fd);
	if (s != NULL && s->kind == SESSION_SOCKET)
		(void)epoll_ctl(c->epfd, EPOLL_CTL_DEL, s->in, NULL);
	if (s != NULL && s->kind == SESSION_TTY)
		disarm_terminal(s);
}
