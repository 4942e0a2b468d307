/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/console/console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "app/smcgate/console/console_impl.h"
#include "app/smcgate/telemetry.h"
#include "pmd/base/log.h"

#define LAST_WORDS_MS 500 /* for output still waiting at the end of the program */
#define NO_DESCRIPTORS_MS 100 /* between looks whether there is one for a client */
#define FILE_POLL_MS 200

/* ---- sessions ------------------------------------------------------------------------ */
static int add_session(struct console *c, enum session_kind kind, int in, int out)
{
	struct session *s;

	if (c->n_sessions == SESSIONS_MAX)
		return -EMFILE;
	s = session_new(c, kind, in, out);
	if (s == NULL)
		return -ENOMEM;
	c->sessions[c->n_sessions++] = s;
	return 0;
}

/* Not before the command file is done, which writes to the same place. */
static void open_stdin(struct console *c)
{
	bool tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	if (!c->opts->interactive || c->stdin_open)
		return;
	c->stdin_open = true;
	if (add_session(c, tty ? SESSION_TTY : SESSION_PIPE, STDIN_FILENO, STDOUT_FILENO) < 0)
		LOG(CONSOLE, ERR, "no memory for a session on standard input");
}

static void accept_all(struct console *c)
{
	static const char busy[] = "error: too many clients\n";
	int fd;

	while ((fd = console_accept(c)) >= 0) {
		if (add_session(c, SESSION_SOCKET, fd, fd) == 0)
			continue;
		if (write(fd, busy, sizeof(busy) - 1) < 0)
			LOG(CONSOLE, DEBUG, "a client too many went away");
		close(fd);
	}
	/* It waits in front of the door, which need not be looked at all the time. */
	c->no_descriptors = fd != -EAGAIN;
}

static void remove_done(struct console *c)
{
	for (unsigned i = 0; i < c->n_sessions; ) {
		if (session_done(c->sessions[i])) {
			session_free(c->sessions[i]);
			c->sessions[i] = c->sessions[--c->n_sessions];
		} else {
			i++;
		}
	}
}

/* What to look at for one session's input: whether its client goes while a command runs, too. */
static struct pollfd input_fd(const struct session *s)
{
	if (session_wants_input(s))
		return (struct pollfd){ .fd = s->in, .events = POLLIN };
	return (struct pollfd){ .fd = s->kind == SESSION_SOCKET && s->running && !s->gone ? s->in : -1 };
}

#define FDS_MAX (2 * SESSIONS_MAX + 3)

/* in, then out, of each session; the listener, finished commands and the stop descriptor last. */
static unsigned fill_fds(const struct console *c, struct pollfd fds[FDS_MAX], int *timeout_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_sessions; i++) {
		const struct session *s = c->sessions[i];

		fds[n++] = input_fd(s);
		fds[n++] = (struct pollfd){ .fd = session_wants_output(s) ? s->out : -1, .events = POLLOUT };
		if (session_wants_input(s) && session_has_line(s))
			*timeout_ms = 0;
	}
	if (c->no_descriptors)
		*timeout_ms = RTE_MIN(*timeout_ms, NO_DESCRIPTORS_MS);
	fds[n++] = (struct pollfd){ .fd = c->no_descriptors ? -1 : c->listen_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = c->done_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = c->stopped ? -1 : c->stop_fd, .events = POLLIN };
	return n;
}

static void serve_session(struct session *s, const struct pollfd *in, const struct pollfd *out)
{
	if (s->running) {
		session_finish(s);
		if (s->running && s->kind == SESSION_SOCKET && (in->revents & (POLLHUP | POLLERR)) != 0)
			session_gone(s);
	}
	if (out->revents != 0)
		session_write(s);
	if (session_wants_input(s) && (in->revents != 0 || session_has_line(s)))
		session_read(s);
}

/* Whatever is ready, waiting for it up to timeout_ms. */
static void serve(struct console *c, int timeout_ms)
{
	unsigned sessions = c->n_sessions, n;
	struct pollfd fds[FDS_MAX];
	uint64_t count;

	n = fill_fds(c, fds, &timeout_ms);
	if (poll(fds, n, timeout_ms) < 0)
		return;
	if (fds[2 * sessions + 1].revents != 0 && read(c->done_fd, &count, sizeof(count)) < 0)
		count = 0; /* looked at below anyway */
	for (unsigned i = 0; i < sessions && !console_quits(c); i++)
		serve_session(c->sessions[i], &fds[2 * i], &fds[2 * i + 1]);
	if (fds[2 * sessions].revents != 0 || c->no_descriptors)
		accept_all(c);
	if (fds[2 * sessions + 2].revents != 0)
		c->stopped = true;
	remove_done(c);
}

int console_poll(struct console *c, int timeout_ms)
{
	if (console_quits(c))
		return 1;
	open_stdin(c);
	serve(c, timeout_ms);
	return console_quits(c);
}

int console_run_file(struct console *c, const char *file)
{
	struct session *s = session_new(c, SESSION_FILE, -1, -1);
	int rc;

	if (s == NULL) {
		fprintf(stderr, "error: %s: no memory\n", file);
		return -ENOMEM;
	}
	session_run(s, file);
	while (s->running) {
		serve(c, FILE_POLL_MS);
		if (c->stopped)
			run_cancel(&s->run);
		session_finish(s);
	}
	rc = s->run.rc;
	if (rc < 0)
		fprintf(stderr, "error: %s\n", s->run.err.text);
	session_free(s);
	return rc;
}

/* ---- life ------------------------------------------------------------------------------ */
static int make_parser(struct console *c)
{
	int rc = command_table_make(&c->table, c);

	if (rc < 0)
		return rc;
	c->cl = cmdline_new(c->table.ctx, CONSOLE_PROMPT, -1, -1);
	return c->cl == NULL ? -ENOMEM : 0;
}

static int open_all(struct console *c)
{
	int rc;

	c->last = calloc(CONFIG_MAX_LCORES, sizeof(*c->last));
	rc = c->last == NULL ? -ENOMEM : capture_create(&c->capture, c->pl);
	if (rc < 0)
		return rc;
	c->view = (struct view_ctx){ .pl = c->pl, .capture = c->capture, .last = c->last };
	rc = make_parser(c);
	if (rc == 0) {
		c->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		rc = c->done_fd < 0 ? -errno : 0;
	}
	if (rc == 0)
		rc = console_listen(c);
	if (rc == 0)
		rc = telemetry_start(c->pl, c->capture);
	return rc;
}

int console_start(struct console **out, struct pipeline *pl, const struct options *opts, int stop_fd)
{
	struct console *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	*out = NULL;
	if (c != NULL) {
		c->pl = pl;
		c->opts = opts;
		c->stop_fd = stop_fd;
		c->listen_fd = c->done_fd = -1;
		pthread_mutex_init(&c->lock, NULL);
		pthread_cond_init(&c->next, NULL);
		rc = open_all(c);
	}
	if (rc < 0) {
		LOG(CONSOLE, ERR, "the console does not start: %s", strerror(-rc));
		console_stop(c);
		return rc;
	}
	*out = c;
	return 0;
}

/* Nobody waits for a device any more; what was said until now is still told. */
static void end_commands(struct console *c)
{
	console_quit(c);
	for (unsigned i = 0; i < c->n_sessions; i++)
		if (c->sessions[i]->running)
			run_cancel(&c->sessions[i]->run);
	for (unsigned i = 0; i < c->n_sessions; i++)
		while (c->sessions[i]->running) {
			struct pollfd fd = { .fd = c->done_fd, .events = POLLIN };
			uint64_t n;

			session_finish(c->sessions[i]);
			if (c->sessions[i]->running && poll(&fd, 1, FILE_POLL_MS) > 0 &&
			    read(c->done_fd, &n, sizeof(n)) < 0)
				break;
		}
}

/* What was answered last should still be read, by who reads at all. */
static void last_words(struct console *c)
{
	for (unsigned i = 0; i < c->n_sessions; i++) {
		struct session *s = c->sessions[i];

		for (unsigned ms = 0; session_wants_output(s) && ms < LAST_WORDS_MS; ms += 50) {
			struct pollfd fd = { .fd = s->out, .events = POLLOUT };

			(void)poll(&fd, 1, 50);
			session_write(s);
		}
	}
}

void console_stop(struct console *c)
{
	if (c == NULL)
		return;
	telemetry_stop();
	console_unlisten(c);
	end_commands(c);
	last_words(c);
	for (unsigned i = 0; i < c->n_sessions; i++)
		session_free(c->sessions[i]);
	capture_destroy(c->capture);
	if (c->done_fd >= 0)
		close(c->done_fd);
	if (c->cl != NULL)
		cmdline_free(c->cl);
	command_table_free(&c->table);
	free(c->last);
	pthread_cond_destroy(&c->next);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
