/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine says of single values, keys and syntax. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"
#include "tests/unit/config/dummy.h"
#include "tests/unit/config/expect.h"
#include "tests/unit/test.h"

#define PORT "'ports':[{'name':'p','device':'d','addresses':['10.0.0.2/24']}]"

static void
syntax__line_and_column(void)
{
	static const struct expectation table[] = {
		{ "", { "configuration:1:0: unexpected token near end of file" } },
		{ "{\n 'ports': [}\n}", { "configuration:2:12: unexpected token near '}'" } },
		{ "{'burst':1,'burst':2}", { "configuration:1:18: duplicate object key near '\"burst\"'" } },
		{ "{" PORT "} x", { "configuration:1:67: end of file expected near 'x'" } },
		{ "[]", { "$: found a list of 0 elements, allowed: an object {...}" } },
		{ "3", { "$: found 3, allowed: an object {...}" } },
		{ "{" PORT ",'burst':99999999999999999999}",
		  { "configuration:1:93: too big integer near '99999999999999999999'" } },
	};

	expect_all(table, RTE_DIM(table));
}

/* What an editor may have put in front of the text. */
static void
syntax__marks(void)
{
	static const struct expectation table[] = {
		{ "\xef\xbb\xbf{" PORT "}", { NULL } },
		{ "\xef\xbb\xbf\n{" PORT ",'burst':x}", { "configuration:2:74: invalid token near 'x'" } },
		{ "\xef\xbb\xbf{x}", { "configuration:1:2: string or '}' expected near 'x'" } },
		{ "\xef\xbb\xbf", { "configuration:1:0: unexpected token near end of file" } },
		{ "\xff\xfe{", { "configuration: found UTF-16 text, allowed: UTF-8; save it as that" } },
		{ "\xfe\xff", { "configuration: found UTF-16 text, allowed: UTF-8; save it as that" } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
keys__missing_and_unknown(void)
{
	static const struct expectation table[] = {
		{ "{}", { "$.ports: missing, must be given: a list [...] of 1 to 16 elements" } },
		{ "{'ports':[{}]}",
		  { "$.ports[0].name: missing, must be given: a name (letters, digits, _ - .) of 1 to 31 "
		    "characters",
		    "$.ports[0].device: missing, must be given: a string of printable ASCII of 1 to 63 "
		    "characters" } },
		{ "{" PORT ",'gatewy':1}", { "$.gatewy: unknown key, did you mean \"gateway\"?" } },
		{ "{" PORT ",'ocngestion':1}", { "$.ocngestion: unknown key" } },
		{ "{" PORT ",'tcp':{'ocngestion':1}}",
		  { "$.tcp.ocngestion: unknown key, did you mean \"congestion\"?" } },
		{ "{" PORT ",'zzz':1,'yyy':2}", { "$.zzz: unknown key", "$.yyy: unknown key" } },
		{ "{" PORT ",'\\u001b[2J':1}", { "$.?[2J: unknown key" } },
		{ "{'ports':[{'name':'p','device':'d','mtuu':1,'mtu':'x'}],'burst':0}",
		  { "$.ports[0].mtuu: unknown key, did you mean \"mtu\"?",
		    "$.ports[0].mtu: found \"x\", allowed: an integer from 68 to 9216",
		    "$.burst: found 0, allowed: an integer from 1 to 512" } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
values__wrong_type(void)
{
	static const struct expectation table[] = {
		{ "{" PORT ",'burst':1.0}", { "$.burst: found 1.0, allowed: an integer from 1 to 512" } },
		{ "{" PORT ",'burst':null}", { "$.burst: found null, allowed: an integer from 1 to 512" } },
		{ "{" PORT ",'burst':-1}", { "$.burst: found -1, allowed: an integer from 1 to 512" } },
		{ "{" PORT ",'burst':{}}", { "$.burst: found an object {...}, allowed: an integer from 1 to "
					     "512" } },
		{ "{" PORT ",'tcp':[]}", { "$.tcp: found a list of 0 elements, allowed: an object {...}" } },
		{ "{" PORT ",'services':{}}",
		  { "$.services: found an object {...}, allowed: a list [...] of 0 to 256 elements" } },
		{ "{" PORT ",'services':[1]}", { "$.services[0]: found 1, allowed: an object {...}" } },
		{ "{" PORT ",'tcp':{'nagle':1}}", { "$.tcp.nagle: found 1, allowed: true or false" } },
		{ "{" PORT ",'tcp':{'congestion':'reno'}}",
		  { "$.tcp.congestion: found \"reno\", allowed: one of \"cubic\", \"newreno\"" } },
		{ "{" PORT ",'tcp':{'local_ports':[5000]}}",
		  { "$.tcp.local_ports: found a list of 1 elements, allowed: a range [LOW, HIGH] of integers "
		    "from 1024 to 65535" } },
		{ "{" PORT ",'tcp':{'local_ports':[5000,4999]}}",
		  { "$.tcp.local_ports: found a list of 2 elements, allowed: a range [LOW, HIGH] of integers "
		    "from 1024 to 65535" } },
		{ "{" PORT ",'gateway':'10.0.0.01'}",
		  { "$.gateway: found \"10.0.0.01\", allowed: an IPv4 address \"A.B.C.D\"" } },
		{ "{" PORT ",'gateway':'fe80::1'}",
		  { "$.gateway: found \"fe80::1\", allowed: an IPv4 address \"A.B.C.D\" (IPv6 is not "
		    "supported)" } },
		{ "{'ports':[{'name':'p','device':'d','addresses':['fe80::1/64']}]}",
		  { "$.ports[0].addresses[0]: found \"fe80::1/64\", allowed: an IPv4 prefix \"A.B.C.D/LEN\" "
		    "(IPv6 is not supported)" } },
		{ "{'ports':[{'name':'a b','device':'d\\u00e4','mac':'00:11:22:33:44'}]}",
		  { "$.ports[0].name: found \"a b\", allowed: a name (letters, digits, _ - .) of 1 to 31 "
		    "characters",
		    "$.ports[0].device: found \"d\\u00E4\", allowed: a string of printable ASCII of 1 to 63 "
		    "characters",
		    "$.ports[0].mac: found \"00:11:22:33:44\", allowed: a unicast MAC address "
		    "\"XX:XX:XX:XX:XX:XX\"" } },
		{ "{" PORT ",'forward':'0123456789012345678901234567890123456789012345678901234567890123456789'}",
		  { "$.forward: found \"01234567890123456789012345678901234567890123456789012345678..., "
		    "allowed: "
		    "one of \"serve\", \"io\", \"mac\", \"macswap\", \"rxonly\", \"txonly\", \"icmpecho\""
		    } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
services__keys_by_type(void)
{
	static const struct expectation table[] = {
		{ "{" PORT ",'services':[{'name':'s'}]}",
		  { "$.services[0].type: missing, must be given: one of \"client\", \"dummy\"" } },
		{ "{" PORT ",'services':[{'name':'s','type':'dumy','size':1}]}",
		  { "$.services[0].type: found \"dumy\", allowed: one of \"client\", \"dummy\"" } },
		{ "{" PORT ",'services':[{'name':'s','type':'dummy'}]}",
		  { "$.services[0].listen: missing, must be given: an endpoint \"A.B.C.D:PORT\"",
		    "$.services[0].size: missing, must be given: an integer from 1 to 100" } },
		{ "{" PORT ",'services':[{'name':'s','type':'dummy','listen':'10.0.0.2:0','size':101,'sizes':1}]}",
		  { "$.services[0].sizes: unknown key, did you mean \"size\"?",
		    "$.services[0].listen: found \"10.0.0.2:0\", allowed: an endpoint \"A.B.C.D:PORT\"",
		    "$.services[0].size: found 101, allowed: an integer from 1 to 100" } },
		{ "{" PORT ",'services':[{'name':'s','type':'client','listen':'10.0.0.2:1'}]}",
		  { "$.services[0].listen: not allowed for this type" } },
		{ "{" PORT ",'services':[{'name':'s','type':'client','size':1}]}",
		  { "$.services[0].size: unknown key" } },
		{ "{" PORT ",'services':[{'name':'s','type':'dummy','listen':'0.0.0.0:1','size':2,"
		  "'backends':['10.0.0.9:1','x']}]}",
		  { "$.services[0].backends[1]: found \"x\", allowed: an endpoint \"A.B.C.D:PORT\"" } },
		{ "{" PORT ",'services':[{'name':'s','type':'dummy','listen':'0.0.0.0:1','size':2},"
		  "{'name':'c','type':'client'}]}", { NULL } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
read__values_and_defaults(void)
{
	struct config *c = parse_quoted(
		"{'ports':[{'name':'p','device':'net_tap0','vdev':'net_tap0,iface=x','mac':'02:aB:00:00:00:01',"
		"'addresses':['10.0.0.2/24','10.0.0.3/24'],'offloads':{'tso':'off'}}],"
		"'gateway':'10.0.0.1','tcp':{'local_ports':[2000,3000],'congestion':'newreno'},"
		"'log':{'level':'debug','layers':{'tcp':'error'}},"
		"'services':[{'name':'s','type':'dummy','listen':'10.0.0.2:80','size':7,'backends':['10.0.0.9:81']}]}");
	const struct dummy_conf *d;

	if (c == NULL)
		return;
	CU_ASSERT_EQUAL(c->n_ports, 1);
	CU_ASSERT_STRING_EQUAL(c->ports[0].vdev, "net_tap0,iface=x");
	CU_ASSERT_EQUAL(c->ports[0].mac.addr_bytes[1], 0xab);
	CU_ASSERT_EQUAL(c->ports[0].n_addresses, 2);
	CU_ASSERT_EQUAL(c->ports[0].addresses[1].addr.v4, rte_cpu_to_be_32(0x0a000003));
	CU_ASSERT_EQUAL(c->ports[0].addresses[1].addr.family, NET_IPV4);
	CU_ASSERT_EQUAL(c->ports[0].addresses[1].len, 24);
	CU_ASSERT_EQUAL(c->ports[0].mtu, 1500);
	CU_ASSERT_EQUAL(c->ports[0].offloads.tso, CONFIG_OFF);
	CU_ASSERT_EQUAL(c->ports[0].offloads.checksum, CONFIG_AUTO);
	CU_ASSERT_TRUE(c->ports[0].arp_announce);
	CU_ASSERT_EQUAL(c->n_lcores, 0);
	CU_ASSERT_EQUAL(c->n_routes, 1);
	CU_ASSERT_EQUAL(c->routes[0].to.len, 0);
	CU_ASSERT_EQUAL(c->routes[0].via.v4, rte_cpu_to_be_32(0x0a000001));
	CU_ASSERT_EQUAL(c->routes[0].port_index, 0);
	CU_ASSERT_EQUAL(c->tcp.local_ports.lo, 2000);
	CU_ASSERT_EQUAL(c->tcp.local_ports.hi, 3000);
	CU_ASSERT_EQUAL(c->tcp.congestion, CONFIG_NEWRENO);
	CU_ASSERT_EQUAL(c->tcp.keepalive.idle_s, 7200);
	CU_ASSERT_EQUAL(c->shutdown.grace_ms, 2000);
	CU_ASSERT_EQUAL(c->log.layers[LOG_TCP], RTE_LOG_ERR);
	CU_ASSERT_EQUAL(c->log.layers[LOG_NET], RTE_LOG_DEBUG);
	CU_ASSERT_EQUAL(c->services[0].listen.port, 80);
	CU_ASSERT_EQUAL(c->services[0].backlog, 0);
	CU_ASSERT_PTR_EQUAL(c->services[0].type, service_find("dummy"));
	d = c->services[0].conf;
	CU_ASSERT_EQUAL(d->size, 7);
	CU_ASSERT_STRING_EQUAL(d->directory, "/srv");
	CU_ASSERT_EQUAL(d->n_backends, 1);
	CU_ASSERT_EQUAL(d->backends[0].port, 81);
	config_free(c);
}

static void
load__file_errors(void)
{
	struct cfg_errors errs = { 0 };
	struct config *c;

	CU_ASSERT_EQUAL(config_load("/nonexistent/file", &c, &errs), -ENOENT);
	CU_ASSERT_PTR_NULL(c);
	CU_ASSERT_EQUAL(errs.n, 1);
	CU_ASSERT_STRING_EQUAL(errs.lines[0], "/nonexistent/file: cannot read it: No such file or directory");
	cfg_errors_free(&errs);
	CU_ASSERT_EQUAL(config_load("/", &c, &errs), -EISDIR);
	cfg_errors_free(&errs);
}

static void
load__reads_a_file(void)
{
	char name[] = "/tmp/smcgate-config-XXXXXX", *json = quoted("{" PORT "}");
	struct cfg_errors errs = { 0 };
	struct config *c = NULL;
	int fd = mkstemp(name);

	CU_ASSERT_TRUE(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, json, strlen(json)), (ssize_t)strlen(json));
	close(fd);
	CU_ASSERT_EQUAL(config_load(name, &c, &errs), 0);
	CU_ASSERT_PTR_NOT_NULL(c);
	unlink(name);
	config_free(c);
	cfg_errors_free(&errs);
	free(json);
}

static void
errors__are_bounded(void)
{
	struct cfg_errors errs = { 0 };

	for (unsigned i = 0; i < CFG_ERRORS_MAX + 5; i++)
		cfg_error(&errs, "$", "%u", i);
	CU_ASSERT_EQUAL(errs.n, CFG_ERRORS_MAX);
	CU_ASSERT_EQUAL(errs.dropped, 5);
	CU_ASSERT_STRING_EQUAL(errs.lines[7], "$: 7");
	cfg_errors_free(&errs);
	CU_ASSERT_FALSE(cfg_errors_any(&errs));
}

static const struct test_case cases[] = {
	TEST_CASE(syntax__line_and_column),
	TEST_CASE(syntax__marks),
	TEST_CASE(keys__missing_and_unknown),
	TEST_CASE(values__wrong_type),
	TEST_CASE(services__keys_by_type),
	TEST_CASE(read__values_and_defaults),
	TEST_CASE(load__file_errors),
	TEST_CASE(load__reads_a_file),
	TEST_CASE(errors__are_bounded),
};
TEST_MAIN("config_read", cases)
