/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a port's device puts flows, and which stations' frames it takes: testpmd's words. They wait for the device. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>

#include "app/smcgate/console/console_impl.h"

static int failed(struct console *c, unsigned port, int rc, const char *what, struct view_error *err)
{
	switch (rc) {
	case -ENETDOWN: return view_fail(err, rc, "port %u: %s: the port is stopped: port start first", port, what);
	case -ECANCELED: return view_fail(err, rc, "port %u: %s: cancelled: the device may do it still", port, what);
	case -EREMOTEIO: return view_fail(err, rc, "port %u: %s: the device refused it, nothing has changed", port, what);
	case -EIO:
		return view_fail(err, rc, "port %u: %s: the device is broken, or its back end is gone for now (show port ctrl says which): "
				 "port reset, if it does not come back", port, what);
	case -ETIMEDOUT:
		return view_fail(err, rc, "port %u: %s: the device did not answer in time and is broken now: port reset", port,
				 what);
	default: return view_port_failed(err, c->pl, port, rc, "port %u: %s", port, what);
	}
}

/* ---- RSS ------------------------------------------------------------------------------------ */
/* "(5,1)": where it ends; NULL: it is none. */
static const char *parse_pair(const char *s, struct pipeline_reta_entry *e)
{
	unsigned long hash, queue;
	char *end;

	if (s[0] != '(' || s[1] < '0' || s[1] > '9')
		return NULL;
	hash = strtoul(s + 1, &end, 10);
	if (end[0] != ',' || end[1] < '0' || end[1] > '9')
		return NULL;
	queue = strtoul(end + 1, &end, 10);
	if (end[0] != ')' || hash > UINT16_MAX || queue > UINT16_MAX)
		return NULL;
	e->hash = (uint16_t)hash;
	e->queue = (uint16_t)queue;
	return end + 1;
}

/* How many; -EINVAL, -E2BIG. */
static int parse_pairs(const char *s, struct pipeline_reta_entry *e)
{
	int n = 0;

	for (;; s++) {
		if (n == PIPELINE_RETA_MAX)
			return -E2BIG;
		s = parse_pair(s, &e[n++]);
		if (s == NULL || (*s != ',' && *s != '\0'))
			return -EINVAL;
		if (*s == '\0')
			return n;
	}
}

static int run_reta(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	struct pipeline_reta_entry e[PIPELINE_RETA_MAX];
	bool ours = strcmp(argv[1], "default") == 0;
	unsigned port, to;
	int rc = view_ports(c->pl, argv[0], false, &port, &to, err), n;

	if (rc < 0)
		return rc;
	n = ours ? 0 : parse_pairs(argv[1], e);
	if (n < 0)
		return view_fail(err, n, "reta: found '%.40s', allowed (hash,queue)[,(hash,queue)...], at most %u of them, no "
				 "blanks, or default", argv[1], PIPELINE_RETA_MAX);
	rc = pipeline_reta_set(c->pl, port, e, (unsigned)n);
	switch (rc) {
	case 0: return 0;
	case -ENOTSUP:
		return view_fail(err, rc, "port %u: rss reta: its device does not spread flows by a table of ours: one receive "
				 "queue, or no RSS", port);
	case -ERANGE:
		return view_fail(err, rc, "port %u: rss reta: the table has no such entry: show port %u rss reta", port, port);
	case -EINVAL: return view_fail(err, rc, "port %u: rss reta: no such receive queue", port);
	default: return failed(c, port, rc, "rss reta", err);
	}
}

/* ---- addresses -------------------------------------------------------------------------------- */
static int mac_failed(struct console *c, unsigned port, enum pipeline_mac what, int rc, struct view_error *err)
{
	switch (rc) {
	case -EADDRINUSE:
		if (what == PIPELINE_MAC_REMOVE)
			return view_fail(err, rc, "port %u: mac_addr: that is the port's own address", port);
		return view_fail(err, rc, "port %u: mac_addr: its IP addresses are known by the address it has, and would be cut "
				 "off: give \"mac\" in the configuration", port);
	case -EBUSY: return view_fail(err, rc, "port %u: mac_addr: the port runs: port stop first", port);
	case -EALREADY: return view_fail(err, rc, "port %u: mac_addr: it has that address already", port);
	case -ENOENT: return view_fail(err, rc, "port %u: mac_addr: it has no such address", port);
	case -ENOSPC:
		return view_fail(err, rc, "port %u: mac_addr: no room for more addresses (at most %u are added)", port,
				 PIPELINE_PORT_MACS);
	case -EINVAL: return view_fail(err, rc, "port %u: mac_addr: not one station's address", port);
	case -ENOTSUP:
		return view_fail(err, rc, "port %u: mac_addr: its device has no filter of addresses: all frames come in", port);
	default: return failed(c, port, rc, "mac_addr", err);
	}
}

static int change_mac(struct console *c, const char *const *argv, enum pipeline_mac what, struct view_error *err)
{
	struct rte_ether_addr mac;
	unsigned port, to;
	int rc = view_ports(c->pl, argv[0], false, &port, &to, err);

	if (rc < 0)
		return rc;
	if (rte_ether_unformat_addr(argv[1], &mac) != 0)
		return view_fail(err, -EINVAL, "address: found '%s', allowed six octets as in 02:00:00:00:00:01", argv[1]);
	rc = pipeline_port_mac(c->pl, port, what, &mac);
	return rc < 0 ? mac_failed(c, port, what, rc, err) : 0;
}

static int run_mac_add(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	return change_mac(c, argv, PIPELINE_MAC_ADD, err);
}

static int run_mac_remove(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	return change_mac(c, argv, PIPELINE_MAC_REMOVE, err);
}

static int run_mac_set(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	return change_mac(c, argv, PIPELINE_MAC_SET, err);
}

#define PORT { .kind = VIEW_ARG_PORT, .name = "N" }
#define ADDRESS { .kind = VIEW_ARG_WORD, .name = "ADDR" }

const struct command commands_filter[] = {
	{ "port config * rss reta", { PORT, { .kind = VIEW_ARG_REST, .name = "(hash,queue)[,(hash,queue)]|default" } },
	  run_reta, "aim flows at receive queues by entries of the device's table; default: at the lcores that own them" },
	{ "mac_addr add", { PORT, ADDRESS }, run_mac_add, "let the device take frames for another station's address, too" },
	{ "mac_addr remove", { PORT, ADDRESS }, run_mac_remove, "take no frames any more for an address that was added" },
	{ "mac_addr set", { PORT, ADDRESS }, run_mac_set,
	  "give a stopped port without IP addresses another address, until the port's next reset" },
	{ NULL },
};
