/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One user of the console. Input and output never block: what a descriptor
 * does not take waits here, and no further command is run until it is gone, nor before the one
 * that runs has ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmdline.h>

#include <rte_common.h>
#include <rte_lcore.h>

#include "app/smcgate/console/console_impl.h"

#define STACK_SIZE (1u << 20)
#define CTRL_C 3

/* A pipe that polls writable takes this much without blocking. */
#define CHUNK 4096

/* ---- output ------------------------------------------------------------------------ */
static void put(struct session *s, const char *data, size_t len)
{
	size_t need = s->pending_at + s->pending_len + len, size = RTE_MAX(s->pending_size, (size_t)1024);
	char *more;

	if (s->gone)
		return;
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
	memcpy(s->pending + s->pending_at + s->pending_len, data, len);
	s->pending_len += len;
}

static void put_prompt(struct session *s)
{
	put(s, CONSOLE_PROMPT, strlen(CONSOLE_PROMPT));
}

static ssize_t write_some(struct session *s)
{
	const char *data = s->pending + s->pending_at;

	if (s->kind == SESSION_SOCKET)
		return send(s->out, data, s->pending_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(s->out, data, RTE_MIN(s->pending_len, (size_t)CHUNK));
}

void session_write(struct session *s)
{
	struct pollfd fd = { .fd = s->out, .events = POLLOUT };

	while (s->pending_len > 0 && poll(&fd, 1, 0) > 0) {
		ssize_t n = write_some(s);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			session_gone(s);
			return;
		}
		s->pending_len -= (size_t)n;
		s->pending_at = s->pending_len > 0 ? s->pending_at + (size_t)n : 0;
	}
}

bool session_wants_output(const struct session *s)
{
	return s->pending_len > 0;
}

bool session_has_line(const struct session *s)
{
	if (s->kind == SESSION_TTY)
		return s->line_len > 0 && !s->running;
	return memchr(s->line, '\n', s->line_len) != NULL;
}

bool session_wants_input(const struct session *s)
{
	/* At a terminal Ctrl-C is always heard. */
	if (s->running)
		return s->kind == SESSION_TTY && !s->ended;
	return !s->ended && s->pending_len == 0;
}

void session_gone(struct session *s)
{
	s->pending_len = s->pending_at = 0;
	s->ended = s->gone = true;
	if (s->running)
		run_cancel(&s->run);
}

/* ---- commands -------------------------------------------------------------------------- */
static int run_file(struct session *s)
{
	struct run *run = &s->run;

	run->given_file = run->slow_out = true;
	run->out = stdout;
	return console_load(run, s->command, s->c->opts->strict, &run->err);
}

static void tell_main(const struct session *s)
{
	uint64_t one = 1;

	while (write(s->c->done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* All is flushed. A command of a file has ended: what it said need not wait for the others. */
static void say_part(struct run *run)
{
	struct session *s = (struct session *)((char *)run - offsetof(struct session, run));
	char *more = NULL;

	pthread_mutex_lock(&s->said_lock);
	if (s->output_len > 0 && s->said_len + s->output_len <= OUTPUT_MAX)
		more = realloc(s->said, s->said_len + s->output_len);
	if (more != NULL) {
		memcpy(more + s->said_len, s->output, s->output_len);
		s->said = more;
		s->said_len += s->output_len;
		rewind(run->out);
	}
	pthread_mutex_unlock(&s->said_lock);
	/* Otherwise it comes at the end, with the rest. */
	if (more != NULL)
		tell_main(s);
}

static int run_line(struct session *s)
{
	FILE *out = open_memstream(&s->output, &s->output_len);
	int rc;

	if (out == NULL)
		return -ENOMEM;
	s->run.out = out;
	s->run.said = say_part;
	rc = console_run_line(&s->run, s->command);
	fclose(out);
	return rc;
}

static void *command_thread(void *arg)
{
	struct session *s = arg;
	int done_fd = s->c->done_fd;
	uint64_t one = 1;
	int rc;

	pipeline_wait_as(&s->run.waiter);
	rc = s->kind == SESSION_FILE ? run_file(s) : run_line(s);
	s->run.rc = rc;
	__atomic_store_n(&s->finished, true, __ATOMIC_RELEASE);
	/* The session is the main lcore's again. */
	while (write(done_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

/* What the thread has said so far. */
static void take_said(struct session *s)
{
	char *said;
	size_t len;

	pthread_mutex_lock(&s->said_lock);
	said = s->said;
	len = s->said_len;
	s->said = NULL;
	s->said_len = 0;
	pthread_mutex_unlock(&s->said_lock);
	if (said != NULL)
		put(s, said, len);
	free(said);
}

void session_run(struct session *s, const char *command)
{
	static const char no_memory[] = "error: no memory, or too many threads\n";
	pthread_attr_t attr;
	int rc = -ENOMEM;

	run_uncancel(&s->run);
	s->finished = false;
	s->run.rc = -ENOMEM;
	s->command = strdup(command);
	if (s->command != NULL && pthread_attr_init(&attr) == 0) {
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		/* Off the workers' cores. */
		rc = rte_ctrl_thread_create(&s->thread, "console-command", &attr, command_thread, s);
		pthread_attr_destroy(&attr);
	}
	s->running = rc == 0;
	if (rc == 0)
		return;
	free(s->command);
	s->command = NULL;
	put(s, no_memory, sizeof(no_memory) - 1);
}

/* At a terminal there are no others to be taken for an answer. */
static void put_prompt_after(struct session *s)
{
	if (s->kind != SESSION_TTY && s->kind != SESSION_FILE && !console_quits(s->c))
		put_prompt(s);
}

static void run_whole_line(struct session *s, const char *line)
{
	if (s->kind == SESSION_PIPE) {
		put(s, line, strlen(line));
		put(s, "\n", 1);
	}
	if (!console_is_blank(line))
		session_run(s, line);
	if (!s->running)
		put_prompt_after(s);
}

/* Octets that are no text come by mistake: 0, if there are none. */
static size_t bad_octet(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return i + 1;
	return 0;
}

static void take_line(struct session *s, size_t len)
{
	size_t bad = bad_octet(s->line, len);
	char text[80];

	if (bad == 0) {
		run_whole_line(s, s->line);
		return;
	}
	snprintf(text, sizeof(text), "error: octet %zu of the line is 0x%02x, which is no text\n", bad,
		 (unsigned char)s->line[bad - 1]);
	put(s, text, strlen(text));
	put_prompt_after(s);
}

/* Take one whole line out of what came and run it; false: there is none. */
static bool next_line(struct session *s)
{
	char *end = memchr(s->line, '\n', s->line_len);
	size_t used, len;

	if (end == NULL)
		return false;
	used = (size_t)(end - s->line) + 1;
	len = used - 1;
	if (len > 0 && s->line[len - 1] == '\r')
		len--;
	s->line[len] = '\0';
	if (!s->skipping)
		take_line(s, len);
	s->skipping = false;
	s->line_len -= used;
	memmove(s->line, s->line + used, s->line_len);
	return true;
}

static void run_lines(struct session *s)
{
	static const char too_long[] = "error: the line is too long: at most " RTE_STR(LINE_TEXT_MAX) " octets\n";

	while (!console_quits(s->c) && s->pending_len == 0 && !s->running && next_line(s))
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

/* Nobody is there any more, not even to read. */
static bool hung_up(const struct session *s)
{
	struct pollfd fd = { .fd = s->in };

	return s->kind == SESSION_SOCKET && poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR)) != 0;
}

/* The end of input: a last line without its end counts, unless its sender has died over it. */
static void end_of_lines(struct session *s)
{
	if (hung_up(s) && memchr(s->line, '\n', s->line_len) == NULL)
		s->line_len = 0;
	if (s->line_len > 0 && s->line_len < sizeof(s->line) - 1 && s->line[s->line_len - 1] != '\n')
		s->line[s->line_len++] = '\n';
	run_lines(s);
	if (s->running || memchr(s->line, '\n', s->line_len) != NULL)
		return; /* more once the output is written: the end is seen again */
	s->ended = true;
	if (s->kind == SESSION_PIPE) {
		put(s, "\n", 1);
		console_quit(s->c);
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
	if (!console_is_blank(line))
		session_run(s, line);
}

/* Names of services and the like: not while a command may be changing them. */
static int tty_complete(struct rdline *rdl, const char *buf, char *dst, unsigned size, int *state)
{
	struct session *s = rdline_get_opaque(rdl);
	int rc;

	if (!turn_try(s->c, &s->run))
		return 0;
	rc = cmdline_complete(s->c->cl, buf, state, dst, size);
	turn_give(s->c);
	return rc;
}

static void tty_line_done(struct session *s)
{
	const char *line = rdline_get_buffer(s->rdl), *last = rdline_get_history_item(s->rdl, 0);
	size_t len = strcspn(line, "\r\n");

	if (len > 0 && (last == NULL || strlen(last) != len || strncmp(line, last, len) != 0))
		rdline_add_history(s->rdl, line);
	if (!console_quits(s->c))
		rdline_newline(s->rdl, CONSOLE_PROMPT);
}

static void tty_end(struct session *s)
{
	put(s, "\n", 1);
	s->ended = true;
	console_quit(s->c);
}

/* Keys that wait in s->line, until one of them begins a command. */
static void take_keys(struct session *s)
{
	size_t i = 0;

	while (i < s->line_len && !s->running && !s->ended && !console_quits(s->c)) {
		int rc = rdline_char_in(s->rdl, s->line[i++]);

		if (rc == RDLINE_RES_EOF || rc == RDLINE_RES_EXITED)
			tty_end(s);
		else if (rc == RDLINE_RES_VALIDATED && !s->running)
			tty_line_done(s);
	}
	s->line_len -= i;
	memmove(s->line, s->line + i, s->line_len);
}

/* Ctrl-C ends what the command waits for; other keys are for the next one. */
static void keys_meanwhile(struct session *s, const char *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i] == CTRL_C) {
			run_cancel(&s->run);
			s->line_len = 0;
		} else if (s->line_len < sizeof(s->line)) {
			s->line[s->line_len++] = keys[i];
		}
	}
}

static void read_keys(struct session *s)
{
	struct pollfd fd = { .fd = s->in, .events = POLLIN };
	char keys[64];
	ssize_t n = 0;

	if (poll(&fd, 1, 0) > 0) {
		n = read(s->in, keys, sizeof(keys));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			if (s->running)
				run_cancel(&s->run);
			tty_end(s);
			return;
		}
	}
	if (s->running) {
		keys_meanwhile(s, keys, (size_t)n);
		return;
	}
	for (ssize_t i = 0; i < n && s->line_len < sizeof(s->line); i++)
		s->line[s->line_len++] = keys[i];
	take_keys(s);
}

void session_read(struct session *s)
{
	if (s->kind == SESSION_TTY)
		read_keys(s);
	else
		read_lines(s);
	session_write(s);
}

void session_finish(struct session *s)
{
	bool finished;

	if (!s->running)
		return;
	finished = __atomic_load_n(&s->finished, __ATOMIC_ACQUIRE);
	take_said(s);
	if (!finished) {
		session_write(s);
		return;
	}
	pthread_join(s->thread, NULL);
	s->running = false;
	if (s->output != NULL)
		put(s, s->output, s->output_len);
	free(s->output);
	free(s->command);
	s->output = s->command = NULL;
	if (s->kind == SESSION_TTY)
		tty_line_done(s);
	put_prompt_after(s);
	if (s->kind != SESSION_FILE)
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
	if (run_init(&s->run, c) < 0) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->said_lock, NULL);
	s->c = c;
	s->kind = kind;
	s->in = in;
	s->out = out;
	if (kind == SESSION_TTY && tty_start(s) < 0) {
		s->kind = SESSION_PIPE;
		session_free(s);
		return NULL;
	}
	if (kind == SESSION_FILE)
		return s;
	if (kind != SESSION_TTY)
		put_prompt(s);
	session_write(s);
	return s;
}

void session_free(struct session *s)
{
	if (s->running) {
		run_cancel(&s->run);
		pthread_join(s->thread, NULL);
		free(s->output);
		free(s->command);
	}
	run_fini(&s->run);
	if (s->kind == SESSION_TTY)
		tcsetattr(s->in, TCSANOW, &s->saved);
	if (s->rdl != NULL)
		rdline_free(s->rdl);
	if (s->kind == SESSION_SOCKET)
		close(s->in);
	pthread_mutex_destroy(&s->said_lock);
	free(s->said);
	free(s->pending);
	free(s);
}
