/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the load service: a client that opens connections to a target and
 * measures what comes back. Every lcore that runs it carries its share of the
 * connections and of the rate, with a generator and a histogram of its own.
 */
#ifndef LOAD_H
#define LOAD_H

#include <http_parser.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"
#include "pmd/base/histogram.h"
#include "pmd/base/pool.h"

#define LOAD_MAX_SOURCES 64
#define LOAD_MAX_REQUEST 65536
#define LOAD_MAX_PIPELINE 64
#define LOAD_MAX_SHARES 128     /* lcores */

enum load_mode { LOAD_STREAM, LOAD_REQUEST, LOAD_CONNECT };
enum load_direction { LOAD_SEND, LOAD_RECEIVE, LOAD_BOTH };
enum load_response { LOAD_RESPONSE_BYTES, LOAD_RESPONSE_HTTP };

enum load_counter {
	LOAD_OPENED, LOAD_OPEN_FAILED, LOAD_CLOSED, LOAD_ERRORS, LOAD_REQUESTS, LOAD_RESPONSES, LOAD_BAD_RESPONSES,
	LOAD_BYTES_OUT, LOAD_BYTES_IN, LOAD_SUM, LOAD_LATE, LOAD_ENDED,
};

struct load_conf {
	struct cfg_endpoint target;
	struct net_addr *sources;
	unsigned n_sources;
	int mode, direction, response;
	enum config_use connect_protocol;
	uint32_t connections;
	uint32_t connect_rate;         /* per second, all lcores; 0: as fast as they come */
	uint32_t pipeline;
	uint64_t rate;                 /* open loop: requests (LOAD_CONNECT: connections) per second, all lcores; 0: closed */
	uint32_t requests_per_connection; /* 0: no limit */
	bool hold;                     /* keep connections open when their requests are done */
	bool after_open;               /* requests begin when all connections are open */
	uint32_t start_delay_ms, warmup_s, duration_s;
	char http_path[256];           /* request GET of this path, if not "" */
	char request[1024];            /* or these octets, \r \n \\ \xHH understood, if not "" */
	uint32_t request_bytes;        /* or this many of a pattern */
	uint32_t response_bytes;       /* LOAD_RESPONSE_BYTES: length of each answer */
	uint32_t timeout_ms;           /* connect timeout */
};

/* One lcore's part that the main lcore reads while it is written: single
 * 64-bit words, so a reader sees each of them whole. */
struct load_share {
	struct histogram latency;      /* us, since the warm-up */
	uint64_t started_us, measured_us, ended_us; /* 0: not yet */
} __rte_cache_aligned;

struct load_shared {
	struct load_share share[LOAD_MAX_SHARES];
	uint8_t *request;              /* what is sent, request_len octets */
	uint32_t request_len;
	/* main lcore, for the report */
	uint64_t last[SERVICE_MAX_COUNTERS];
	uint64_t last_us;
};

struct load_conn {
	struct sock *sock;
	struct service *svc;
	struct load_conn *next, *prev;  /* load_state.conns_head */
	struct load_conn *rnext, *rprev;/* load_state.ready; NULL when not on it */
	http_parser *parser;            /* LOAD_RESPONSE_HTTP, while an answer is due */
	uint64_t *due_us;               /* ring of LOAD_MAX_PIPELINE: when each unanswered request was due */
	uint64_t connect_us;            /* when it was due to be opened */
	uint32_t sent, answered;        /* requests begun, answers complete */
	uint32_t unwritten;             /* requests begun that are not queued whole yet */
	uint32_t write_off;             /* octets of the first of them that are */
	uint32_t got;                   /* octets of the answer being read */
	bool open, bad;
};

struct load_state {
	struct pool conns, dues, parsers;
	struct load_conn conns_head;    /* list head: all connections */
	struct load_conn ready;         /* list head: open, with room in the pipeline (open loop only) */
	struct service_timer tick;
	struct load_share *share;
	const struct load_shared *shared;
	http_parser_settings settings;
	uint32_t target;                /* connections of this lcore */
	uint32_t opening, open;
	uint32_t turn;                  /* sources, round robin */
	double connect_gap_us;          /* between connections of this lcore; 0: no rate */
	double request_gap_us;          /* between requests of this lcore; 0: closed loop */
	double connect_next_us, request_next_us; /* when the next one is due */
	uint64_t begin_us, measure_us, end_us;   /* end_us 0: when told to */
	bool requesting, stopping;
};

/* ---- load_conn.c: one connection ---------------------------------------------- */
extern const struct sock_handler load_handler;
/* Begin to open one, due at due_us. 0 or a negative errno (counted). */
int load_open(struct service *svc, uint64_t due_us);
/* Begin a request that was due at due_us; room in the pipeline is the caller's business. */
void load_request(struct load_conn *c, uint64_t due_us);
/* What this connection does of its own accord once it may: fill the pipeline
 * (closed loop), fill the socket (stream), line up for requests (open loop). */
void load_go(struct load_conn *c);
void load_end(struct load_conn *c, bool abort);
void load_parser_settings(http_parser_settings *set);

/* ---- load_report.c, main lcore ------------------------------------------------- */
void load_report(const struct config_service *conf, void *shared, const uint64_t *counters, char *buf, size_t size);
/* The request as octets: from the path, the text or the size. 0, -EINVAL (bad
 * escape), -ENOMEM. Free *out with free(). */
int load_make_request(const struct load_conf *conf, uint8_t **out, uint32_t *len);

static inline uint64_t load_now(const struct service *svc)
{
	return net_now(tcp_net(sock_tcp(svc->ss)));
}

#endif
