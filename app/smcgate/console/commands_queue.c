/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single queues of a port and its control queue: stop, start, reset, resize, coalescing,
 * the deadline of commands. These wait for devices, some of which hang: no lock
 * of the views is held.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "app/smcgate/console/console_impl.h"


/* ---- which queue ---------------------------------------------------------------------- */
struct target {
	unsigned port;
	enum vnic_dir dir;
	uint16_t queue;        /* VNIC_ALL_QUEUES */
	char text[64];         /* "port 0 receive queue 1" */
	struct pipeline_port_info info;
};

static int find_port(struct console *c, const char *arg, struct target *t, struct view_error *err)
{
	unsigned to;
	int rc = view_ports(c->pl, arg, false, &t->port, &to, err);

	if (rc < 0)
		return rc;
	rc = pipeline_port_info(c->pl, t->port, &t->info);
	if (rc < 0)
		return view_failed(err, rc, "port %u", t->port);
	snprintf(t->text, sizeof(t->text), "port %u", t->port);
	return t->info.state == PORT_CLOSED ? view_fail(err, -ENODEV, "port %u: it is closed", t->port) : 0;
}

/* argv: port, rxq or txq, queue. */
static int find_queue(struct console *c, const char *const *argv, bool all, struct target *t,
		      struct view_error *err)
{
	const char *what;
	uint64_t q;
	unsigned n;
	int rc;

	rc = find_port(c, argv[0], t, err);
	if (rc == 0 && t->info.state == PORT_BUSY)
		rc = view_port_failed(err, c->pl, t->port, -EAGAIN, "port %u", t->port);
	if (rc < 0)
		return rc;
	t->dir = strcmp(argv[1], "rxq") == 0 ? VNIC_RX : VNIC_TX;
	what = t->dir == VNIC_RX ? "receive queue" : "transmit queue";
	if (all && strcmp(argv[2], "all") == 0) {
		t->queue = VNIC_ALL_QUEUES;
		snprintf(t->text, sizeof(t->text), "port %u %ss", t->port, what);
		return 0;
	}
	n = t->dir == VNIC_RX ? t->info.rx_queues : t->info.tx_queues;
	if (n == 0)
		return view_fail(err, -ENOENT, "port %u: it has no %s", t->port, what);
	rc = view_number(argv[2], what, 0, n - 1, &q, err);
	t->queue = (uint16_t)q;
	snprintf(t->text, sizeof(t->text), "port %u %s %u", t->port, what, t->queue);
	return rc;
}

/* ---- what went wrong -------------------------------------------------------------------- */
/* What these errors mean of a device, and what to do. NULL: the usual words. */
static const char *reason(int rc)
{
	switch (rc) {
	case -ECANCELED: return "cancelled: the device may do it still";
	case -ETIMEDOUT: return "the device did not answer in time and is broken now: port reset";
	case -EIO:
		return "the device is broken, or its back end is gone for now (show port ctrl says which): port reset, if it does "
		       "not come back";
	case -EREMOTEIO: return "the device refused it, nothing has changed";
	case -ENETDOWN: return "the port is stopped: port start first";
	case -ENOMEM: return "no memory for it, the queue is as it was";
	case -ENOBUFS:
		return "with its lcore's other queues that is more descriptors than memory.rx_buffers of the configuration; "
		       "the queue is as it was";
	default: return NULL;
	}
}

static int failed(struct console *c, const struct target *t, int rc, const char *what, struct view_error *err)
{
	const char *why = reason(rc);

	if (why == NULL)
		return view_port_failed(err, c->pl, t->port, rc, "%s: %s", t->text, what);
	return view_fail(err, rc, "%s: %s: %s", t->text, what, why);
}

/* ---- stop and start ------------------------------------------------------------------------ */
/* Flows that nobody receives now are worth a line. */
static void tell_flows(struct console *c, const struct target *t, FILE *out)
{
	struct pipeline_queue_info q[2 * CONFIG_MAX_QUEUES];
	int n = pipeline_queue_list(c->pl, t->port, q, RTE_DIM(q));

	for (int i = 0; i < n; i++) {
		if (q[i].dir != VNIC_RX || q[i].queue != t->queue || t->dir != VNIC_RX)
			continue;
		if (q[i].flows < 0)
			fprintf(out, "%s: packets that the device puts there wait or are lost\n", t->text);
		else if (q[i].flows > 0)
			fprintf(out, "%s: %d.%d %% of all flows are aimed at it, and wait or are lost\n", t->text,
				q[i].flows / 10, q[i].flows % 10);
	}
}

static int run_queue_stop(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			  struct view_error *err)
{
	struct target t;
	int rc = find_queue(c, argv, false, &t, err);

	if (rc < 0)
		return rc;
	rc = pipeline_queue_stop(c->pl, t.port, t.dir, t.queue);
	if (rc == -ENOTSUP)
		return view_fail(err, rc, "%s: stop: %s cannot stop single queues: port stop stops all", t.text,
				 t.info.driver);
	if (rc < 0)
		return failed(c, &t, rc, "stop", err);
	tell_flows(c, &t, out);
	return 0;
}

static int run_queue_start(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	struct target t;
	int rc = find_queue(c, argv, false, &t, err);

	if (rc < 0)
		return rc;
	rc = pipeline_queue_start(c->pl, t.port, t.dir, t.queue);
	if (rc == -ENOTSUP)
		return view_fail(err, rc, "%s: start: %s cannot start single queues: port stop, port start", t.text,
				 t.info.driver);
	return rc < 0 ? failed(c, &t, rc, "start", err) : 0;
}

/* ---- reset and resize ------------------------------------------------------------------------ */
static const char *how_text(enum vnic_reset_how how)
{
	switch (how) {
	case VNIC_RESET_RING: return "the device reset this queue alone";
	case VNIC_RESET_PAUSE: return "the back end paused this queue";
	case VNIC_RESET_LIMIT: return "the ring stays, other than before is used of it";
	case VNIC_RESET_DEVICE: return "all queues were stopped for it";
	default: return "done";
	}
}

static void tell_report(const struct target *t, const struct vnic_reset_report *r, FILE *out)
{
	fprintf(out, "%s: %s\n", t->text, how_text(r->how));
	fprintf(out, "  descriptors       %u\n", r->size);
	fprintf(out, "  queue out us      %" PRIu32 "\n", r->queue_us);
	fprintf(out, "  others out us     %" PRIu32 "\n", r->others_us);
	if (t->dir == VNIC_TX || r->how == VNIC_RESET_DEVICE)
		fprintf(out, "  of it sending us  %" PRIu32 "\n", r->sending_us);
	fprintf(out, "  buffers returned  %" PRIu32 "\n", r->returned);
	fprintf(out, "  packets lost      %" PRIu32 "\n", r->lost);
}

static int reset(struct console *c, const struct target *t, uint16_t size, FILE *out, struct view_error *err)
{
	const char *what = size == 0 ? "reset" : "resize";
	struct vnic_reset_report report = { 0 };
	int rc = pipeline_queue_reset(c->pl, t->port, t->dir, t->queue, size, &report);

	switch (rc) {
	case 0:
		tell_report(t, &report, out);
		return 0;
	case -ENOTSUP:
		return size == 0 ? view_fail(err, rc, "%s: reset: %s cannot reset single queues: port reset",
					     t->text, t->info.driver) :
				   view_fail(err, rc,
					     "%s: resize: %s cannot resize a queue: give the port %s_descriptors in "
					     "the configuration, and start again",
					     t->text, t->info.driver, t->dir == VNIC_RX ? "rx" : "tx");
	case -EBUSY:
		return view_fail(err, rc, "%s: %s: it is stopped: start it first", t->text, what);
	case -ERANGE:
	case -EINVAL:
		return view_fail(err, rc,
				 "%s: %s: found '%u', allowed %u..%u, on a split ring only powers of two; the queue is as it was",
				 t->text, what, size, t->info.descriptors_min, t->info.descriptors_max[t->dir]);
	default:
		return failed(c, t, rc, what, err);
	}
}

static int run_queue_reset(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			   struct view_error *err)
{
	struct target t;
	int rc = find_queue(c, argv, false, &t, err);

	return rc < 0 ? rc : reset(c, &t, 0, out, err);
}

static int run_queue_resize(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			    struct view_error *err)
{
	struct target t;
	uint64_t size;
	int rc = find_queue(c, argv, false, &t, err);

	if (rc == 0)
		rc = view_number(argv[3], "size", 8, 32768, &size, err);
	return rc < 0 ? rc : reset(c, &t, (uint16_t)size, out, err);
}

/* ---- coalescing -------------------------------------------------------------------------------- */
static int run_coalesce(struct console *c, unsigned argc, const char *const *argv, FILE *out,
			struct view_error *err)
{
	uint64_t usecs, packets;
	struct vnic_coal coal;
	struct target t;
	int rc = find_queue(c, argv, true, &t, err);

	if (rc == 0)
		rc = view_number(argv[3], "usecs", 0, UINT32_MAX, &usecs, err);
	if (rc == 0)
		rc = view_number(argv[4], "packets", 0, UINT32_MAX, &packets, err);
	if (rc < 0)
		return rc;
	coal = (struct vnic_coal){ .usecs = (uint32_t)usecs, .packets = (uint32_t)packets };
	rc = pipeline_coal_set(c->pl, t.port, t.dir, t.queue, &coal);
	return rc < 0 ? failed(c, &t, rc, "coalesce", err) : 0;
}

/* ---- the control queue --------------------------------------------------------------------------- */
static int run_timeout(struct console *c, unsigned argc, const char *const *argv, FILE *out,
		       struct view_error *err)
{
	struct target t;
	uint64_t ms;
	int rc = find_port(c, argv[0], &t, err);

	if (rc == 0)
		rc = view_number(argv[1], "timeout", 1, VNIC_CTRL_TIMEOUT_MAX_MS, &ms, err);
	if (rc < 0)
		return rc;
	rc = pipeline_ctrl_timeout(c->pl, t.port, ms);
	if (rc == -ENOTSUP)
		return view_fail(err, rc, "%s: ctrl timeout: %s has no control queue of ours", t.text,
				 t.info.driver);
	return rc < 0 ? failed(c, &t, rc, "ctrl timeout", err) : 0;
}

static const char *const directions[] = { "rxq", "txq", NULL };

#define PORT { .kind = VIEW_ARG_PORT, .name = "N" }
#define DIRECTION { .kind = VIEW_ARG_CHOICE, .name = "rxq|txq", .choices = directions }
#define WORD(n) { .kind = VIEW_ARG_WORD, .name = (n) }

const struct command commands_queue[] = {
	{ "port * * * stop", { PORT, DIRECTION, WORD("Q") }, run_queue_stop,
	  "stop one queue, the others go on" },
	{ "port * * * start", { PORT, DIRECTION, WORD("Q") }, run_queue_start, "start a queue that was stopped" },
	{ "port * * * reset", { PORT, DIRECTION, WORD("Q") }, run_queue_reset,
	  "reset one queue while it runs; says which way was taken and what it cost" },
	{ "port * * * resize *", { PORT, DIRECTION, WORD("Q"), WORD("SIZE") }, run_queue_resize,
	  "give a queue another number of descriptors while it runs; says as reset does" },
	{ "port * * * coalesce usecs * packets *",
	  { PORT, DIRECTION, WORD("Q|all"), WORD("U"), WORD("P") }, run_coalesce,
	  "let the device interrupt after U microseconds or P packets; 0: for each packet" },
	{ "port * ctrl timeout *", { PORT, WORD("MS") }, run_timeout,
	  "milliseconds a control command may take, those in flight too, before the device counts as broken" },
	{ NULL },
};
