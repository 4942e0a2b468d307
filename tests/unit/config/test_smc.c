/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMA devices and SMC: what is read, what contradicts. */
#include <string.h>

#include <rte_common.h>

#include "tests/unit/config/expect.h"
#include "tests/unit/test.h"

#define PORTS \
	"'ports':[{'name':'a','device':'d0','addresses':['10.0.0.2/24']}," \
	"{'name':'b','device':'d1','addresses':['10.0.1.2/24']},{'name':'bare','device':'d2'}]"
#define SERVICES "'services':[{'name':'web','type':'dummy','size':1,'listen':'10.0.0.2:80'}]"

static void
absent__changes_nothing(void)
{
	struct config *cfg = parse_quoted("{" PORTS "}");

	CU_ASSERT_FALSE(config_smc_on(cfg));
	CU_ASSERT_EQUAL(cfg->n_rdma, 0);
	CU_ASSERT_EQUAL(cfg->smc.n_eids, 0);
	CU_ASSERT_EQUAL(cfg->smc.max_conns_per_group, 255);
	CU_ASSERT_EQUAL(cfg->smc.idle_client_s, 610);
	config_free(cfg);
}

static void
given__is_read(void)
{
	struct config *cfg = parse_quoted(
		"{" PORTS "," SERVICES ",'rdma':[{'name':'r1','port':'b','window':64,'max_qps':32,'rto_min_us':500},"
		"{'name':'r0','provider':'roce','port':'a'}],'smc':{'eids':['A-1.B','9'],'hostname':'gw','policies':["
		"{'peer':'10.0.0.0/8','port':80,'service':'web','use':'tcp'},{'use':'smc'}],'rmb_size':131072}}");
	const struct config_policy *p = cfg->smc.policies;

	CU_ASSERT_TRUE(config_smc_on(cfg));
	CU_ASSERT_EQUAL(cfg->rdma[0].port_index, 1);
	CU_ASSERT_EQUAL(cfg->rdma[0].window, 64);
	CU_ASSERT_EQUAL(cfg->rdma[0].max_qps, 32);
	CU_ASSERT_EQUAL(cfg->rdma[0].rto_min_us, 500);
	CU_ASSERT_EQUAL(cfg->rdma[1].port_index, 0);
	CU_ASSERT_EQUAL(cfg->rdma[1].window, 128);
	CU_ASSERT_STRING_EQUAL(cfg->smc.eids[0].text, "A-1.B");
	CU_ASSERT_STRING_EQUAL(cfg->smc.hostname, "gw");
	CU_ASSERT_EQUAL(p[0].peer.len, 8);
	CU_ASSERT_EQUAL(p[0].port, 80);
	CU_ASSERT_STRING_EQUAL(p[0].service, "web");
	CU_ASSERT_EQUAL(p[0].use, CONFIG_USE_TCP);
	CU_ASSERT_EQUAL(p[1].peer.addr.family, NET_UNSPEC);
	CU_ASSERT_EQUAL(p[1].use, CONFIG_USE_SMC);
	CU_ASSERT_EQUAL(cfg->smc.rmb_size, 131072);
	config_free(cfg);
}

static void
disabled__is_off(void)
{
	struct config *cfg = parse_quoted("{" PORTS ",'rdma':[{'name':'r','port':'a'}],'smc':{'enabled':false}}");

	CU_ASSERT_FALSE(config_smc_on(cfg));
	config_free(cfg);
}

static void
rdma__contradictions(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS ",'rdma':[{'name':'r','port':'a'},{'name':'s','port':'b'}]}", { NULL } },
		{ "{" PORTS ",'rdma':[{'name':'r','port':'c'}]}",
		  { "$.rdma[0].port: found \"c\", allowed: the name of one of $.ports" } },
		{ "{'ports':[{'name':'a','device':'d','mtu':335,'addresses':['10.0.0.2/24']}],"
		  "'rdma':[{'name':'r','port':'a'}]}",
		  { "$.rdma[0].port: found \"a\", whose mtu is 335, allowed: at least 336" } },
		{ "{'ports':[{'name':'a','device':'d','mtu':336,'addresses':['10.0.0.2/24']}],"
		  "'rdma':[{'name':'r','port':'a'}]}", { NULL } },
		{ "{" PORTS ",'rdma':[{'name':'r','port':'bare'}]}",
		  { "$.rdma[0].port: found \"bare\", which has no address to make a GID of" } },
		{ "{" PORTS ",'rdma':[{'name':'r','port':'a'},{'name':'r','port':'a'}]}",
		  { "$.rdma[1].port: found \"a\", the port of $.rdma[0]",
		    "$.rdma[1].name: found \"r\", the name of $.rdma[0]" } },
		{ "{" PORTS ",'rdma':[{'name':'r','port':'a','provider':'verbs','window':100}]}",
		  { "$.rdma[0].provider: found \"verbs\", allowed: \"roce\"; RDMA hardware comes with a later version",
		    "$.rdma[0].window: found 100, allowed: a power of two" } },
	};

	expect_all(table, RTE_DIM(table));
}

static void
smc__contradictions(void)
{
	static const struct expectation table[] = {
		{ "{" PORTS ",'smc':{'eids':['A','B']}}", { NULL } },
		{ "{" PORTS ",'smc':{'eids':['A','.B','a','A','C D']}}",
		  { "$.smc.eids[1]: found \".B\": the first character must be one of A-Z, 0-9",
		    "$.smc.eids[2]: found \"a\": the first character must be one of A-Z, 0-9",
		    "$.smc.eids[3]: found \"A\": given twice",
		    "$.smc.eids[4]: found \"C D\": allowed are A-Z, 0-9, '.' and '-'" } },
		{ "{" PORTS ",'smc':{'max_links':2,'eids':['a'],'groups_max':2,'policies':[{'peer':'10.0.0.1/24','use':'tcp'}]}}",
		  { "$.smc.max_links: found 2, allowed: an integer from 1 to 1",
		    "$.smc.eids[0]: found \"a\": the first character must be one of A-Z, 0-9",
		    "$.smc.policies[0].peer: found \"10.0.0.1/24\": bits beyond the prefix are set",
		    "$.smc.groups_per_peer: found 4, allowed: at most $.smc.groups_max, 2" } },
		{ "{" PORTS "," SERVICES ",'smc':{'policies':[{'service':'web','use':'tcp'},"
		  "{'service':'wob','peer':'10.0.0.1/24','use':'smc'}]}}",
		  { "$.smc.policies[1].service: found \"wob\", allowed: the name of one of $.services",
		    "$.smc.policies[1].peer: found \"10.0.0.1/24\": bits beyond the prefix are set" } },
		{ "{" PORTS ",'smc':{'policies':[{'peer':'0.0.0.0/0','use':'smc'},{'peer':'10.0.0.1/32','use':'smc'}]}}",
		  { NULL } },
		{ "{" PORTS ",'smc':{'groups_max':3,'handshakes_max':63,'rmb_size':4194304,'memory_mb':4}}",
		  { "$.smc.groups_per_peer: found 4, allowed: at most $.smc.groups_max, 3",
		    "$.smc.handshakes_per_peer: found 256, allowed: at most $.smc.handshakes_max, 63",
		    "$.smc.memory_mb: found 4, too small for one rmb_size and one sndbuf_size" } },
		{ "{" PORTS ",'rdma':[{'name':'r','port':'a'}],'memory':{'arena_mb':159}}",
		  { "$.memory.arena_mb: found 159, allowed: at least 160, for rx_buffers and payload_buffers and "
		    "$.smc.memory_mb of one lcore" } },
	};

	expect_all(table, RTE_DIM(table));
}

static const struct test_case cases[] = {
	TEST_CASE(absent__changes_nothing),
	TEST_CASE(given__is_read),
	TEST_CASE(disabled__is_off),
	TEST_CASE(rdma__contradictions),
	TEST_CASE(smc__contradictions),
};
TEST_MAIN("config_smc", cases)
