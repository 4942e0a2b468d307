/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables that say what a JSON object may hold, and the engine that reads an
 * object into a struct by them. The tables are the only truth: a program's
 * parser, its JSON schema and the documentation of its file (gen.h) are all made
 * from them.
 *
 * A table is an array of struct cfg_field ended by an entry without a key.
 * Use the CFG_* macros below: they check at compile time that the member has
 * the type the engine will write. Everything here runs on the main lcore.
 */
#ifndef CONFIG_FIELD_H
#define CONFIG_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>
#include <rte_ether.h>

#include "proto/net/addr.h"

/* Addresses are proto/net's: family NET_UNSPEC means that none was given, and
 * NET_IPV6 never comes out of the parser. */
struct cfg_prefix {
	struct net_addr addr; /* as written: the host part is kept */
	uint8_t len;
};

struct cfg_endpoint {
	struct net_addr addr; /* family NET_UNSPEC: not given; 0.0.0.0: any of our addresses */
	uint16_t port;        /* host order, never 0 when given */
};

struct cfg_range {
	uint32_t lo, hi; /* both ends belong to the range */
};

enum cfg_type {
	CFG_TYPE_BOOL,     /* bool */
	CFG_TYPE_U32,      /* uint32_t */
	CFG_TYPE_U64,      /* uint64_t */
	CFG_TYPE_STRING,   /* char[size]: printable ASCII, terminated */
	CFG_TYPE_NAME,     /* char[size]: letters, digits and "_-.", terminated */
	CFG_TYPE_ENUM,     /* int or an enum; JSON has the name */
	CFG_TYPE_IPV4,     /* struct net_addr, "A.B.C.D" */
	CFG_TYPE_PREFIX,   /* struct cfg_prefix, "A.B.C.D/LEN" */
	CFG_TYPE_ENDPOINT, /* struct cfg_endpoint, "A.B.C.D:PORT" */
	CFG_TYPE_MAC,      /* struct rte_ether_addr, "XX:XX:XX:XX:XX:XX"; all zero: not given */
	CFG_TYPE_RANGE,    /* struct cfg_range, [LO, HI] */
	CFG_TYPE_OBJECT,   /* a struct inside this one, read by a table of its own */
	CFG_TYPE_ARRAY,    /* pointer to elements and an unsigned that counts them */
};

#define CFG_REQUIRED 0x1u /* the key must be there */
#define CFG_RUNTIME  0x2u /* can change while the program runs (x-runtime in the schema) */
#define CFG_BY_VARIANT 0x4u /* the variant says whether the key is required, allowed or refused */

/* One name of an enumeration; a list ends with a NULL name. */
struct cfg_enum {
	const char *name;
	int value;
};

struct cfg_variants;

struct cfg_field {
	const char *key;
	enum cfg_type type;
	uint32_t flags;
	size_t offset;   /* of the member in the struct of this table */
	size_t size;     /* string: octets of the member; array: octets of an element */
	/* Numbers and ranges: the values allowed. Strings: length without the
	 * terminator. Arrays: number of elements. Both ends are allowed. */
	uint64_t min, max;
	/* Value when the key is absent. A number outside min..max is a mark for
	 * "not given" that the documentation explains and JSON cannot say. */
	uint64_t def;
	const char *def_text;          /* the same for types written as strings; NULL: none */
	struct cfg_range def_range;
	const struct cfg_enum *names;  /* enumeration */
	const struct cfg_field *fields;/* object: its table */
	const struct cfg_variants *variants; /* object: further keys, chosen by one of them */
	const struct cfg_field *elem;  /* array: type, bounds and table of each element; offset 0 */
	size_t count_offset;           /* array: of the unsigned that counts elements */
	const char *doc;               /* one or two sentences; names the unit */
};

/*
 * An object some of whose keys depend on the value of one ("type"). The engine
 * stores the chosen variant at tag_offset (const void *) and a calloc'ed
 * struct of that variant, filled by its table, at conf_offset (void *; NULL
 * when size() is 0).
 */
struct cfg_variants {
	const char *key;   /* the key that chooses */
	const char *doc;
	size_t tag_offset;
	size_t conf_offset;
	const void *(*next)(const void *prev); /* NULL: the first; returns NULL at the end */
	const char *(*name)(const void *variant);
	const char *(*describe)(const void *variant);
	const struct cfg_field *(*fields)(const void *variant); /* NULL: no keys of its own */
	size_t (*size)(const void *variant);
	/* For common keys with CFG_BY_VARIANT: 1 required, 0 optional, -1 refused. */
	int (*wants)(const void *variant, const char *key);
};

/* Fails to compile unless member has the type; worth 0. */
#define CFG_CHECK_(st, member, ctype) \
	(0 * sizeof(struct { \
		_Static_assert(__builtin_types_compatible_p(__typeof__(((st *)0)->member), ctype), \
			       #member " is not " #ctype); \
		char c_; \
	}))
#define CFG_AT_(st, member, ctype) (offsetof(st, member) + CFG_CHECK_(st, member, ctype))

#define CFG_BOOL(st, member, name, fl, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_BOOL, .flags = (fl), .offset = CFG_AT_(st, member, bool), \
	  .max = 1, .def = (dflt), .doc = (text) }
#define CFG_U32(st, member, name, fl, lo, hi, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_U32, .flags = (fl), .offset = CFG_AT_(st, member, uint32_t), \
	  .min = (lo), .max = (hi), .def = (dflt), .doc = (text) }
#define CFG_U64(st, member, name, fl, lo, hi, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_U64, .flags = (fl), .offset = CFG_AT_(st, member, uint64_t), \
	  .min = (lo), .max = (hi), .def = (dflt), .doc = (text) }
/* Strings: at least minlen characters when given; the member's size bounds them above. */
#define CFG_STRING(st, member, name, fl, minlen, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_STRING, .flags = (fl), .offset = offsetof(st, member), \
	  .size = sizeof(((st *)0)->member), .min = (minlen), .max = sizeof(((st *)0)->member) - 1, \
	  .def_text = (dflt), .doc = (text) }
#define CFG_NAME(st, member, name, fl, text) \
	{ .key = (name), .type = CFG_TYPE_NAME, .flags = (fl), .offset = offsetof(st, member), \
	  .size = sizeof(((st *)0)->member), .min = 1, .max = sizeof(((st *)0)->member) - 1, .doc = (text) }
#define CFG_ENUM(st, member, name, fl, list, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_ENUM, .flags = (fl), .offset = offsetof(st, member) + \
	  0 * sizeof(char[sizeof(((st *)0)->member) == sizeof(int) ? 1 : -1]), \
	  .names = (list), .def = (uint64_t)(int64_t)(dflt), .doc = (text) }
#define CFG_IPV4(st, member, name, fl, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_IPV4, .flags = (fl), \
	  .offset = CFG_AT_(st, member, struct net_addr), .def_text = (dflt), .doc = (text) }
#define CFG_PREFIX(st, member, name, fl, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_PREFIX, .flags = (fl), \
	  .offset = CFG_AT_(st, member, struct cfg_prefix), .def_text = (dflt), .doc = (text) }
#define CFG_ENDPOINT(st, member, name, fl, dflt, text) \
	{ .key = (name), .type = CFG_TYPE_ENDPOINT, .flags = (fl), \
	  .offset = CFG_AT_(st, member, struct cfg_endpoint), .def_text = (dflt), .doc = (text) }
#define CFG_MAC(st, member, name, fl, text) \
	{ .key = (name), .type = CFG_TYPE_MAC, .flags = (fl), \
	  .offset = CFG_AT_(st, member, struct rte_ether_addr), .doc = (text) }
#define CFG_RANGE(st, member, name, fl, lo, hi, dlo, dhi, text) \
	{ .key = (name), .type = CFG_TYPE_RANGE, .flags = (fl), \
	  .offset = CFG_AT_(st, member, struct cfg_range), .min = (lo), .max = (hi), .def_range = { (dlo), (dhi) }, .doc = (text) }
#define CFG_OBJECT(st, member, name, fl, table, text) \
	{ .key = (name), .type = CFG_TYPE_OBJECT, .flags = (fl), .offset = offsetof(st, member), \
	  .fields = (table), .doc = (text) }
/* member is a pointer to elements, count an unsigned beside it; both are the
 * engine's until cfg_free_object(). */
#define CFG_ARRAY(st, member, count, name, fl, lo, hi, element, text) \
	{ .key = (name), .type = CFG_TYPE_ARRAY, .flags = (fl), .offset = offsetof(st, member), \
	  .count_offset = CFG_AT_(st, count, unsigned), .size = sizeof(*((st *)0)->member), \
	  .min = (lo), .max = (hi), .elem = (element), .doc = (text) }
#define CFG_END { .key = NULL }

/* What is wrong with a configuration. Grows as needed, up to CFG_ERRORS_MAX
 * kept (the rest is only counted). Lines are printable ASCII. */
#define CFG_ERRORS_MAX 1000

struct cfg_errors {
	char **lines; /* "$.ports[0].mtu: found 60000, allowed 576..9216" */
	unsigned n;
	unsigned n_read;  /* of them, those that reading found: before cross checks */
	unsigned dropped; /* beyond CFG_ERRORS_MAX, or no memory to keep them */
};

/* A path is "$", "$.tcp", "$.ports[0].mtu"... */
void cfg_error(struct cfg_errors *e, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static inline bool
cfg_errors_any(const struct cfg_errors *e)
{
	return e->n != 0 || e->dropped != 0;
}
/* Whether reading (up to n_read) found nothing wrong at path, below it, or with what it is in. A value that could not
 * be read is not checked against others: the follow-ups would hide the cause. */
bool cfg_errors_clean(const struct cfg_errors *e, const char *path);
/* One line each, "PROGRAM: " in front. */
void cfg_errors_print(const struct cfg_errors *e, const char *program, FILE *out);
void cfg_errors_free(struct cfg_errors *e);

/* What values a field takes, in words, as errors and documentation say it:
 * "an integer from 68 to 9216". All names of the longest list fit CFG_DESCRIBE_LEN octets. */
#define CFG_DESCRIBE_LEN 1024
void cfg_describe(const struct cfg_field *f, char *buf, size_t size);

/* The one of the table's keys that key was perhaps meant to be, or NULL. */
const char *cfg_suggest(const struct cfg_field *table, const char *key);

/*
 * Read obj by a table into base (zeroed by the caller, its size as the table
 * expects). Absent keys get their defaults. Every fault goes to errs; returns
 * 0 or -EINVAL. What was allocated is freed by cfg_free_object(), after a
 * failure as well.
 */
int cfg_read_object(const struct cfg_field *table, const struct cfg_variants *variants,
		    const json_t *obj, const char *path, void *base, struct cfg_errors *errs);
void cfg_free_object(const struct cfg_field *table, const struct cfg_variants *variants, void *base);

/*
 * The JSON of a text, or of a file read whole (16 MiB at most); the caller's
 * reference. name is what errors of syntax call it. Any fault goes to errs and
 * is returned: -EINVAL, or what opening and reading the file gave.
 */
int cfg_json_parse(const char *name, const char *text, size_t len, json_t **out, struct cfg_errors *errs);
int cfg_json_load(const char *file, json_t **out, struct cfg_errors *errs);

/* Parsers of single values, for the console too. 0 or -EINVAL; IPv6 is
 * -EAFNOSUPPORT. */
int cfg_parse_ipv4(const char *s, struct net_addr *out);
int cfg_parse_prefix(const char *s, struct cfg_prefix *out);
int cfg_parse_endpoint(const char *s, struct cfg_endpoint *out);
int cfg_parse_mac(const char *s, struct rte_ether_addr *out);

/* "10.0.0.2/24", "10.0.0.2:80" into buf of NET_ADDR_STRLEN octets, returned. */
const char *cfg_prefix_str(const struct cfg_prefix *p, char *buf);
const char *cfg_endpoint_str(const struct cfg_endpoint *e, char *buf);

#endif
