/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console: commands from a terminal or pipe on standard input, from
 * clients of a Unix socket and from files; and with it telemetry, which shows
 * the same views. All calls on the main lcore, from one thread; one console a
 * program.
 *
 *	console_start(&con, pl, &opts, stop_fd);
 *	if (opts.cmdline_file != NULL && console_run_file(con, opts.cmdline_file) < 0)
 *		status = EXIT_FAILURE, stop = true;
 *	while (!stop && console_poll(con, 200) == 0)
 *		;
 *	console_stop(con);
 *
 * The terminal and each client have commands of their own: who waits for a port's device holds up
 * nobody else, whatever they want. Each one's commands run in their order.
 *
 * A wait inside a command ends early when Ctrl-C is typed at the terminal or
 * the client of the socket has gone.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "app/smcgate/options.h"
#include "app/smcgate/pipeline/pipeline.h"

#define CONSOLE_PROMPT "smcgate> "
#define CONSOLE_SOCKET_NAME "smcgate.console" /* in EAL's run directory, when the configuration names none */

struct console;

/*
 * Open the socket and, with opts->interactive, standard input; make telemetry
 * answer. pl and opts must outlive the console. stop_fd (-1: none) becomes
 * readable when the program shall end: that ends console_poll()'s and
 * console_run_file()'s waiting; commands' end with console_stop().
 * What is wrong is logged. 0, or a negative errno with nothing left behind:
 * -EADDRINUSE when a living process serves the socket, -EEXIST when its path is
 * something else than a socket.
 */
int console_start(struct console **out, struct pipeline *pl, const struct options *opts, int stop_fd);

/*
 * Run the commands of a file, echoing each to standard output. With
 * opts->strict the first that fails ends it and -ECANCELED is returned;
 * otherwise 0, or a negative errno when the file cannot be read (said on
 * standard error).
 */
int console_run_file(struct console *c, const char *file);

/*
 * Serve what is ready, waiting up to timeout_ms for it; a signal or stop_fd ends
 * the wait.
 * Returns 1 when the program shall end ("quit", or the end of standard input
 * in interactive mode), else 0.
 */
int console_poll(struct console *c, int timeout_ms);

/* End sessions, whose commands stop waiting, captures and telemetry's answers; remove the socket. Before
 * pipeline_stop(). NULL is allowed. */
void console_stop(struct console *c);

#endif
