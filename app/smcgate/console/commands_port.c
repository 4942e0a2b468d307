/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: start, stop, close, reset, MTU, promiscuous mode, clearing counters. What waits for a
 * device does so without the views' lock: others go on looking. */
#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>

#include "app/smcgate/console/console_impl.h"

typedef int (*port_fn)(struct console *c, unsigned port, uint64_t arg);

static int with_lock(struct console *c, port_fn fn, unsigned port, uint64_t arg)
{
	int rc;

	view_lock();
	rc = fn(c, port, arg);
	view_unlock();
	return rc;
}

/* For one port or all; all goes on after one that is in that state already. waits: for the
 * device; else it is done in ethdev, under the views' lock. */
static int each_port(struct console *c, const char *which, port_fn fn, uint64_t arg, bool waits,
		     const char *what, struct view_error *err)
{
	unsigned from, to;
	int rc;

	rc = view_ports(c->pl, which, true, &from, &to, err);
	for (unsigned p = from; rc == 0 && p < to; p++) {
		rc = waits ? fn(c, p, arg) : with_lock(c, fn, p, arg);
		if (to - from > 1 && (rc == -EALREADY || rc == -ENODEV))
			rc = 0;
		if (rc == -EALREADY)
			view_fail(err, rc, "port %u: %s: it is so already", p, what);
		else if (rc == -ENODEV)
			view_fail(err, rc, "port %u: %s: it is closed", p, what);
		else if (rc == -ECANCELED)
			view_fail(err, rc, "port %u: %s: cancelled: the device may do it still", p, what);
		else if (rc < 0)
			view_failed(err, rc, "port %u: %s", p, what);
	}
	return rc;
}

static int start_one(struct console *c, unsigned port, uint64_t arg)
{
	return pipeline_port_start(c->pl, port);
}

static int stop_one(struct console *c, unsigned port, uint64_t arg)
{
	return pipeline_port_stop(c->pl, port);
}

static int close_one(struct console *c, unsigned port, uint64_t arg)
{
	return pipeline_port_close(c->pl, port);
}

static int reset_one(struct console *c, unsigned port, uint64_t arg)
{
	return pipeline_port_reset(c->pl, port);
}

static int mtu_one(struct console *c, unsigned port, uint64_t mtu)
{
	return pipeline_port_mtu(c->pl, port, (uint16_t)mtu);
}

static int promisc_one(struct console *c, unsigned port, uint64_t on)
{
	return pipeline_port_promiscuous(c->pl, port, on != 0);
}

static int ethdev_of(struct console *c, unsigned port, uint16_t *id)
{
	struct pipeline_port_info info;
	int rc = pipeline_port_info(c->pl, port, &info);

	if (rc == 0 && info.state >= PORT_CLOSED)
		rc = info.state == PORT_BUSY ? -EAGAIN : -ENODEV;
	*id = info.id;
	return rc;
}

static int clear_stats_one(struct console *c, unsigned port, uint64_t arg)
{
	uint16_t id;
	int rc = ethdev_of(c, port, &id);

	return rc < 0 ? rc : rte_eth_stats_reset(id);
}

static int clear_xstats_one(struct console *c, unsigned port, uint64_t arg)
{
	uint16_t id;
	int rc = ethdev_of(c, port, &id);

	return rc < 0 ? rc : rte_eth_xstats_reset(id);
}

/* Callbacks of a capture would hang on a port that is gone. */
static int refuse_captured(struct console *c, const char *which, struct view_error *err)
{
	unsigned from, to;
	int rc = view_ports(c->pl, which, true, &from, &to, err);

	for (unsigned p = from; rc == 0 && p < to; p++)
		if (capture_uses(c->capture, p))
			rc = view_fail(err, -EBUSY, "port %u: packets are captured on it: capture stop first",
				       p);
	return rc;
}

static int run_start(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	return each_port(c, argv[0], start_one, 0, true, "start", err);
}

static int run_stop(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	return each_port(c, argv[0], stop_one, 0, true, "stop", err);
}

static int run_close(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	int rc = refuse_captured(c, argv[0], err);

	return rc < 0 ? rc : each_port(c, argv[0], close_one, 0, true, "close", err);
}

static int run_reset(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	int rc = refuse_captured(c, argv[0], err);

	return rc < 0 ? rc : each_port(c, argv[0], reset_one, 0, true, "reset", err);
}

static int run_mtu(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		   struct view_error *err)
{
	uint64_t mtu;
	int rc;

	rc = view_number(argv[1], "mtu", 576, 9216, &mtu, err);
	return rc < 0 ? rc : each_port(c, argv[0], mtu_one, mtu, true, "config mtu", err);
}

static int run_promisc(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		       struct view_error *err)
{
	return each_port(c, argv[0], promisc_one, strcmp(argv[1], "on") == 0, true, "promiscuous mode", err);
}

static int run_clear_stats(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	return each_port(c, argv[0], clear_stats_one, 0, false, "clear stats", err);
}

static int run_clear_xstats(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			    struct view_error *err)
{
	return each_port(c, argv[0], clear_xstats_one, 0, false, "clear xstats", err);
}

static const char *const on_off[] = { "on", "off", NULL };

#define PORTS { .kind = VIEW_ARG_PORTS, .name = "N|all" }

const struct command commands_port[] = {
	{ "port start", { PORTS }, run_start, "start a port that was stopped" },
	{ "port stop", { PORTS }, run_stop, "stop a port" },
	{ "port close", { PORTS }, run_close, "close a port for good" },
	{ "port reset", { PORTS }, run_reset, "reset the device, set it up again, start it if it ran" },
	{ "port config mtu", { PORTS, { .kind = VIEW_ARG_WORD, .name = "VALUE" } }, run_mtu,
	  "octets of the largest IP packet, 576..9216; of a stopped port" },
	{ "set promisc", { PORTS, { .kind = VIEW_ARG_CHOICE, .name = "on|off", .choices = on_off } },
	  run_promisc,
	  "receive frames for other stations too" },
	{ "clear port stats", { PORTS }, run_clear_stats, "set the port's packet and error counters to 0" },
	{ "clear port xstats", { PORTS }, run_clear_xstats, "set every counter the driver has to 0" },
	{ NULL },
};
