/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that are right one by one and contradict each other. */
#include <string.h>

#include <rte_common.h>

#include "tests/unit/config/expect.h"
#include "tests/unit/test.h"

#define ONE "{'name':'a','device':'d0','addresses':['10.0.0.2/24']}"
#define TWO "{'name':'b','device':'d1','rx_queues':2,'addresses':['10.0.1.2/24']}"
#define PORTS "'ports':[" ONE "," TWO "]"

static void
ports__twins(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS "}", { NULL } },
		{ "{'ports':[{'name':'a','device':'d','mac':'02:00:00:00:00:01'},"
		  "{'name':'a','device':'d','mac':'02:00:00:00:00:01'}]}",
		  { "$.ports[1].name: found \"a\", the name of $.ports[0]",
		    "$.ports[1].device: found \"d\", the device of $.ports[0]",
		    "$.ports[1].mac: found the address of $.ports[0]" } },
		{ "{'ports':[{'name':'a','device':'d','addresses':['10.0.0.2/24','10.0.0.2/16']},"
		  "{'name':'b','device':'e','addresses':['10.0.0.2/8']}]}",
		  { "$.ports[0].addresses[1]: found \"10.0.0.2/16\": given twice",
		    "$.ports[1].addresses[0]: found \"10.0.0.2/8\": given twice" } },
		{ "{'ports':[{'name':'a','device':'net_tap0','vdev':'net_tap01,iface=x'}]}",
		  { "$.ports[0].vdev: found \"net_tap01,iface=x\", allowed: \"net_tap0\" or "
		    "\"net_tap0,ARGUMENTS\", after device" } },
		{ "{'ports':[{'name':'a','device':'net_tap0','vdev':'net_tap,iface=x'}]}",
		  { "$.ports[0].vdev: found \"net_tap,iface=x\", allowed: \"net_tap0\" or "
		    "\"net_tap0,ARGUMENTS\", after device" } },
		{ "{'ports':[{'name':'a','device':'net_null0','vdev':'net_null0'}]}", { NULL } },
	};

	expect_all(table, RTE_DIM(table));
}

#define VDEV(args) "'device':'net_tap0','vdev':'net_tap0" args "'"
#define PACKET(args) "{'ports':[{'name':'a','device':'net_af_packet0','vdev':'net_af_packet0,iface=e" args \
	"}]}"

static void
ports__vdev_arguments(void)
{
	static const struct expectation table[] = {
		{ "{'ports':[{'name':'a'," VDEV(",iface=d")
		  "},{'name':'b','device':'net_tap1','vdev':'net_tap1,iface=d'}]}",
		  { "$.ports[1].vdev: found iface \"d\", which is that of $.ports[0]" } },
		{ "{'ports':[{'name':'a'," VDEV(",iface=d")
		  "},{'name':'b','device':'net_tap1','vdev':'net_tap1,iface=d2'}]}",
		  { NULL } },
		{ "{'ports':[{'name':'a'," VDEV(",iface=") "}]}",
		  { "$.ports[0].vdev: found iface \"\", allowed: a name of 1 to 15 characters" } },
		{ "{'ports':[{'name':'a'," VDEV(",iface=abcdefghijklmno") "}]}", { NULL } },
		{ "{'ports':[{'name':'a'," VDEV(",remote=x,iface=abcdefghijklmnop,mac=fixed") "}]}",
		  { "$.ports[0].vdev: found iface \"abcdefghijklmnop\", allowed: a name of 1 to 15 characters" } },
		{ PACKET("','mtu':1996"), { NULL } },
		{ PACKET("','mtu':1997"),
		  { "$.ports[0].mtu: found 1997, allowed: at most 1996 with a framesz of 2048 in vdev" } },
		{ PACKET(",framesz=16384','mtu':9216"), { NULL } },
		{ PACKET(",framesz=x'"),
		  { "$.ports[0].mtu: found 1500, allowed: at most 0 with a framesz of 0 in vdev" } },
	};

	expect_all(table, RTE_DIM(table));
}

#define VNIC(n, args) "{'name':'p" n "','device':'net_vnic" n "','vdev':'net_vnic" n ",path=" args "'}"

static void
ports__sockets(void)
{
	static const struct expectation table[] = {
		{ "{'ports':[" VNIC("0", "/a") "," VNIC("1", "/b") "," VNIC("2", "/a,queues=1") "]}",
		  { "$.ports[2].vdev: found path \"/a\", which is that of $.ports[0]" } },
		{ "{'ports':[" VNIC("0", "/a") "," VNIC("1", "/ab") "]}", { NULL } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
ports__addresses(void)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "224.0.0.1/24", "not a unicast address of a network" },
		{ "240.0.0.1/24", "not a unicast address of a network" },
		{ "127.0.0.1/8", "not a unicast address of a network" },
		{ "0.0.0.0/24", "not a unicast address of a network" },
		{ "10.0.0.1/0", "the prefix covers everything" },
		{ "10.0.0.0/24", "the subnet's own address" },
		{ "10.0.0.255/24", "the subnet's broadcast address" },
		{ "10.0.0.3/30", "the subnet's broadcast address" },
		{ "10.0.0.0/31", NULL },
		{ "10.0.0.1/31", NULL },
		{ "10.0.0.1/32", NULL },
		{ "10.0.1.0/16", NULL },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		char json[128], line[128];
		struct expectation x = { .json = json };

		snprintf(json, sizeof(json), "{'ports':[{'name':'a','device':'d','addresses':['%s']}]}",
			 table[i].text);
		snprintf(line, sizeof(line), "$.ports[0].addresses[0]: found \"%s\": %s", table[i].text,
			 table[i].why);
		x.lines[0] = table[i].why != NULL ? line : NULL;
		expect_all(&x, 1);
	}
}

static void
lcores__queues(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS ",'lcores':[{'lcore':1,'queues':[{'port':'a'},{'port':'b'}]},"
		  "{'lcore':2,'queues':[{'port':'b','queue':1}]},{'lcore':3}]}", { NULL } },
		{ "{" PORTS ",'lcores':[{'lcore':1,'queues':[{'port':'c'},{'port':'a','queue':1}]},"
		  "{'lcore':1,'queues':[{'port':'a'},{'port':'a'}]}]}",
		  { "$.lcores[0].queues[0]: found port \"c\", allowed: the name of one of $.ports",
		    "$.lcores[0].queues[1]: found queue 1, allowed: 0 to 0, of the rx_queues of $.ports[0]",
		    "$.lcores[1].lcore: found 1, the lcore of $.lcores[0]",
		    "$.lcores[1].queues[1]: found queue 0 of port \"a\", which $.lcores[1] polls" } },
		{ "{" PORTS ",'lcores':[{'lcore':1,'queues':[{'port':'a'}]}]}",
		  { "$.lcores: no lcore polls queue 0 of port \"b\"",
		    "$.lcores: no lcore polls queue 1 of port \"b\"" } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
routes__next_hops(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS ",'gateway':'10.0.1.1','routes':[{'to':'172.16.0.0/12','via':'10.0.0.9'}]}",
		  { NULL } },
		{ "{" PORTS ",'gateway':'10.0.2.1'}",
		  { "$.gateway: found \"10.0.2.1\", allowed: an address in the subnet of a port" } },
		{ "{" PORTS ",'gateway':'10.0.0.255','routes':[{'to':'172.16.0.0/12','via':'10.0.1.0'}]}",
		  { "$.routes[0].via: found \"10.0.1.0\", the address of a whole subnet of ours",
		    "$.gateway: found \"10.0.0.255\", the address of a whole subnet of ours" } },
		{ "{'ports':[{'name':'a','device':'d','addresses':['10.0.0.0/31']}],'gateway':'10.0.0.1'}", { NULL } },
		{ "{" PORTS ",'gateway':'10.0.0.2'}",
		  { "$.gateway: found \"10.0.0.2\", an address of ours" } },
		{ "{" PORTS ",'gateway':'10.0.0.1','routes':[{'to':'0.0.0.0/0','via':'10.0.0.9'}]}",
		  { "$.gateway: contradicts $.routes[0], which is a route to 0.0.0.0/0" } },
		{ "{" PORTS ",'routes':[{'to':'172.16.0.0/12','via':'10.0.0.9'},{'to':'172.16.0.0/12','via':'9.9.9.9'},"
		  "{'to':'172.16.0.1/16','via':'10.0.1.9'}]}",
		  { "$.routes[1].via: found \"9.9.9.9\", allowed: an address in the subnet of a port",
		    "$.routes[1].to: found \"172.16.0.0/12\", the destination of $.routes[0]",
		    "$.routes[2].to: found \"172.16.0.1/16\": bits beyond the prefix are set" } },
	};

	expect_all(table, RTE_DIM(table));
}

#define SVC(name, listen, more) "{'name':'" name "','type':'dummy','size':1,'listen':'" listen "'" more "}"

static void
services__listen(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS ",'services':[" SVC("x", "10.0.0.2:80", "") "," SVC("y", "10.0.1.2:80", "") ","
		  SVC("z", "10.0.0.2:81", "") "]}", { NULL } },
		{ "{" PORTS ",'services':[" SVC("x", "10.0.0.2:80", "") "," SVC("x", "10.0.0.2:80", "") "]}",
		  { "$.services[1].name: found \"x\", the name of another service",
		    "$.services[1].listen: found \"10.0.0.2:80\", but service \"x\" listens on 10.0.0.2:80" } },
		{ "{" PORTS ",'services':[" SVC("x", "0.0.0.0:80", "") "," SVC("y", "10.0.0.2:80", "") "]}",
		  { "$.services[1].listen: found \"10.0.0.2:80\", but service \"x\" listens on 0.0.0.0:80" } },
		{ "{" PORTS ",'services':[" SVC("x", "10.0.0.2:80", "") "," SVC("y", "0.0.0.0:80", "") "]}",
		  { "$.services[1].listen: found \"0.0.0.0:80\", but service \"x\" listens on 10.0.0.2:80" } },
		{ "{" PORTS ",'services':[" SVC("x", "10.0.0.3:80", "") "]}",
		  { "$.services[0].listen: found \"10.0.0.3:80\", allowed: an address that a port has, or "
		    "0.0.0.0" } },
		{ "{" PORTS ",'tcp':{'max_connections':10,'half_open_max':2000},'services':["
		  SVC("x", "10.0.0.2:80", ",'max_connections':11,'backlog':2001") "]}",
		  { "$.services[0].max_connections: found 11, allowed: at most $.tcp.max_connections, 10",
		    "$.services[0].backlog: found 2001, allowed: at most $.tcp.half_open_max, 2000" } },
		{ "{" PORTS ",'services':[{'name':'x','type':'dummy','size':13,'listen':'10.0.0.2:80'}]}",
		  { "$.services[0].size: found 13, which is unlucky" } },
		{ "{" PORTS ",'services':[{'name':'x','type':'client'},{'name':'y','type':'client'}]}",
		  { NULL } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
values__pairs(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS ",'tcp':{'rto_min_ms':1001,'rto_max_ms':1000,'receive_buffer_initial':8000,"
		  "'receive_buffer_max':7000,'backlog':17,'half_open_max':16}}",
		  { "$.tcp.rto_min_ms: found 1001, allowed: at most $.tcp.rto_max_ms, 1000",
		    "$.tcp.receive_buffer_initial: found 8000, allowed: at most $.tcp.receive_buffer_max, "
		    "7000",
		    "$.tcp.backlog: found 17, allowed: at most $.tcp.half_open_max, 16" } },
		{ "{" PORTS ",'tcp':{'window_scaling':false}}",
		  { "$.tcp.receive_buffer_max: found 4194304, allowed: at most 65535 while "
		    "$.tcp.window_scaling is "
		    "false" } },
		{ "{" PORTS ",'tcp':{'window_scaling':false,'receive_buffer_max':65535,'receive_buffer_initial':65535}}",
		  { NULL } },
		{ "{" PORTS ",'memory':{'arena_mb':31}}",
		  { "$.memory.arena_mb: found 31, allowed: at least 32, for rx_buffers and payload_buffers "
		    "of one "
		    "lcore" } },
		{ "{" PORTS ",'memory':{'arena_mb':32}}", { NULL } },
		{ "{" PORTS ",'idle':{'min_sleep_us':1001}}",
		  { "$.idle.min_sleep_us: found 1001, allowed: at most $.idle.max_sleep_us, 1000" } },
		{ "{" PORTS ",'arp':{'table_size':255}}",
		  { "$.arp.unresolved_max: found 256, allowed: at most $.arp.table_size, 255" } },
	};

	expect_all(table, RTE_DIM(table));
}

/* A value that could not be read is not checked against the others; all else is. */
static void
follow_ups__are_not_told(void)
{
	static const struct expectation table[] = {
		{ "{'ports':[{'name':'a','device':'d','addresses':['10.0.0.2']}],'gateway':'10.0.0.1',"
		  "'tcp':{'rto_min_ms':1001,'rto_max_ms':1000}}",
		  { "$.ports[0].addresses[0]: found \"10.0.0.2\", allowed: an IPv4 prefix \"A.B.C.D/LEN\"",
		    "$.tcp.rto_min_ms: found 1001, allowed: at most $.tcp.rto_max_ms, 1000" } },
		{ "{" PORTS ",'tcp':{'rto_min_ms':1001,'rto_max_ms':'x'},'gateway':'9.9.9.9'}",
		  { "$.tcp.rto_max_ms: found \"x\", allowed: an integer from 1000 to 240000",
		    "$.gateway: found \"9.9.9.9\", allowed: an address in the subnet of a port" } },
		{ "{" PORTS ",'tcp':{'rto_min_ms':1001,'rto_max_ms':1000,'ttl':0}}",
		  { "$.tcp.ttl: found 0, allowed: an integer from 1 to 255",
		    "$.tcp.rto_min_ms: found 1001, allowed: at most $.tcp.rto_max_ms, 1000" } },
		{ "{" PORTS ",'services':[" SVC("x", "10.0.0.2:80", "") "," SVC("x", "10.0.0.2:0", "") ","
		  SVC("y", "10.0.0.2:80", "") "]}",
		  { "$.services[1].listen: found \"10.0.0.2:0\", allowed: an endpoint \"A.B.C.D:PORT\"",
		    "$.services[2].listen: found \"10.0.0.2:80\", but service \"x\" listens on 10.0.0.2:80" } },
		/* A port of which one value is wrong: its names are no twins, what needs its addresses has them. */
		{ "{'ports':[{'name':'a','device':'d','mtu':1,'addresses':['10.0.0.2/24']},{'name':'','device':''},"
		  "{'device':'e','addresses':['10.0.1.2/24']},{'name':'a','device':'e','addresses':['10.0.1.2/24','10.0.2.2/0']}],"
		  "'gateway':'10.0.0.1','services':[" SVC("x", "10.0.0.2:80", "") "," SVC("y", "10.0.0.9:80", "") "],"
		  "'smc':{'eids':['a'],'policies':[{'service':'z','use':'tcp'}]}}",
		  { "$.ports[0].mtu: found 1, allowed: an integer from 68 to 9216",
		    "$.ports[1].name: found \"\", allowed: a name (letters, digits, _ - .) of 1 to 31 characters",
		    "$.ports[1].device: found \"\", allowed: a string of printable ASCII of 1 to 63 characters",
		    "$.ports[2].name: missing, must be given: a name (letters, digits, _ - .) of 1 to 31 characters",
		    "$.ports[3].addresses[0]: found \"10.0.1.2/24\": given twice",
		    "$.ports[3].addresses[1]: found \"10.0.2.2/0\": the prefix covers everything",
		    "$.services[1].listen: found \"10.0.0.9:80\", allowed: an address that a port has, or 0.0.0.0",
		    "$.smc.eids[0]: found \"a\": the first character must be one of A-Z, 0-9",
		    "$.smc.policies[0].service: found \"z\", allowed: the name of one of $.services" } },
		/* What ports there are is not known. */
		{ "{'ports':[" ONE ",5],'gateway':'9.9.9.9','lcores':[{'lcore':1,'queues':[{'port':'z'}]}],"
		  "'services':[" SVC("x", "10.0.0.9:80", "") "],'smc':{'policies':[{'service':'x','use':'tcp'}]}}",
		  { "$.ports[1]: found 5, allowed: an object {...}" } },
		{ "{" PORTS ",'services':[{'name':1}],'smc':{'policies':[{'service':'x','use':'tcp'}]}}",
		  { "$.services[0].type: missing, must be given: one of \"client\", \"dummy\"",
		    "$.services[0].name: found 1, allowed: a name (letters, digits, _ - .) of 1 to 31 characters" } },
		{ "{'ports':[{'name':'a','device':'d','moderation':{'profiles':[{'sleep_us':2000},{'sleep_us':3000}]}}],"
		  "'idle':{'max_sleep_us':0}}",
		  { "$.idle.max_sleep_us: found 0, allowed: an integer from 1 to 1000000" } },
	};

	expect_all(table, RTE_DIM(table));
}

static const struct test_case cases[] = {
	TEST_CASE(ports__twins),
	TEST_CASE(ports__vdev_arguments),
	TEST_CASE(ports__sockets),
	TEST_CASE(ports__addresses),
	TEST_CASE(lcores__queues),
	TEST_CASE(routes__next_hops),
	TEST_CASE(services__listen),
	TEST_CASE(values__pairs),
	TEST_CASE(follow_ups__are_not_told),
};
TEST_MAIN("config_check", cases)
