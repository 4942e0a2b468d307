/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: start, stop, close, reset, MTU, promiscuous mode, clearing counters. All of it may wait for a
 * device, without the views' lock: others go on looking. */
#include <errno.h>
#include <string.h>

#include <rte_ethdev.h>

#include "app/smcgate/console/console_impl.h"

typedef int (*port_fn)(struct console *c, unsigned port, uint64_t arg, FILE *out);

/* Late may be a worker, too. */
static bool is_broken(struct console *c, unsigned port)
{
	struct vnic_ctrl_info info;

	return pipeline_ctrl_info(c->pl, port, &info) == 0 && info.broken;
}

static int failed(struct console *c, unsigned port, int rc, const char *what, struct view_error *err)
{
	switch (rc) {
	case -EALREADY: return view_fail(err, rc, "port %u: %s: it is so already", port, what);
	case -ENODEV: return view_fail(err, rc, "port %u: %s: it is closed", port, what);
	case -ECANCELED: return view_fail(err, rc, "port %u: %s: cancelled: the device may do it still", port, what);
	case -EINVAL: return view_fail(err, rc, "port %u: %s: its driver refuses this value", port, what);
	case -EIO:
		return view_fail(err, rc, "port %u: %s: the device is broken, or its back end is gone for now (show port ctrl says which): "
				 "port reset, if it does not come back", port, what);
	case -ETIMEDOUT:
		if (is_broken(c, port))
			return view_fail(err, rc, "port %u: %s: the device did not answer in time and is broken now: port reset", port,
					 what);
		return view_port_failed(err, c->pl, port, rc, "port %u: %s", port, what);
	default: return view_port_failed(err, c->pl, port, rc, "port %u: %s", port, what);
	}
}

/* For one port or all; all goes on after one that is in that state already. */
static int each_port(struct console *c, const char *which, port_fn fn, uint64_t arg, const char *what, FILE *out,
		     struct view_error *err)
{
	unsigned from, to;
	int rc;

	rc = view_ports(c->pl, which, true, &from, &to, err);
	for (unsigned p = from; rc == 0 && p < to; p++) {
		rc = fn(c, p, arg, out);
		if (to - from > 1 && (rc == -EALREADY || rc == -ENODEV))
			rc = 0;
		if (rc < 0)
			failed(c, p, rc, what, err);
	}
	return rc;
}

static int start_one(struct console *c, unsigned port, uint64_t arg, FILE *out)
{
	return pipeline_port_start(c->pl, port);
}

static int stop_one(struct console *c, unsigned port, uint64_t arg, FILE *out)
{
	return pipeline_port_stop(c->pl, port);
}

static int close_one(struct console *c, unsigned port, uint64_t arg, FILE *out)
{
	return pipeline_port_close(c->pl, port);
}

static const char *const rx_offloads[] = {
	"ipv4_cksum", "udp_cksum", "tcp_cksum", "tcp_lro", "scatter", "vlan_strip", "rss_hash", NULL
};
static const uint64_t rx_offload_bits[] = {
	RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, RTE_ETH_RX_OFFLOAD_UDP_CKSUM, RTE_ETH_RX_OFFLOAD_TCP_CKSUM,
	RTE_ETH_RX_OFFLOAD_TCP_LRO, RTE_ETH_RX_OFFLOAD_SCATTER, RTE_ETH_RX_OFFLOAD_VLAN_STRIP,
	RTE_ETH_RX_OFFLOAD_RSS_HASH,
};
_Static_assert(RTE_DIM(rx_offloads) == RTE_DIM(rx_offload_bits) + 1, "a bit for each");

/* "tcp_cksum and udp_cksum" */
static const char *offload_names(uint64_t bits, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < RTE_DIM(rx_offload_bits); i++)
		if ((bits & rx_offload_bits[i]) != 0 && at < size)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", at != 0 ? " and " : "", rx_offloads[i]);
	return buf;
}

static void tell_offloads(FILE *out, uint64_t bits, const char *on_off)
{
	char names[128];

	if (bits != 0)
		fprintf(out, "  kept              rx_offload %s %s\n", offload_names(bits, names, sizeof(names)), on_off);
}

static void tell_sizes(FILE *out, const char *dir, const uint16_t *size)
{
	for (unsigned q = 0; q < CONFIG_MAX_QUEUES; q++)
		if (size[q] != 0)
			fprintf(out, "  kept              %s %u: %u descriptors\n", dir, q, size[q]);
}

/* What it keeps is not what the configuration says: worth saying. */
static void tell_reset(FILE *out, unsigned port, const struct pipeline_reset_report *r)
{
	fprintf(out, "port %u: reset%s\n", port, r->started ? " and started" : "; it is stopped, as before");
	if (r->mtu_kept)
		fprintf(out, "  kept              mtu %u\n", r->mtu);
	if (r->promiscuous_kept)
		fprintf(out, "  kept              promiscuous mode %s\n", r->promiscuous ? "on" : "off");
	tell_offloads(out, r->rx_on, "on");
	tell_offloads(out, r->rx_off, "off");
	tell_sizes(out, "rxq", r->rx_size);
	tell_sizes(out, "txq", r->tx_size);
	if (r->reta_kept)
		fprintf(out, "  kept              rss reta\n");
	if (r->macs_kept != 0)
		fprintf(out, "  kept              %u added mac_addr\n", r->macs_kept);
	if (r->reverted)
		fprintf(out, "  the device refused what was set while it ran: all is as configured\n");
}

static int reset_one(struct console *c, unsigned port, uint64_t arg, FILE *out)
{
	struct pipeline_reset_report report;
	int rc = pipeline_port_reset(c->pl, port, &report);

	if (rc == 0)
		tell_reset(out, port, &report);
	return rc;
}

static int mtu_one(struct console *c, unsigned port, uint64_t mtu, FILE *out)
{
	return pipeline_port_mtu(c->pl, port, (uint16_t)mtu);
}

static int promisc_one(struct console *c, unsigned port, uint64_t on, FILE *out)
{
	return pipeline_port_promiscuous(c->pl, port, on != 0);
}

static int clear_one(struct console *c, unsigned port, uint64_t all, FILE *out)
{
	return pipeline_port_clear(c->pl, port, all != 0);
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
	return each_port(c, argv[0], start_one, 0, "start", out, err);
}

static int run_stop(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		    struct view_error *err)
{
	return each_port(c, argv[0], stop_one, 0, "stop", out, err);
}

static int run_close(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	int rc = refuse_captured(c, argv[0], err);

	return rc < 0 ? rc : each_port(c, argv[0], close_one, 0, "close", out, err);
}

static int run_reset(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		     struct view_error *err)
{
	int rc = refuse_captured(c, argv[0], err);

	return rc < 0 ? rc : each_port(c, argv[0], reset_one, 0, "reset", out, err);
}

static int run_mtu(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		   struct view_error *err)
{
	uint64_t mtu;
	int rc;

	rc = view_number(argv[1], "mtu", CONFIG_MTU_MIN, CONFIG_MTU_MAX, &mtu, err);
	return rc < 0 ? rc : each_port(c, argv[0], mtu_one, mtu, "config mtu", out, err);
}

static int run_promisc(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		       struct view_error *err)
{
	return each_port(c, argv[0], promisc_one, strcmp(argv[1], "on") == 0, "promiscuous mode", out, err);
}

static int run_clear_stats(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	return each_port(c, argv[0], clear_one, false, "clear stats", out, err);
}

static int run_clear_xstats(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			    struct view_error *err)
{
	return each_port(c, argv[0], clear_one, true, "clear xstats", out, err);
}

/* ---- receive offloads: testpmd's words ---------------------------------------------------- */
static void tell_offload(FILE *out, unsigned port, const struct pipeline_offload_report *r, const char *on)
{
	char names[128];

	fprintf(out, "port %u: %s %s", port, offload_names(r->changed, names, sizeof(names)), on);
	switch (r->when) {
	case OFFLOAD_AFTER_RESET:
		fprintf(out, " after the next port reset %u (or port stop, port start): it cannot be switched while the port "
			"runs, or was off when it was configured\n", port);
		break;
	case OFFLOAD_AFTER_START: fprintf(out, " from the next port start %u on\n", port); break;
	default: fputs(", while the port runs\n", out); break;
	}
}

static int offload_failed(struct console *c, unsigned port, int rc, const char *name, struct view_error *err)
{
	switch (rc) {
	case -ENOTSUP:
		return view_fail(err, rc, "port %u: rx_offload %s: the device does not have it: show port %u rx_offload "
				 "capabilities", port, name, port);
	case -EINVAL:
		return view_fail(err, rc, "port %u: rx_offload %s: tcp_lro needs tcp_cksum on this device: both, or tcp_lro "
				 "off first", port, name);
	case -EREMOTEIO:
		return view_fail(err, rc, "port %u: rx_offload %s: the device refused it, nothing has changed", port, name);
	case -ETIMEDOUT:
		return view_fail(err, rc, "port %u: rx_offload %s: the device did not answer in time and is broken now: port reset",
				 port, name);
	default: return failed(c, port, rc, "rx_offload", err);
	}
}

static int run_rx_offload(struct console *c, unsigned argc, const char *const *argv, FILE *out, struct view_error *err)
{
	struct pipeline_offload_report report;
	unsigned port, to, i = 0;
	int rc = view_ports(c->pl, argv[0], false, &port, &to, err);

	while (strcmp(rx_offloads[i], argv[1]) != 0)
		i++;
	if (rc < 0)
		return rc;
	rc = pipeline_rx_offload(c->pl, port, rx_offload_bits[i], strcmp(argv[2], "on") == 0, &report);
	if (rc < 0)
		return offload_failed(c, port, rc, rx_offloads[i], err);
	tell_offload(out, port, &report, argv[2]);
	return 0;
}

static const char *const on_off[] = { "on", "off", NULL };

#define PORTS { .kind = VIEW_ARG_PORTS, .name = "N|all" }

const struct command commands_port[] = {
	{ "port start", { PORTS }, run_start, "start a port that was stopped" },
	{ "port stop", { PORTS }, run_stop, "stop a port" },
	{ "port close", { PORTS }, run_close, "close a port for good" },
	{ "port reset", { PORTS }, run_reset, "reset the device, set it up again, start it if it ran or was to; says what is kept" },
	{ "port config mtu", { PORTS, { .kind = VIEW_ARG_WORD, .name = "VALUE" } }, run_mtu,
	  "octets of the largest IP packet, 68..9216; of a stopped port" },
	{ "port config * rx_offload * *",
	  { { .kind = VIEW_ARG_PORT, .name = "N" }, { .kind = VIEW_ARG_CHOICE, .name = "NAME", .choices = rx_offloads },
	    { .kind = VIEW_ARG_CHOICE, .name = "on|off", .choices = on_off } }, run_rx_offload,
	  "switch a receive offload; says whether that was done while the port runs, or which restart does it" },
	{ "set promisc", { PORTS, { .kind = VIEW_ARG_CHOICE, .name = "on|off", .choices = on_off } },
	  run_promisc,
	  "receive frames for other stations too" },
	{ "clear port stats", { PORTS }, run_clear_stats, "set the port's packet and error counters to 0" },
	{ "clear port xstats", { PORTS }, run_clear_xstats, "set every counter the driver has to 0" },
	{ NULL },
};
