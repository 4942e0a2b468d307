/* SPDX-License-Identifier: BSD-3-Clause */
/* The console's inside: shared by the files of this directory. */
#ifndef CONSOLE_CONSOLE_IMPL_H
#define CONSOLE_CONSOLE_IMPL_H

#include <termios.h>

#include <cmdline_rdline.h>

#include "app/smcgate/capture.h"
#include "app/smcgate/console/command.h"
#include "app/smcgate/console/console.h"

#define SESSIONS_MAX 16
#define LINE_MAX_LEN 8192             /* octets of a command line, end included */
#define OUTPUT_MAX (64u << 20)        /* octets waiting for a client that does not read */
#define LOAD_DEPTH_MAX 8              /* files that load files */

enum session_kind {
	SESSION_TTY,    /* a terminal: editing, completion, history */
	SESSION_PIPE,   /* standard input that is none: lines, echoed */
	SESSION_SOCKET, /* a client: lines, not echoed */
};

struct session {
	struct console *c;
	enum session_kind kind;
	int in, out;
	bool ended;                   /* no more input; closed once its output is gone */
	bool skipping;                /* the rest of a line that was too long */
	char *pending;                /* output not written yet */
	size_t pending_len, pending_size;
	char line[LINE_MAX_LEN];      /* input not yet a whole line */
	size_t line_len;
	struct rdline *rdl;           /* SESSION_TTY */
	struct termios saved;
};

struct console {
	struct pipeline *pl;
	const struct options *opts;
	struct capture *capture;
	struct view_ctx view;
	struct view_lcore_last *last;  /* CONFIG_MAX_LCORES, for view */
	struct command_table table;
	struct cmdline *cl;           /* only parses and completes */
	int stop_fd;
	int cancel_fd;                /* eventfd: Ctrl-C */
	int epfd;                     /* readable when the running command shall stop waiting */
	struct session *sessions[SESSIONS_MAX];
	unsigned n_sessions;
	unsigned n_settled;           /* the first of them, which console_poll() is going through */
	int listen_fd;
	char path[CONFIG_PATH_LEN];   /* of the socket */
	uint64_t dev, ino;            /* of the socket we made */
	bool quit;
	const struct session *running; /* whose command it is; NULL: nobody's */
	bool aside;                   /* it waits, and others' looks are run in the middle of it */
	/* the command that runs */
	FILE *out;
	int rc;
	struct view_error err;
	unsigned load_depth;
	bool cmdline_file;            /* the file to open was given to the program: it may be a pipe */
	bool stdin_open;
};

/* ---- console.c ------------------------------------------------------------------ */
/*
 * Run one line, with or without its end; its output and, should it fail, a line
 * "error: ..." go to out. s: whose it is, NULL: a file's. 0 or a negative errno.
 */
int console_run_line(struct console *c, struct session *s, const char *line, FILE *out);
/* A line that changes nothing and may run while another command waits. */
bool console_only_shows(const char *line);
/* A regular file for reading: anything else might make us wait. NULL: see err. */
FILE *console_open_file(const char *file, struct view_error *err);
/* Run the lines of a file, each echoed to out after the prompt. strict: the
 * first that fails ends it with -ECANCELED; so does a cancellation. */
int console_load(struct console *c, const char *file, bool strict, FILE *out, struct view_error *err);

/* ---- session.c ------------------------------------------------------------------ */
/* Takes the descriptors of a socket's client; those of standard input stay
 * open. NULL: no memory. */
struct session *session_new(struct console *c, enum session_kind kind, int in, int out);
void session_free(struct session *s);
/* There is input, or the end of it. */
void session_read(struct session *s);
/* Write what the descriptor takes. */
void session_write(struct session *s);
/* poll()'s events for in (POLLIN) and out (POLLOUT). */
bool session_wants_input(const struct session *s);
bool session_wants_output(const struct session *s);
/* A line waits that came before the output was gone: session_read() runs it. */
bool session_has_line(const struct session *s);
static inline bool session_done(const struct session *s) { return s->ended && s->pending_len == 0; }

/* ---- cancel.c ------------------------------------------------------------------- */
int cancel_open(struct console *c);
void cancel_close(struct console *c);
/* Around a command of a session (NULL: of a file). */
void cancel_arm(struct console *c, const struct session *s);
void cancel_disarm(struct console *c, const struct session *s);

/* ---- socket.c ------------------------------------------------------------------- */
int console_listen(struct console *c);
void console_unlisten(struct console *c);
/* A client, or -EAGAIN. */
int console_accept(struct console *c);

#endif
