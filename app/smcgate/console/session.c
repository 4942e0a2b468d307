/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One user of the console. Input and output never block: what a descriptor
 * does not take waits here, and no further command is run until it is gone.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmdline.h>

#include <rte_common.h>

#include "app/smcgate/console/console_impl.h"

/* A pipe that polls writable takes this much without blocking. */
#define CHUNK 4096

/* ---- output ------------------------------------------------------------------------ */
static void put(struct session *s, const char *data, size_t len)
{
	size_t need = s->pending_len + len, size = RTE_MAX(s->pending_size, (size_t)1024);
	char *more;

	if (need > OUTPUT_MAX) {
		s->ended = true;
		return;
	}
	while (size < need)
		size *= 2;
	if (size != s->pending_size) {
		more = realloc(s->pending, size);
		if (more == NULL) {
			s->ended = true;
			return;
		}
		s->pending = more;
		s->pending_size = size;
	}
	memcpy(s->pending + s->pending_len, data, len);
	s->pending_len += len;
}

static void put_prompt(struct session *s)
{
	put(s, CONSOLE_PROMPT, strlen(CONSOLE_PROMPT));
}

static ssize_t write_some(struct session *s)
{
	if (s->kind == SESSION_SOCKET)
		return send(s->out, s->pending, s->pending_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(s->out, s->pending, RTE_MIN(s->pending_len, (size_t)CHUNK));
}

void session_write(struct session *s)
{
	struct pollfd fd = { .fd = s->out, .events = POLLOUT };

	while (s->pending_len > 0 && poll(&fd, 1, 0) > 0) {
		ssize_t n = write_some(s);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			s->pending_len = 0;
			s->ended = true;
			return;
		}
		s->pending_len -= (size_t)n;
		memmove(s->pending, s->pending + n, s->pending_len);
	}
}

bool session_wants_output(const struct session *s)
{
	return s->pending_len > 0;
}

bool session_has_line(const struct session *s)
{
	return s->kind != SESSION_TTY && memchr(s->line, '\n', s->line_len) != NULL;
}

bool session_wants_input(const struct session *s)
{
	return !s->ended && s->pending_len == 0;
}

/* ---- commands -------------------------------------------------------------------------- */
static void run(struct session *s, const char *line)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	(void)console_run_line(s->c, s, line, out);
	fclose(out);
	put(s, text, len);
	free(text);
}

static void run_whole_line(struct session *s)
{
	if (s->kind == SESSION_PIPE) {
		put(s, s->line, strlen(s->line));
		put(s, "\n", 1);
	}
	run(s, s->line);
	if (!s->c->quit)
		put_prompt(s);
}

/* Take one whole line out of what came and run it; false: there is none. */
static bool next_line(struct session *s)
{
	char *end = memchr(s->line, '\n', s->line_len);
	size_t used;

	if (end == NULL || (s->c->aside && !console_only_shows(s->line)))
		return false;
	used = (size_t)(end - s->line) + 1;
	*end = '\0';
	if (end > s->line && end[-1] == '\r')
		end[-1] = '\0';
	if (!s->skipping)
		run_whole_line(s);
	s->skipping = false;
	s->line_len -= used;
	memmove(s->line, s->line + used, s->line_len);
	return true;
}

static void run_lines(struct session *s)
{
	static const char too_long[] = "error: the line is too long\n";

	while (!s->c->quit && s->pending_len == 0 && next_line(s))
		session_write(s);
	if (s->line_len < sizeof(s->line) - 1 || memchr(s->line, '\n', s->line_len) != NULL)
		return;
	if (!s->skipping) {
		put(s, too_long, sizeof(too_long) - 1);
		put_prompt(s);
	}
	s->skipping = true;
	s->line_len = 0;
}

/* The end of input: a last line without its end counts. */
static void end_of_lines(struct session *s)
{
	if (s->line_len > 0 && s->line_len < sizeof(s->line) - 1 && s->line[s->line_len - 1] != '\n')
		s->line[s->line_len++] = '\n';
	run_lines(s);
	if (memchr(s->line, '\n', s->line_len) != NULL)
		return; /* more once the output is written: the end is seen again */
	s->ended = true;
	if (s->kind == SESSION_PIPE) {
		put(s, "\n", 1);
		s->c->quit = true;
	}
}

static void read_lines(struct session *s)
{
	ssize_t n = 0;

	if (memchr(s->line, '\n', s->line_len) == NULL) {
		n = read(s->in, s->line + s->line_len, sizeof(s->line) - 1 - s->line_len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end_of_lines(s);
			return;
		}
		s->line_len += (size_t)n;
	}
	run_lines(s);
}

/* ---- a terminal ------------------------------------------------------------------------ */
static int tty_put(struct rdline *rdl, char ch)
{
	put(rdline_get_opaque(rdl), &ch, 1);
	return 1;
}

static void tty_validate(struct rdline *rdl, const char *line, unsigned size)
{
	struct session *s = rdline_get_opaque(rdl);

	session_write(s);
	run(s, line);
}

static int tty_complete(struct rdline *rdl, const char *buf, char *dst, unsigned size, int *state)
{
	struct session *s = rdline_get_opaque(rdl);

	return cmdline_complete(s->c->cl, buf, state, dst, size);
}

static void tty_line_done(struct session *s)
{
	const char *line = rdline_get_buffer(s->rdl), *last = rdline_get_history_item(s->rdl, 0);
	size_t len = strcspn(line, "\r\n");

	if (len > 0 && (last == NULL || strlen(last) != len || strncmp(line, last, len) != 0))
		rdline_add_history(s->rdl, line);
	if (!s->c->quit)
		rdline_newline(s->rdl, CONSOLE_PROMPT);
}

static void read_keys(struct session *s)
{
	char keys[64];
	ssize_t n = read(s->in, keys, sizeof(keys));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	for (ssize_t i = 0; i < n && !s->c->quit && !s->ended; i++) {
		int rc = rdline_char_in(s->rdl, keys[i]);

		if (rc == RDLINE_RES_VALIDATED)
			tty_line_done(s);
		else if (rc == RDLINE_RES_EOF || rc == RDLINE_RES_EXITED)
			n = 0;
	}
	if (n <= 0) {
		put(s, "\n", 1);
		s->ended = true;
		s->c->quit = true;
	}
}

void session_read(struct session *s)
{
	if (s->kind == SESSION_TTY)
		read_keys(s);
	else
		read_lines(s);
	session_write(s);
}

/* ---- life ---------------------------------------------------------------------------------- */
/* As librte_cmdline does for standard input: keys one by one, not echoed. */
static int tty_start(struct session *s)
{
	struct termios t;

	s->rdl = rdline_new(tty_put, tty_validate, tty_complete, s);
	if (s->rdl == NULL || tcgetattr(s->in, &s->saved) < 0)
		return -ENOMEM;
	t = s->saved;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(s->in, TCSANOW, &t);
	rdline_newline(s->rdl, CONSOLE_PROMPT);
	return 0;
}

struct session *session_new(struct console *c, enum session_kind kind, int in, int out)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->c = c;
	s->kind = kind;
	s->in = in;
	s->out = out;
	if (kind == SESSION_TTY && tty_start(s) < 0) {
		s->kind = SESSION_PIPE;
		session_free(s);
		return NULL;
	}
	if (kind != SESSION_TTY)
		put_prompt(s);
	session_write(s);
	return s;
}

void session_free(struct session *s)
{
	if (s->kind == SESSION_TTY)
		tcsetattr(s->in, TCSANOW, &s->saved);
	if (s->rdl != NULL)
		rdline_free(s->rdl);
	if (s->kind == SESSION_SOCKET)
		close(s->in);
	free(s->pending);
	free(s);
}
