/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services: each is one file with one table of callbacks, registered by a
 * constructor. The configuration knows them only through this list, so a new
 * service is a new file in service_sources and nothing else.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stddef.h>

#include <rte_common.h>

#include "app/smcgate/config/field.h"

struct config;
struct config_service;

/* Whether a service of the type has a "listen" key. */
enum service_listen {
	SERVICE_LISTEN_REQUIRED,
	SERVICE_LISTEN_NONE,     /* a client: giving "listen" is an error */
};

struct service_type {
	/* Configuration; main lcore, before anything is started. */
	const char *name;               /* value of "type" in the configuration */
	const char *doc;                /* one sentence for doc/configuration.md */
	enum service_listen listen;
	const struct cfg_field *fields; /* keys of its own, NULL if none; a key may not be one of the common ones */
	size_t conf_size;               /* octets of the struct fields describes, 0 if none */
	/* What a table cannot say about svc->conf; NULL if nothing. Adds to
	 * errs with paths that begin with path. */
	void (*check)(const struct config *cfg, const struct config_service *svc, const char *path,
		      struct cfg_errors *errs);

	struct service_type *next;      /* the list's own */
};

void service_register(struct service_type *type);
/* In order of name. NULL: the first; NULL at the end. */
const struct service_type *service_next(const struct service_type *prev);
const struct service_type *service_find(const char *name);

#define SERVICE_REGISTER(type) \
	RTE_INIT(service_register_##type) \
	{ \
		service_register(&(type)); \
	}

#endif
