/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines and files of lines, and whose turn it is to run one. Any thread of a session. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/smcgate/console/console_impl.h"

/* ---- turns ------------------------------------------------------------------------ */
/* First come, first served: a long file of commands holds up others by a line at a time. */
void turn_take(struct console *c, struct run *run)
{
	uint64_t mine;

	pthread_mutex_lock(&c->lock);
	mine = c->tickets++;
	while (c->serving != mine)
		pthread_cond_wait(&c->next, &c->lock);
	c->running = run;
	pthread_mutex_unlock(&c->lock);
}

void turn_give(struct console *c)
{
	pthread_mutex_lock(&c->lock);
	c->running = NULL;
	c->serving++;
	pthread_cond_broadcast(&c->next);
	pthread_mutex_unlock(&c->lock);
}

bool turn_try(struct console *c, struct run *run)
{
	bool free;

	pthread_mutex_lock(&c->lock);
	free = c->serving == c->tickets;
	if (free) {
		c->tickets++;
		c->running = run;
	}
	pthread_mutex_unlock(&c->lock);
	return free;
}

/* A command waits for a device. */
static void wait_begin(void *arg)
{
	struct run *run = arg;

	turn_give(run->c);
}

static void wait_end(void *arg)
{
	struct run *run = arg;

	turn_take(run->c, run);
}

/* ---- life, cancelling --------------------------------------------------------------- */
int run_init(struct run *run, struct console *c)
{
	memset(run, 0, sizeof(*run));
	run->c = c;
	run->cancel_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	run->waiter = (struct pipeline_waiter){ .cancel_fd = run->cancel_fd, .begin = wait_begin,
						.end = wait_end, .arg = run };
	return run->cancel_fd < 0 ? -errno : 0;
}

void run_fini(struct run *run)
{
	if (run->cancel_fd >= 0)
		close(run->cancel_fd);
	run->cancel_fd = -1;
}

void run_cancel(struct run *run)
{
	uint64_t one = 1;

	if (write(run->cancel_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is readable */
}

void run_uncancel(struct run *run)
{
	uint64_t n;

	if (read(run->cancel_fd, &n, sizeof(n)) < 0)
		return; /* nobody had cancelled */
}

bool run_cancelled(const struct run *run)
{
	struct pollfd fd = { .fd = run->cancel_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* ---- lines ---------------------------------------------------------------------------- */
bool console_is_blank(const char *line)
{
	line += strspn(line, " \t\r\n");
	return *line == '\0' || *line == '#';
}

static int run_parsed(struct run *run, const char *line)
{
	struct console *c = run->c;
	char buf[LINE_MAX_LEN + 2];
	int n, rc;

	/* librte_cmdline wants the line's end. */
	n = snprintf(buf, sizeof(buf), "%.*s\n", (int)strcspn(line, "\r\n"), line);
	if (n < 0 || (size_t)n >= sizeof(buf))
		return view_fail(&run->err, -EINVAL, "the line is too long: at most " RTE_STR(LINE_TEXT_MAX) " octets");
	run->rc = 0;
	rc = cmdline_parse(c->cl, buf);
	if (rc < 0) {
		command_explain(&c->table, line, rc, &run->err);
		return -EINVAL;
	}
	return run->rc;
}

/* Words of the line are in it, whatever they consist of. */
static void tell_error(struct run *run, int rc)
{
	const char *text = run->err.text[0] != '\0' ? run->err.text : strerror(-rc);

	fputs("error: ", run->out);
	for (; *text != '\0'; text++)
		fputc(*text >= ' ' && *text < 0x7f ? *text : '?', run->out);
	fputc('\n', run->out);
}

static int run_in_turn(struct run *run, const char *line)
{
	int rc;

	run->err.text[0] = '\0';
	turn_take(run->c, run);
	rc = run_parsed(run, line);
	turn_give(run->c);
	if (rc < 0)
		tell_error(run, rc);
	return rc;
}

int console_run_line(struct run *run, const char *line)
{
	FILE *out = run->out;
	char *text = NULL;
	size_t len = 0;
	int rc;

	if (console_is_blank(line))
		return 0;
	if (!run->slow_out)
		return run_in_turn(run, line);
	run->out = open_memstream(&text, &len);
	if (run->out == NULL) {
		run->out = out;
		return -ENOMEM;
	}
	rc = run_in_turn(run, line);
	fclose(run->out);
	run->out = out;
	fwrite(text, 1, len, out);
	free(text);
	return rc;
}

/* ---- files ------------------------------------------------------------------------------ */
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
static FILE *open_commands(struct run *run, const char *file, struct view_error *err)
{
	bool given = run->given_file;
	FILE *f;

	run->given_file = false;
	if (!given)
		return console_open_file(file, err);
	f = fopen(file, "re");
	if (f == NULL)
		view_failed(err, -errno, "%s", file);
	return f;
}

static void say(struct run *run)
{
	fflush(run->out);
	if (run->said != NULL)
		run->said(run);
}

int console_load(struct run *run, const char *file, bool strict, struct view_error *err)
{
	char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	int rc = 0;
	FILE *f;

	if (run->load_depth >= LOAD_DEPTH_MAX)
		return view_fail(err, -ELOOP, "%s: files load one another, at most %d deep", file,
				 LOAD_DEPTH_MAX);
	f = open_commands(run, file, err);
	if (f == NULL)
		return -EINVAL;
	run->load_depth++;
	while (!console_quits(run->c) && getline(&line, &size, f) >= 0) {
		number++;
		fprintf(run->out, "%s%.*s\n", CONSOLE_PROMPT, (int)strcspn(line, "\r\n"), line);
		say(run); /* which one others wait for */
		rc = console_run_line(run, line);
		say(run);
		if (run_cancelled(run))
			rc = -ECANCELED;
		if (rc < 0 && (strict || rc == -ECANCELED))
			break;
		rc = 0;
	}
	run->load_depth--;
	free(line);
	fclose(f);
	return rc < 0 ? view_fail(err, -ECANCELED, "%s: line %u failed", file, number) : 0;
}
