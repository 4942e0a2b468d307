/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What can be looked at. A view is one function that asks the pipelines and
 * ports and makes a JSON value; the console renders that value as text
 * (view_render()), telemetry turns the same value into its own data, so the
 * two cannot disagree.
 *
 * Shape of a view's JSON: an object of scalars, arrays of scalars, objects of
 * the same shape, and arrays of objects. Keys are letters, digits and '_'. An
 * array of objects is a table; its rows have the same keys unless the view's
 * layout is VIEW_BLOCKS.
 *
 * Views are built on the main lcore or on a thread of telemetry's, never on a
 * worker; one view_ctx is used by one thread at a time.
 */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "app/smcgate/pipeline/pipeline.h"

#define VIEW_ARGS_MAX 5

struct capture;

/* What an argument of a view or a command may be: decides completion and how
 * the rest of the line is cut. */
enum view_arg_kind {
	VIEW_ARG_NONE,
	VIEW_ARG_PORT,      /* a port's number or name */
	VIEW_ARG_PORTS,     /* the same, or "all" */
	VIEW_ARG_LCORE,     /* a worker, by EAL's number */
	VIEW_ARG_SERVICE,   /* name of a running service */
	VIEW_ARG_WORD,      /* any word */
	VIEW_ARG_CHOICE,    /* one of a list */
	VIEW_ARG_REST,      /* the rest of the line, the last argument only */
};

struct view_arg {
	enum view_arg_kind kind;
	const char *name;   /* as the usage shows it: "N|all" */
	bool optional;      /* and then all that follow are */
	/* VIEW_ARG_CHOICE: one of these, see view_choice(). */
	const char *const *choices; /* NULL-terminated, or */
	const struct cfg_enum *names;
};

/* One worker's counters at earlier looks, for figures over the time since.
 * Two, so that looks in quick succession still show a useful interval. */
struct view_lcore_last {
	struct pipeline_lcore_stats base, recent; /* all 0: the worker's start */
};

struct view_ctx {
	struct pipeline *pl;
	const struct capture *capture;  /* NULL: this program cannot capture */
	struct view_lcore_last *last;   /* CONFIG_MAX_LCORES of them; NULL: figures since the start */
};

/* Why a view cannot be built, in words a person can act on. */
struct view_error {
	char text[2048];
};

/* argv: what was given of the view's arguments. 0 and a new reference in *out,
 * or a negative errno and err. */
typedef int (*view_build_fn)(const struct view_ctx *ctx, unsigned argc, const char *const *argv, json_t **out,
			     struct view_error *err);

enum view_layout {
	VIEW_TABLE,  /* arrays of objects as tables */
	VIEW_BLOCKS, /* arrays of objects one after the other, a line a key */
};

/* A column of a table; what a list of columns leaves out is only in JSON. */
struct view_column {
	const char *key, *heading;
};

struct view {
	const char *words;              /* "port stats": `show port stats`, /smcgate/port/stats; of ports
					 * that is `show port N stats` as well */
	struct view_arg args[VIEW_ARGS_MAX];
	view_build_fn build;
	enum view_layout layout;
	const struct view_column *columns; /* ended by a NULL key; NULL: the keys of the first row */
	const char *help;               /* one line */
};

/* All views: view_at(0), view_at(1), ... until NULL. */
const struct view *view_at(unsigned n);
/* By words; NULL: none. */
const struct view *view_find(const char *words);
/* Number of arguments, and of those that must be given. */
unsigned view_args(const struct view_arg *args, unsigned *required);

/* The i-th choice of a VIEW_ARG_CHOICE; NULL: no more. */
static inline const char *view_choice(const struct view_arg *arg, unsigned i)
{
	return arg->names != NULL ? arg->names[i].name : arg->choices[i];
}

/* Build with argc arguments after checking their number. */
int view_build(const struct view *v, const struct view_ctx *ctx, unsigned argc, const char *const *argv,
	       json_t **out, struct view_error *err);
/* Text of a view's JSON: no escape codes, nothing unprintable. */
void view_render(const struct view *v, json_t *j, FILE *out);

/* ---- arguments ------------------------------------------------------------------ */
/* A port by number or name, or "all" if allowed: indices *from..*to-1. */
int view_ports(struct pipeline *pl, const char *arg, bool all, unsigned *from, unsigned *to,
	       struct view_error *err);
/* view_failed() for what a call said of a port, or of services (PIPELINE_SERVICES): what keeps them busy is named. */
int view_port_failed(struct view_error *err, struct pipeline *pl, unsigned port, int rc, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* A worker by EAL's number: its index, or a negative errno and err. */
int view_worker(struct pipeline *pl, const char *arg, struct view_error *err);
/* A whole decimal number lo..hi; what names it in the error. */
int view_number(const char *arg, const char *what, uint64_t lo, uint64_t hi, uint64_t *out,
		struct view_error *err);

/* ---- errors ----------------------------------------------------------------------- */
/* Says it and returns rc. */
int view_fail(struct view_error *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What a call of the pipelines or ethdev returned, in words: "WHAT: ...". */
int view_failed(struct view_error *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- making JSON -------------------------------------------------------------------- */
/* Running out of memory leaves the key out. */
static inline void view_set_u64(json_t *o, const char *key,
				uint64_t v) { json_object_set_new(o, key, json_integer((json_int_t)v)); }
static inline void view_set_int(json_t *o, const char *key,
				int64_t v) { json_object_set_new(o, key, json_integer(v)); }
static inline void view_set_bool(json_t *o, const char *key,
				 bool v) { json_object_set_new(o, key, json_boolean(v)); }
/* Shown with one decimal. */
static inline void view_set_real(json_t *o, const char *key,
				 double v) { json_object_set_new(o, key, json_real(v)); }
/* What is not UTF-8 becomes '?'. */
void view_set_str(json_t *o, const char *key, const char *v);
/* v / by in percent and the like; 0 when by is 0. */
static inline double view_ratio(double v, double by) { return by > 0 ? v / by : 0; }

/* ---- what commands can take away ---------------------------------------------------------- */
/*
 * Telemetry looks at ports and services from its own threads while a command
 * may close or remove them: whoever calls rte_eth_*() for a port of ours or
 * uses pipeline_service_info.conf holds this, and so do those commands. Operations on ports wait
 * for it before they begin, and not with it for their device: pipeline_look_begin().
 */
void view_lock(void);
void view_unlock(void);

/* The tables of the files of this directory, each ended by NULL words. */
extern const struct view view_port[], view_rx_offload[], view_rss[], view_port_queue[], view_queue[], view_moderation[], view_lcore[], view_sock[], view_service[], view_net[],
	view_tcp[],
	view_drop[], view_memory[], view_config[], view_capture[], view_smc[], view_smc_stats[];

#endif
