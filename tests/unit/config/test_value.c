/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsers of single values, and the guess at what a key was meant to be. */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"
#include "tests/unit/test.h"

static void
ipv4__table(void)
{
	static const struct {
		const char *text;
		int rc;
		uint32_t v4;
	} table[] = {
		{ "10.0.0.1", 0, 0x0a000001 }, { "255.255.255.255", 0, 0xffffffff }, { "0.0.0.0", 0, 0 },
		{ "", -EINVAL, 0 }, { "10.0.0", -EINVAL, 0 }, { "10.0.0.256", -EINVAL, 0 },
		{ "10.0.0.01", -EINVAL, 0 }, { " 10.0.0.1", -EINVAL, 0 }, { "10.0.0.1 ", -EINVAL, 0 },
		{ "10.0.0.1.1", -EINVAL, 0 }, { "0x0a.0.0.1", -EINVAL, 0 }, { "localhost", -EINVAL, 0 },
		{ "::1", -EAFNOSUPPORT, 0 }, { "fe80::1", -EAFNOSUPPORT, 0 },
		{ "::ffff:10.0.0.1", -EAFNOSUPPORT, 0 },
		{ "1111111111111111111111.0.0.1", -EINVAL, 0 },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct net_addr a = { 0 }, want = net_addr_v4(rte_cpu_to_be_32(table[i].v4));

		CU_ASSERT_EQUAL(cfg_parse_ipv4(table[i].text, &a), table[i].rc);
		CU_ASSERT_EQUAL(a.family, table[i].rc == 0 ? NET_IPV4 : NET_UNSPEC);
		CU_ASSERT_TRUE(table[i].rc != 0 || net_addr_equal(&a, &want));
	}
}

static void
prefix__table(void)
{
	static const struct {
		const char *text;
		int rc;
	} table[] = {
		{ "10.0.0.1/24", 0 }, { "10.0.0.1/0", 0 }, { "10.0.0.1/32", 0 }, { "10.0.0.1/33", -EINVAL },
		{ "10.0.0.1/", -EINVAL }, { "10.0.0.1", -EINVAL }, { "10.0.0.1/024", -EINVAL },
		{ "10.0.0.1/-1", -EINVAL }, { "10.0.0.1/2x", -EINVAL }, { "/24", -EINVAL },
		{ "10.0.0.1/24/24", -EINVAL }, { "10.0.0.1/4294967297", -EINVAL },
		{ "fe80::/10", -EAFNOSUPPORT },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct cfg_prefix p = { 0 };
		char text[NET_ADDR_STRLEN];

		CU_ASSERT_EQUAL(cfg_parse_prefix(table[i].text, &p), table[i].rc);
		if (table[i].rc == 0)
			CU_ASSERT_STRING_EQUAL(cfg_prefix_str(&p, text), table[i].text);
	}
}

static void
endpoint__table(void)
{
	static const struct {
		const char *text;
		int rc;
	} table[] = {
		{ "10.0.0.1:80", 0 }, { "10.0.0.1:65535", 0 }, { "0.0.0.0:1", 0 }, { "10.0.0.1:0", -EINVAL },
		{ "10.0.0.1:65536", -EINVAL }, { "10.0.0.1", -EINVAL }, { "10.0.0.1:", -EINVAL },
		{ ":80", -EINVAL }, { "10.0.0.1:080", -EINVAL }, { "10.0.0.1:8 0", -EINVAL },
		{ "[::1]:80", -EAFNOSUPPORT }, { "10.0.0.1:80:90", -EAFNOSUPPORT },
		{ "::1:80", -EAFNOSUPPORT },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct cfg_endpoint e = { 0 };
		char text[NET_ADDR_STRLEN];

		CU_ASSERT_EQUAL(cfg_parse_endpoint(table[i].text, &e), table[i].rc);
		if (table[i].rc == 0)
			CU_ASSERT_STRING_EQUAL(cfg_endpoint_str(&e, text), table[i].text);
	}
}

static void
mac__table(void)
{
	static const struct {
		const char *text;
		int rc;
		struct rte_ether_addr mac;
	} table[] = {
		{ "02:00:5e:10:fF:01", 0, { { 2, 0, 0x5e, 0x10, 0xff, 1 } } },
		{ "00:1A:2b:3c:4d:5e", 0, { { 0, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e } } },
		{ "01:00:00:00:00:01", -EINVAL, { { 0 } } }, { "00:00:00:00:00:00", -EINVAL, { { 0 } } },
		{ "ff:ff:ff:ff:ff:ff", -EINVAL, { { 0 } } }, { "02-00-00-00-00-01", -EINVAL, { { 0 } } },
		{ "2:0:0:0:0:1", -EINVAL, { { 0 } } }, { "02:00:00:00:00:0g", -EINVAL, { { 0 } } },
		{ "02:00:00:00:00:01:", -EINVAL, { { 0 } } }, { "", -EINVAL, { { 0 } } },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct rte_ether_addr mac = { { 0 } };

		CU_ASSERT_EQUAL(cfg_parse_mac(table[i].text, &mac), table[i].rc);
		CU_ASSERT_TRUE(rte_is_same_ether_addr(&mac, &table[i].mac));
	}
}

static void
suggest__table(void)
{
	static const struct {
		const char *key, *meant; /* meant NULL: nothing comes close */
	} table[] = {
		{ "port", "ports" }, { "prots", "ports" }, { "gatewya", "gateway" }, { "Memory", "memory" },
		{ "servcies", "services" }, { "tpc", "tcp" }, { "console_", "console" },
		{ "x", NULL }, { "", NULL }, { "something", NULL }, { "rto", NULL },
		{ "an_extremely_long_key_that_no_table_has_at_all", NULL },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		const char *meant = cfg_suggest(config_fields, table[i].key);

		CU_ASSERT_STRING_EQUAL(meant != NULL ? meant : "none",
				       table[i].meant != NULL ? table[i].meant : "none");
	}
}

static const struct test_case cases[] = {
	TEST_CASE(ipv4__table), TEST_CASE(prefix__table), TEST_CASE(endpoint__table), TEST_CASE(mac__table),
	TEST_CASE(suggest__table),
};
TEST_MAIN("config_value", cases)
