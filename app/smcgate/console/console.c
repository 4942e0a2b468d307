/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/console/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/smcgate/console/console_impl.h"
#include "app/smcgate/telemetry.h"
#include "pmd/base/log.h"

#define LAST_WORDS_MS 500 /* for output still waiting at the end of the program */

/* ---- running lines ---------------------------------------------------------------- */
static bool is_blank(const char *line)
{
	line += strspn(line, " \t\r\n");
	return *line == '\0' || *line == '#';
}

static int run_parsed(struct console *c, const char *line)
{
	char buf[LINE_MAX_LEN + 2];
	int n, rc;

	/* librte_cmdline wants the line's end. */
	n = snprintf(buf, sizeof(buf), "%.*s\n", (int)strcspn(line, "\r\n"), line);
	if (n < 0 || (size_t)n >= sizeof(buf))
		return view_fail(&c->err, -EINVAL, "the line is too long");
	c->rc = 0;
	rc = cmdline_parse(c->cl, buf);
	if (rc < 0) {
		command_explain(&c->table, line, rc, &c->err);
		return -EINVAL;
	}
	return c->rc;
}

bool console_only_shows(const char *line)
{
	const char *asks;

	line += strspn(line, " \t");
	asks = strstr(line, "coal"); /* devices, and would have to wait itself */
	if (asks != NULL && asks < line + strcspn(line, "\n"))
		return false;
	return is_blank(line) || strncmp(line, "show ", 5) == 0;
}

/* In the middle of a command that waits: what it keeps in the console stays, and what
 * cancels it cancels this one, too. */
static int run_aside(struct console *c, const char *line)
{
	struct view_error err = c->err;
	int outer = c->rc, rc;

	c->err.text[0] = '\0';
	rc = run_parsed(c, line);
	if (rc < 0)
		fprintf(c->out, "error: %s\n", c->err.text[0] != '\0' ? c->err.text : strerror(-rc));
	c->err = err;
	c->rc = outer;
	return rc;
}

int console_run_line(struct console *c, struct session *s, const char *line, FILE *out)
{
	FILE *outer = c->out;
	int rc;

	if (is_blank(line))
		return 0;
	c->out = out;
	if (c->aside) {
		rc = run_aside(c, line);
		c->out = outer;
		return rc;
	}
	c->err.text[0] = '\0';
	if (c->load_depth == 0) {
		cancel_arm(c, s);
		c->running = s;
	}
	rc = run_parsed(c, line);
	if (c->load_depth == 0) {
		cancel_disarm(c, s);
		c->running = NULL;
	}
	if (rc < 0)
		fprintf(out, "error: %s\n", c->err.text[0] != '\0' ? c->err.text : strerror(-rc));
	c->out = outer;
	return rc;
}

FILE *console_open_file(const char *file, struct view_error *err)
{
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	FILE *f = NULL;

	if (fd < 0) {
		view_failed(err, -errno, "%s", file);
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		view_fail(err, 0, "%s: it is no regular file", file);
	else if ((f = fdopen(fd, "r")) == NULL)
		view_failed(err, -errno, "%s", file);
	if (f == NULL)
		close(fd);
	return f;
}

/* What the program was given may also be a pipe; "load" must not wait for one. */
static FILE *open_commands(struct console *c, const char *file, struct view_error *err)
{
	bool given = c->cmdline_file;
	FILE *f;

	c->cmdline_file = false;
	if (!given)
		return console_open_file(file, err);
	f = fopen(file, "re");
	if (f == NULL)
		view_failed(err, -errno, "%s", file);
	return f;
}

static bool cancelled(const struct console *c)
{
	struct pollfd fd = { .fd = c->epfd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

int console_load(struct console *c, const char *file, bool strict, FILE *out, struct view_error *err)
{
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	int rc = 0;
	FILE *f;

	if (c->load_depth >= LOAD_DEPTH_MAX)
		return view_fail(err, -ELOOP, "%s: files load one another, at most %d deep", file,
				 LOAD_DEPTH_MAX);
	f = open_commands(c, file, err);
	if (f == NULL)
		return -EINVAL;
	c->load_depth++;
	while (!c->quit && getline(&line, &size, f) >= 0) {
		number++;
		fprintf(out, "%s%.*s\n", CONSOLE_PROMPT, (int)strcspn(line, "\r\n"), line);
		rc = console_run_line(c, NULL, line, out);
		fflush(out);
		if (cancelled(c))
			rc = -ECANCELED;
		if (rc < 0 && (strict || rc == -ECANCELED))
			break;
		rc = 0;
	}
	c->load_depth--;
	free(line);
	fclose(f);
	return rc < 0 ? view_fail(err, -ECANCELED, "%s: line %u failed", file, number) : 0;
}

int console_run_file(struct console *c, const char *file)
{
	int rc;

	cancel_arm(c, NULL);
	c->cmdline_file = true;
	rc = console_load(c, file, c->opts->strict, stdout, &c->err);
	cancel_disarm(c, NULL);
	if (rc < 0)
		fprintf(stderr, "error: %s\n", c->err.text);
	return rc;
}

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
}

static void remove_done(struct console *c, unsigned from)
{
	for (unsigned i = from; i < c->n_sessions; ) {
		if (session_done(c->sessions[i])) {
			session_free(c->sessions[i]);
			c->sessions[i] = c->sessions[--c->n_sessions];
		} else {
			i++;
		}
	}
}

/* in, then out, of each session; the listener and the stop descriptor last. */
static unsigned fill_fds(const struct console *c, struct pollfd *fds, int *timeout_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_sessions; i++) {
		const struct session *s = c->sessions[i];

		fds[n++] = (struct pollfd){ .fd = session_wants_input(s) ? s->in : -1, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = session_wants_output(s) ? s->out : -1, .events = POLLOUT };
		if (session_wants_input(s) && session_has_line(s))
			*timeout_ms = 0;
	}
	fds[n++] = (struct pollfd){ .fd = c->listen_fd, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = c->stop_fd, .events = POLLIN };
	return n;
}

int console_poll(struct console *c, int timeout_ms)
{
	struct pollfd fds[2 * SESSIONS_MAX + 2];
	unsigned sessions, n;

	if (c->quit)
		return 1;
	open_stdin(c);
	sessions = c->n_settled = c->n_sessions;
	n = fill_fds(c, fds, &timeout_ms);
	if (poll(fds, n, timeout_ms) < 0)
		return 0;
	for (unsigned i = 0; i < sessions && !c->quit; i++) {
		struct session *s = c->sessions[i];

		if (fds[2 * i + 1].revents != 0)
			session_write(s);
		if (session_wants_input(s) && (fds[2 * i].revents != 0 || session_has_line(s)))
			session_read(s);
	}
	if (fds[2 * sessions].revents != 0)
		accept_all(c);
	remove_done(c, 0);
	return c->quit;
}

/* A command waits for a device, and calls this. Sessions that were there when it began stay in their
 * places. Terminals and pipes wait. */
static void serve_aside(void *arg)
{
	struct console *c = arg;
	unsigned sessions = c->n_sessions;

	if (c->aside)
		return;
	c->aside = true;
	for (unsigned i = 0; i < sessions; i++) {
		struct session *s = c->sessions[i];

		if (s == c->running || s->kind != SESSION_SOCKET)
			continue;
		if (session_wants_output(s))
			session_write(s);
		if (session_wants_input(s))
			session_read(s);
	}
	remove_done(c, c->n_settled);
	accept_all(c);
	c->aside = false;
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
	if (rc == 0)
		rc = cancel_open(c);
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
		c->listen_fd = c->epfd = c->cancel_fd = -1;
		rc = open_all(c);
	}
	if (rc < 0) {
		LOG(CONSOLE, ERR, "the console does not start: %s", strerror(-rc));
		console_stop(c);
		return rc;
	}
	pipeline_while_waiting(pl, serve_aside, c);
	*out = c;
	return 0;
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
	pipeline_while_waiting(c->pl, NULL, NULL);
	telemetry_stop();
	console_unlisten(c);
	last_words(c);
	for (unsigned i = 0; i < c->n_sessions; i++)
		session_free(c->sessions[i]);
	capture_destroy(c->capture);
	cancel_close(c);
	if (c->cl != NULL)
		cmdline_free(c->cl);
	command_table_free(&c->table);
	free(c->last);
	free(c);
}
