/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Services: each is one file with one table of callbacks, registered by a
 * constructor. The configuration knows them only through this list, so a new
 * service is a new file in service_sources and nothing else.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>

#include "app/smcgate/config/config.h"
#include "proto/sock/sock.h"


/* Whether a service of the type has a "listen" key. */
enum service_listen {
	SERVICE_LISTEN_REQUIRED,
	SERVICE_LISTEN_NONE,     /* a client: giving "listen" is an error */
};

#define SERVICE_MAX_COUNTERS 32

/* Connections by what carried them at the beginning. */
struct service_transports {
	uint64_t smc_accepted, tcp_accepted, smc_connected, tcp_connected;
};

/* A service on one lcore. Owned by that lcore from start to stop; counters are
 * read by others only through a message. */
struct service {
	const struct config_service *conf;
	const struct service_type *type;
	struct sock_stack *ss;
	struct wheel *wheel;            /* the lcore's, for timers of kind WHEEL_SERVICE */
	void *shared;                   /* what type->prepare() made */
	void *state;                    /* type->state_size octets, zeroed before start */
	struct sock_listener *listener; /* NULL: does not listen */
	unsigned index, count;          /* this lcore among those that run the service: 0..count-1 */
	bool draining;
	uint64_t counters[SERVICE_MAX_COUNTERS]; /* meaning: type->counter_names */
	struct service_transports transports;    /* connected; all: service_get_transports() */
};

/* A timer of a service: embed it, arm it with service_timer_arm(). */
struct service_timer {
	struct wheel_timer wt;
	void (*fn)(struct service *svc, struct service_timer *t, uint64_t now_us);
	struct service *svc;
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

	/* Main lcore, before the first start (EAL is up): make what all lcores
	 * share read-only (loaded files); undone by release(). NULL: nothing.
	 * Returns 0 or a negative errno after logging why. */
	int (*prepare)(const struct config_service *conf, void **shared);
	void (*release)(void *shared);

	/* Worker lcore. The listener is opened after start() and handler.* get
	 * ctx = struct service. stop() is called when no socket is left, or all
	 * were aborted; it closes what the service opened itself. */
	size_t state_size;
	int (*start)(struct service *svc);
	/* Stop beginning new work (a client stops its streams); NULL: only the listener closes. */
	void (*drain)(struct service *svc);
	/* Sockets the service opened itself and still has; NULL: none. */
	uint32_t (*open)(const struct service *svc);
	/* Abort those; NULL: none. */
	void (*abort)(struct service *svc);
	void (*stop)(struct service *svc);
	struct sock_handler handler;
	const char *const *counter_names; /* NULL-terminated, at most SERVICE_MAX_COUNTERS */
	/* A report line a second while it runs (load's progress), main lcore:
	 * counters summed over lcores, what prepare() made. NULL: none. */
	void (*report)(const struct config_service *conf, void *shared, const uint64_t *counters, char *buf,
		       size_t size);

	struct service_type *next;      /* the list's own */
};

void service_register(struct service_type *type);
/* In order of name. NULL: the first; NULL at the end. */
const struct service_type *service_next(const struct service_type *prev);
const struct service_type *service_find(const char *name);

/* ---- running a service on the calling worker lcore ------------------------- */
/* enum sock_protocol of a "listen_protocol" or "connect_protocol". */
static inline uint16_t service_protocol(enum config_use use)
{
	return use == CONFIG_USE_SMC ? SOCK_SMC : SOCK_TCP;
}

/* Start and listen: fills svc. Errors: those of start() and sock_listen(). */
int service_start(struct service *svc, const struct config_service *conf, void *shared, struct sock_stack *ss,
		  struct wheel *wheel, unsigned index, unsigned count);
/* Stop accepting and beginning; what is open goes on. */
void service_drain(struct service *svc);
/* Open sockets, accepted and opened ones. */
uint32_t service_open(const struct service *svc);
/* A connection the service opened is established: for its connected(). */
void service_count_connected(struct service *svc, const struct sock *s);
void service_get_transports(const struct service *svc, struct service_transports *out);
/* Abort what is open. */
void service_abort(struct service *svc);
/* Only with service_open() == 0. */
void service_stop(struct service *svc);

/* Once a lcore: makes WHEEL_SERVICE timers work. */
void service_wheel_register(struct wheel *wheel);
void service_timer_arm(struct service *svc, struct service_timer *t, uint64_t deadline_us,
		       void (*fn)(struct service *svc, struct service_timer *t, uint64_t now_us));
void service_timer_cancel(struct service *svc, struct service_timer *t);

/* ---- small things several services need ------------------------------------- */
/* Free a chain of single buffers linked by next (sock_take(), a refused sock_give()). */
void service_chain_free(struct rte_mbuf *chain);
/* The sum of the octets, each of them read. */
uint64_t service_sum(const void *data, uint32_t len);

#define SERVICE_REGISTER(type) \
	RTE_INIT(service_register_##type) \
	{ \
		service_register(&(type)); \
	}

#endif
