/* SPDX-License-Identifier: BSD-3-Clause */
/* What telemetry can ask for and tell to do (doc/vnicd.md). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/vnicd/control.h"
#include "app/vnicd/loop.h"
#include "app/vnicd/vport.h"

#define PARAMS_MAX 256
#define ARGS_MAX   16

struct args {
	char text[PARAMS_MAX];
	unsigned n;
	const char *arg[ARGS_MAX];
};

static json_t *
trouble(const char *fmt, const char *what)
{
	return json_pack("{s:o}", "error", json_sprintf(fmt, what));
}

/* Apart by commas; what is too much is not looked at. */
static void
split(const char *params, struct args *a)
{
	char *save = NULL;

	memset(a, 0, sizeof(*a));
	snprintf(a->text, sizeof(a->text), "%s", params != NULL ? params : "");
	for (char *w = strtok_r(a->text, ",", &save); w != NULL && a->n < ARGS_MAX; w = strtok_r(NULL, ",", &save))
		a->arg[a->n++] = w;
}

/* ---- to see ------------------------------------------------------------------------------- */

static json_t *
short_of(const struct vnicd_port *p)
{
	const struct vnicd_port_stats *s = &p->stats;
	uint64_t drops = 0;

	for (int i = 0; i < VNICD_DROP_COUNT; i++)
		drops += s->drop[i];
	return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "name", p->name, "kind", p->ops->kind,
			 "up", p->up, "in_packets", (json_int_t)s->in_packets, "in_bytes", (json_int_t)s->in_bytes,
			 "out_packets", (json_int_t)s->out_packets, "out_bytes", (json_int_t)s->out_bytes,
			 "drops", (json_int_t)drops);
}

static json_t *
show_ports(struct vnicd_switch *sw, const char *params)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < sw->n; i++)
		json_array_append_new(rows, short_of(sw->port[i]));
	return json_pack("{s:o}", "ports", rows);
}

static json_t *
show_port(struct vnicd_switch *sw, const char *params)
{
	struct vnicd_port *p;
	struct args a;

	split(params, &a);
	if (a.n == 0)
		return trouble("give the name of a port%s", "");
	p = vnicd_switch_find(sw, a.arg[0]);
	return p != NULL ? vnicd_port_describe(p) : trouble("there is no port \"%s\"", a.arg[0]);
}

static json_t *
show_uplinks(struct vnicd_switch *sw, const char *params)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < sw->n; i++) {
		if (strcmp(sw->port[i]->ops->kind, "uplink") == 0)
			json_object_set_new(o, sw->port[i]->name, vnicd_port_describe(sw->port[i]));
	}
	return o;
}

static json_t *
show_switch(struct vnicd_switch *sw, const char *params)
{
	const struct vnicd_table *t = &sw->table;
	uint32_t at = 0, now = vnicd_switch_seconds(sw);
	struct vnicd_table_entry e;
	json_t *rows = json_array();

	while (vnicd_table_next(t, now, &at, &e)) {
		char text[RTE_ETHER_ADDR_FMT_SIZE];
		struct rte_ether_addr mac;
		uint16_t vlan;

		vnicd_table_mac(&e, &mac, &vlan);
		rte_ether_format_addr(text, sizeof(text), &mac);
		json_array_append_new(rows, json_pack("{s:s, s:i, s:s, s:i}", "mac", text, "vlan", vlan, "port",
						      sw->port[e.port]->name, "age_s", (int)(now - e.seen)));
	}
	return json_pack("{s:i, s:i, s:I, s:I, s:I, s:o}", "size", (int)(t->buckets * VNICD_TABLE_WAYS),
			 "ageing_s", (int)t->ageing_s, "learned", (json_int_t)t->stats.learned,
			 "moved", (json_int_t)t->stats.moved, "replaced", (json_int_t)t->stats.replaced,
			 "addresses", rows);
}

static json_t *
show_loop(struct vnicd_switch *sw, const char *params)
{
	const struct vnicd_loop_stats *s = vnicd_loop_stats(sw->loop);

	return json_pack("{s:I, s:I, s:I, s:I}", "turns", (json_int_t)s->turns, "busy", (json_int_t)s->busy,
			 "sleeps", (json_int_t)s->sleeps, "wakes", (json_int_t)s->wakes);
}

/* ---- to do ---------------------------------------------------------------------------------- */

static int
number(const char *s, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 10);
	return s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 ? -EINVAL : 0;
}

static json_t *
outcome(int rc)
{
	return rc == 0 ? json_pack("{s:s}", "result", "done") : trouble("refused: %s", strerror(-rc));
}

static json_t *
fault(struct vnicd_port *p, const struct cfg_enum *f, uint64_t value, unsigned queue)
{
	int rc = vnicd_port_fault(p, (enum vnicd_fault_kind)f->value, value, queue);

	return rc != -EINVAL ? outcome(rc) :
			       trouble("refused: the value is more than %s takes, or there is no such queue", f->name);
}

static void
clear(struct vnicd_port *p)
{
	vnicd_fault_clear(&p->fault);
	p->stalled_until = 0;
	if (p->ops->behave != NULL)
		p->ops->behave(p);
}

static json_t *
do_fault(struct vnicd_switch *sw, const char *params)
{
	uint64_t value = 1, queue = 0;
	struct vnicd_port *p;
	struct args a;

	split(params, &a);
	if (a.n < 2 || a.n > 4)
		return trouble("give NAME,KIND[,VALUE[,QUEUE]]%s", "");
	p = vnicd_switch_find(sw, a.arg[0]);
	if (p == NULL)
		return trouble("there is no port \"%s\"", a.arg[0]);
	if (strcmp(a.arg[1], "clear") == 0) {
		clear(p);
		return outcome(0);
	}
	if ((a.n > 2 && number(a.arg[2], &value) < 0) || (a.n > 3 && number(a.arg[3], &queue) < 0) || queue > UINT16_MAX)
		return trouble("value and queue are numbers%s", "");
	for (const struct cfg_enum *f = vnicd_fault_names; f->name != NULL; f++) {
		if (strcmp(f->name, a.arg[1]) == 0)
			return fault(p, f, value, (unsigned)queue);
	}
	return trouble("there is no fault \"%s\"", a.arg[1]);
}

/* Keys and values of the configuration's "control" over those in force: one table checks both. */
static int
read_control(const struct args *a, const struct vnicd_vport *v, struct vnicd_config_control *out,
	     struct cfg_errors *errs)
{
	json_t *o = vnicd_vport_control(v);
	int rc = 0;

	for (unsigned i = 1; i + 1 < a->n; i += 2) {
		uint64_t n;
		bool digits = number(a->arg[i + 1], &n) == 0 && n <= INT64_MAX;

		/* What is no text of JSON fails here. */
		rc |= json_object_set_new(o, a->arg[i],
					  digits ? json_integer((json_int_t)n) : json_string(a->arg[i + 1]));
	}
	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = cfg_read_object(vnicd_control_fields, NULL, o, "$", out, errs);
	json_decref(o);
	return rc;
}

static json_t *
do_control(struct vnicd_switch *sw, const char *params)
{
	struct vnicd_config_control c;
	struct cfg_errors errs = { 0 };
	struct vnicd_port *p;
	struct vnicd_vport *v;
	json_t *answer = NULL;
	struct args a;

	split(params, &a);
	p = a.n > 0 ? vnicd_switch_find(sw, a.arg[0]) : NULL;
	v = p != NULL ? vnicd_vport_of(p) : NULL;
	if (v == NULL)
		return trouble("there is no vhost-user port \"%s\"", a.n > 0 ? a.arg[0] : "");
	if (a.n % 2 == 0)
		return trouble("give NAME[,KEY,VALUE]...%s", "");
	if (a.n > 1 && (read_control(&a, v, &c, &errs) < 0 || vnicd_vport_set_control(v, &c) < 0))
		answer = trouble("refused: %s", errs.n > 0 ? errs.lines[0] : "values");
	cfg_errors_free(&errs);
	return answer != NULL ? answer : vnicd_vport_control(v);
}

const struct vnicd_view vnicd_views[] = {
	{ "/vnicd/ports", "Ports and uplinks, packets and octets.", show_ports },
	{ "/vnicd/port", "Everything of one port. Parameters: NAME.", show_port },
	{ "/vnicd/port/fault", "Do something to a port. Parameters: NAME,KIND[,VALUE[,QUEUE]]; KIND clear ends all.",
	  do_fault },
	{ "/vnicd/port/control", "How a port's control queue is served. Parameters: NAME[,KEY,VALUE]...",
	  do_control },
	{ "/vnicd/uplinks", "Everything of the uplinks.", show_uplinks },
	{ "/vnicd/switch", "The table of addresses. Parameters: [from=N].", show_switch },
	{ "/vnicd/loop", "Turns, sleeps and wakes of the loop.", show_loop },
	{ NULL, NULL, NULL },
};
