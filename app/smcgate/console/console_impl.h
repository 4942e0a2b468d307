/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console's inside: shared by the files of this directory.
 *
 * The main lcore reads and writes what sessions say and never waits for a command: each runs on
 * a thread of its session's own. Commands have turns, one at a time, so that the console's data need
 * no other care; one that waits for a device gives its turn away meanwhile.
 */
#ifndef CONSOLE_CONSOLE_IMPL_H
#define CONSOLE_CONSOLE_IMPL_H

#include <pthread.h>
#include <termios.h>

#include <cmdline_rdline.h>

#include "app/smcgate/capture.h"
#include "app/smcgate/console/command.h"
#include "app/smcgate/console/console.h"

#define SESSIONS_MAX 128
#define LINE_MAX_LEN 8192             /* octets of a command line, end included */
#define LINE_TEXT_MAX 8191            /* without it */
#define OUTPUT_MAX (64u << 20)        /* octets waiting for a client that does not read */
#define LOAD_DEPTH_MAX 8              /* files that load files */

enum session_kind {
	SESSION_TTY,    /* a terminal: editing, completion, history */
	SESSION_PIPE,   /* standard input that is none: lines, echoed */
	SESSION_SOCKET, /* a client: lines, not echoed */
	SESSION_FILE,   /* the program's command file: output goes to standard output */
};

/* What runs lines; used by one thread at a time. */
struct run {
	struct console *c;
	FILE *out;
	bool slow_out;                /* writing to out may wait: not during a turn */
	void (*said)(struct run *run);/* out is flushed and may be taken and rewound: between a file's commands; NULL */
	int rc;                       /* of the last line, as is err */
	struct view_error err;
	unsigned load_depth;
	bool given_file;              /* the file to load was given to the program: it may be a pipe */
	int cancel_fd;                /* eventfd: readable when the command shall stop waiting */
	struct pipeline_waiter waiter;/* gives the turn away */
};

struct session {
	struct console *c;
	enum session_kind kind;
	int in, out;
	bool ended;                   /* no more input; closed once its output is gone */
	bool gone;                    /* nobody is there to read an answer */
	bool skipping;                /* the rest of a line that was too long */
	char *pending;                /* output not written yet: from pending_at on */
	size_t pending_at, pending_len, pending_size;
	char line[LINE_MAX_LEN];      /* input not yet a whole line; keys typed while a command runs */
	size_t line_len;
	struct rdline *rdl;           /* SESSION_TTY */
	struct termios saved;
	/* the command that runs: the thread's until finished is set */
	bool running;
	bool finished;                /* atomic; c->done_fd is written after it */
	pthread_t thread;
	char *command;                /* SESSION_FILE: the file */
	char *output;                 /* not said yet */
	size_t output_len;
	pthread_mutex_t said_lock;
	char *said;                   /* of a file's commands that have ended: the main lcore takes it */
	size_t said_len;
	struct run run;
};

struct console {
	struct pipeline *pl;
	const struct options *opts;
	int stop_fd;
	int done_fd;                  /* eventfd: a command has finished, or said something */
	bool stopped;                 /* stop_fd was seen */
	bool quit;                    /* atomic */
	struct session *sessions[SESSIONS_MAX];
	unsigned n_sessions;
	bool no_descriptors;          /* for another client, the last time */
	int listen_fd;
	char path[CONFIG_PATH_LEN];   /* of the socket */
	uint64_t dev, ino;            /* of the socket we made */
	bool stdin_open;
	/* turns, in the order they are asked for */
	pthread_mutex_t lock;
	pthread_cond_t next;
	uint64_t tickets, serving;
	/* whose turn it is, and the rest is his */
	struct run *running;
	struct capture *capture;
	struct view_ctx view;
	struct view_lcore_last *last;  /* CONFIG_MAX_LCORES, for view */
	struct command_table table;
	struct cmdline *cl;           /* only parses and completes */
};

/* ---- run.c ---------------------------------------------------------------------- */
/* 0 or a negative errno; run_fini() in any case. */
int run_init(struct run *run, struct console *c);
void run_fini(struct run *run);
/* What it waits for ends, now and until its next command. Any thread. */
void run_cancel(struct run *run);
void run_uncancel(struct run *run);
bool run_cancelled(const struct run *run);
void turn_take(struct console *c, struct run *run);
void turn_give(struct console *c);
/* False: it is another's. */
bool turn_try(struct console *c, struct run *run);
/*
 * Run one line, with or without its end, when it is its turn; its output and, should it fail, a line
 * "error: ..." go to run->out. 0 or a negative errno.
 */
int console_run_line(struct run *run, const char *line);
/* A line without a command. */
bool console_is_blank(const char *line);
/* A regular file for reading: anything else might make us wait. NULL: see err. */
FILE *console_open_file(const char *file, struct view_error *err);
/* Run the lines of a file, each echoed to run->out after the prompt. strict: the
 * first that fails ends it with -ECANCELED; so does a cancellation. Without a turn. */
int console_load(struct run *run, const char *file, bool strict, struct view_error *err);

/* ---- console.c ------------------------------------------------------------------ */
static inline bool console_quits(const struct console *c) { return __atomic_load_n(&c->quit, __ATOMIC_ACQUIRE); }
static inline void console_quit(struct console *c) { __atomic_store_n(&c->quit, true, __ATOMIC_RELEASE); }

/* ---- session.c ------------------------------------------------------------------ */
/* Takes the descriptors of a socket's client; those of standard input stay
 * open. NULL: no memory. */
struct session *session_new(struct console *c, enum session_kind kind, int in, int out);
/* Cancels and awaits its command. */
void session_free(struct session *s);
/* There is input, or the end of it. */
void session_read(struct session *s);
/* The client has gone: what it waits for is cancelled. */
void session_gone(struct session *s);
/* What its command has said so far is written; if it has finished, the next one runs. */
void session_finish(struct session *s);
/* Run a command (SESSION_FILE: a file) on a thread of its own. */
void session_run(struct session *s, const char *command);
/* Write what the descriptor takes. */
void session_write(struct session *s);
/* poll()'s events for in (POLLIN) and out (POLLOUT). */
bool session_wants_input(const struct session *s);
bool session_wants_output(const struct session *s);
/* A line waits that came before the output was gone: session_read() runs it. */
bool session_has_line(const struct session *s);
static inline bool session_done(const struct session *s)
{
	return s->ended && s->pending_len == 0 && !s->running;
}

/* ---- socket.c ------------------------------------------------------------------- */
int console_listen(struct console *c);
void console_unlisten(struct console *c);
/* A client, or -EAGAIN. */
int console_accept(struct console *c);

#endif
