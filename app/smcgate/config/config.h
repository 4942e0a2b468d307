/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The program's configuration: what the JSON file says, checked and with its
 * defaults filled in. Read once by the main lcore before anything is started
 * and not changed after; workers may read it. Bounds and meanings of each key
 * are in the tables of tables.c (and in doc/configuration.md, made from them).
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "app/config/field.h"
#include "pmd/base/log.h"
#include "proto/net/net.h"

#define CONFIG_MAX_PORTS NET_MAX_IFS
#define CONFIG_MAX_QUEUES 64        /* per port and direction */
#define CONFIG_MAX_LCORES 128
#define CONFIG_MAX_ADDRESSES NET_MAX_ADDRS /* per port */
#define CONFIG_MAX_ROUTES NET_MAX_ROUTES /* the gateway's included */
#define CONFIG_MAX_SERVICES 256
#define CONFIG_BURST_MAX 512        /* here and on the console, as all bounds of keys that can change while running */
#define CONFIG_MTU_MIN 68           /* RFC 791 */
#define CONFIG_MTU_MAX 9216
#define CONFIG_SNAP_MIN 64          /* octets of a packet captured */
#define CONFIG_SNAP_MAX 65000       /* the largest buffer an mbuf can describe, with room for pcapng's own blocks */
#define CONFIG_NAME_LEN 32          /* terminator included */
#define CONFIG_MAX_RDMA CONFIG_MAX_PORTS
#define CONFIG_MAX_EIDS 8
#define CONFIG_EID_LEN 33           /* terminator included */
#define CONFIG_MAX_POLICIES 64
#define CONFIG_PATH_LEN 108         /* fits sockaddr_un, terminator included */

/* Values of enumerations are as the JSON names them. */
enum config_switch { CONFIG_OFF, CONFIG_AUTO };               /* auto: when the port offers it */
enum config_hugepages { CONFIG_HUGE_AUTO, CONFIG_HUGE_REQUIRE, CONFIG_HUGE_OFF };
enum config_cookies { CONFIG_COOKIES_AUTO, CONFIG_COOKIES_ALWAYS, CONFIG_COOKIES_OFF };
enum config_congestion { CONFIG_CUBIC, CONFIG_NEWRENO };
enum config_provider { CONFIG_RDMA_ROCE, CONFIG_RDMA_VERBS };
enum config_use { CONFIG_USE_TCP, CONFIG_USE_SMC };
enum config_forward {
	CONFIG_FWD_SERVE, CONFIG_FWD_IO, CONFIG_FWD_MAC, CONFIG_FWD_MACSWAP, CONFIG_FWD_RXONLY,
	CONFIG_FWD_TXONLY, CONFIG_FWD_ICMPECHO,
	CONFIG_FWD_MODES
};

enum config_moderate { CONFIG_BUSY_POLL, CONFIG_STATIC, CONFIG_ADAPTIVE };

#define CONFIG_MAX_PROFILES 16
#define CONFIG_UNSET UINT32_MAX     /* a number the file does not give */
#define CONFIG_MODE_UNSET (-1)      /* a mode it does not give */

/* One setting of everything that moderates a receive queue: few of the
 * microseconds below mean little latency, many mean little work. */
struct config_profile {
	uint32_t sleep_us;          /* first back-off of a queue without interrupts; it doubles */
	uint32_t spin;              /* turns without work before a back-off */
	uint32_t usecs, packets;    /* an interrupt comes so long after, or with so many packets */
};

/* One receive queue of a port: what differs from the port. */
struct config_moderated_queue {
	uint32_t queue;
	enum config_moderate mode;
	uint32_t profile, max_latency_us;
};

struct config_moderation {
	enum config_moderate mode;
	uint32_t profile;           /* of static; where adaptive begins and idles */
	uint32_t max_latency_us;    /* CONFIG_UNSET: chosen for the machine when queues are polled, moderate.h */
	uint32_t most_us;           /* that, or idle.max_sleep_us: no profile goes beyond */
	struct config_profile *profiles; /* as written, or made from idle: never none after config_load() */
	unsigned n_profiles;
	struct config_moderated_queue *queues;
	unsigned n_queues;
};

struct config_port {
	char name[CONFIG_NAME_LEN];
	char device[64];   /* ethdev name or PCI address, as rte_eth_dev_get_port_by_name wants it */
	char vdev[256];    /* "" or "NAME,ARGS": the program adds it when device is not there yet */
	struct cfg_prefix *addresses;
	unsigned n_addresses;
	uint32_t mtu;
	uint32_t vlan;              /* 0: untagged */
	struct rte_ether_addr mac;  /* all zero: the device's own */
	uint32_t rx_queues, tx_queues;
	uint32_t rx_descriptors, tx_descriptors;
	bool promiscuous;
	struct {
		enum config_switch checksum, tso, rss;
	} offloads;
	bool arp_announce;
	bool arp_probe;
	struct config_moderation moderation;
};

struct config_queue {
	char port[CONFIG_NAME_LEN];
	uint32_t queue;
	/* Filled after parsing: index in config.ports. */
	unsigned port_index;
};

struct config_lcore {
	uint32_t lcore;
	struct config_queue *queues; /* may be empty: flows by software steering only */
	unsigned n_queues;
};

struct config_route {
	struct cfg_prefix to;  /* host part 0 */
	struct net_addr via;
	unsigned port_index;   /* the port whose subnet holds via; filled after parsing */
};

struct config_keepalive {
	bool enabled;
	uint32_t idle_s, interval_s, probes;
};

struct config_tcp {
	uint32_t min_mss;                  /* smallest MSS used towards a peer */
	uint32_t initial_window_segments;
	uint32_t rto_min_ms, rto_max_ms;
	uint32_t syn_retries, synack_retries, retries, orphan_retries;
	uint32_t user_timeout_ms;          /* 0: none */
	struct config_keepalive keepalive;
	uint32_t delayed_ack_ms;
	bool nagle;
	uint32_t time_wait_ms, fin_wait2_ms;
	uint32_t time_wait_max;            /* per lcore */
	uint32_t backlog;                  /* half-open connections per listener */
	uint32_t half_open_max;            /* per lcore */
	enum config_cookies syn_cookies;
	bool abort_on_overflow;
	bool timestamps, sack, window_scaling;
	enum config_congestion congestion;
	uint32_t receive_buffer_initial, receive_buffer_max, send_buffer_max; /* octets */
	uint32_t max_connections;          /* per lcore */
	uint32_t challenge_ack_ms;
	struct cfg_range local_ports;
	uint32_t ttl;
	uint32_t rst_rate;                 /* per second and lcore; 0: none are sent */
};

struct config_memory {
	uint32_t arena_mb;         /* per NUMA node; 0: what the pools need */
	uint32_t rx_buffers;       /* per lcore */
	uint32_t payload_buffers;  /* per lcore */
	uint32_t header_buffers;   /* per lcore */
	uint32_t buffer_size;      /* octets of packet data, headroom not counted */
	enum config_hugepages hugepages;
};

struct service_type;

struct config_service {
	char name[CONFIG_NAME_LEN];
	const struct service_type *type;
	void *conf;                    /* the type's own struct, filled by its table; NULL if it has none */
	enum config_use listen_protocol;
	struct cfg_endpoint listen;    /* addr.family NET_UNSPEC: does not listen */
	uint32_t backlog;              /* 0: tcp.backlog */
	uint32_t max_connections;      /* per lcore; 0: tcp.max_connections */
	uint32_t max_connections_per_peer; /* per lcore and peer address; 0: no limit */
};

struct config_rdma {
	char name[CONFIG_NAME_LEN];
	enum config_provider provider;
	char port[CONFIG_NAME_LEN];
	unsigned port_index;           /* filled after parsing */
	uint32_t window;               /* packets unacknowledged per queue pair, a power of two */
	uint32_t max_qps;              /* per lcore */
	uint32_t rto_min_us;
};

struct config_eid {
	char text[CONFIG_EID_LEN];
};

struct config_policy {
	struct cfg_prefix peer;        /* addr.family NET_UNSPEC: any */
	uint32_t port;                 /* 0: any */
	char service[CONFIG_NAME_LEN]; /* "": any */
	enum config_use use;
};

/* Quotas and memory are per lcore. */
struct config_smc {
	bool enabled;                  /* and there is an RDMA device: see config_smc_on() */
	struct config_eid *eids;
	unsigned n_eids;
	char hostname[33];             /* "": the system's */
	struct config_policy *policies;
	unsigned n_policies;
	uint32_t max_links, max_conns_per_group;
	uint32_t groups_max, groups_per_peer, handshakes_max, handshakes_per_peer;
	uint64_t buffer_bytes_per_peer; /* 0: all */
	uint32_t rmb_size, sndbuf_size; /* octets */
	uint32_t memory_mb;
	uint32_t clc_wait_ms, llc_wait_ms, close_wait_ms;
	uint32_t testlink_s, idle_server_s, idle_client_s; /* testlink 0: off */
	uint32_t failures, forget_s;
	uint32_t autocork;             /* octets; 0: off */
};

struct config_idle {
	bool enabled;
	uint32_t spin_turns;
	uint32_t min_sleep_us;
	uint32_t max_sleep_us;
};

struct config_console {
	char socket[CONFIG_PATH_LEN]; /* "": the default, see console.h */
};

struct config_capture {
	char directory[256];          /* "": capture is refused */
	uint64_t max_bytes;           /* per file */
	uint32_t snap_length;
};

struct config_log {
	int level;                    /* RTE_LOG_* */
	int layers[LOG_LAYERS];       /* RTE_LOG_*, filled from level where not given */
};

struct config_arp {
	uint32_t reachable_ms;
	uint32_t table_size;
	uint32_t unresolved_max;
	uint32_t queue_packets;       /* per unresolved address */
};

struct config_icmp {
	uint32_t rate;                /* messages sent per second and lcore, echo replies included; 0: none */
};

struct config_ip {
	uint32_t ttl;                 /* of what is not TCP */
	uint32_t reassembly_entries;  /* per lcore */
	uint32_t reassembly_ms;
	bool accept_source_route;
};

struct config {
	struct config_port *ports;
	unsigned n_ports;
	struct config_lcore *lcores;  /* n_lcores 0: see config_deal_queues() */
	unsigned n_lcores;
	struct config_route *routes;  /* gateway, if given, comes as the last one, 0.0.0.0/0 */
	unsigned n_routes;
	struct net_addr gateway;      /* as written; already in routes */
	struct config_tcp tcp;
	struct config_memory memory;
	struct config_service *services;
	unsigned n_services;
	struct config_rdma *rdma;
	unsigned n_rdma;
	struct config_smc smc;
	struct config_idle idle;
	uint32_t burst;
	enum config_forward forward;
	struct config_console console;
	struct config_capture capture;
	struct {
		uint32_t grace_ms;
	} shutdown;
	struct config_log log;
	struct config_arp arp;
	struct config_icmp icmp;
	struct config_ip ip;
};

/*
 * Read and check a configuration: either 0 and a whole *out, to be freed by
 * config_free(), or a negative errno, *out NULL and at least one line in errs
 * (zeroed by the caller, freed by cfg_errors_free()). Nothing is started and
 * EAL is not needed.
 * Errors: -EINVAL (content), or what opening and reading the file gave.
 */
int config_load(const char *file, struct config **out, struct cfg_errors *errs);
int config_parse_buffer(const char *text, size_t len, struct config **out, struct cfg_errors *errs);
void config_free(struct config *cfg);

/*
 * One element of "services" alone, for services added while running. It is
 * also checked against cfg (addresses of the ports, limits); against services that
 * run, in cfg or not, is the caller's to check.
 */
int config_parse_service(const struct config *cfg, const char *text, size_t len,
			 struct config_service **out, struct cfg_errors *errs);
void config_service_free(struct config_service *svc);

/* The value of KEY=VALUE among a vdev's arguments, *len octets within it; NULL: none. */
const char *config_vdev_argument(const char *vdev, const char *key, size_t *len);

/* For the checks of services: an address that connections come from is one of a port's, or absent. */
void config_check_source(const struct config *cfg, const struct net_addr *addr, const char *path,
			 struct cfg_errors *errs);

/*
 * Match the configuration with the worker lcores EAL runs. Without "lcores"
 * every worker gets an entry and the ports' receive queues are dealt round
 * robin; with it, each lcore named must be a worker. Adds to errs and returns
 * 0, -EINVAL or -ENOMEM.
 */
int config_deal_queues(struct config *cfg, const unsigned *workers, unsigned n_workers,
		       struct cfg_errors *errs);

/* What a receive queue of the port begins with: its own values, the port's where it has none;
 * max_latency_us is CONFIG_UNSET where neither has. */
struct config_moderated_queue config_moderated(const struct config_port *port, unsigned queue);

/* Profile p may stand right of left: no less latency, no more work, not the same. */
bool config_profile_follows(const struct config_profile *left, const struct config_profile *p);

/* Index of a port by name, or -ENOENT. */
int config_port_index(const struct config *cfg, const char *name);

/* Whether SMC is spoken at all. */
static inline bool
config_smc_on(const struct config *cfg)
{
	return cfg->smc.enabled && cfg->n_rdma != 0;
}

/* Why a text cannot be an EID (A-Z 0-9 . -, the first a letter or digit), or NULL. */
const char *config_bad_eid(const char *text);

/* "serve", "io", ...: testpmd's names. NULL-terminated list of the modes. */
extern const struct cfg_enum config_forward_names[];
extern const struct cfg_enum config_moderate_names[]; /* "busy-poll", "static", "adaptive" */
extern const struct cfg_enum config_log_level_names[];
extern const struct cfg_enum config_use_names[]; /* "tcp", "smc" */
extern const struct cfg_enum config_congestion_names[]; /* also the names proto/tcp knows */

/* The table of the whole file, for the engine's other users: schema,
 * documentation, tests. */
extern const struct cfg_field config_fields[];

#endif
