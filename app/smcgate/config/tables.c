/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the configuration may say. Keys, bounds, defaults and meanings are here
 * and nowhere else: parser, JSON schema and documentation are made from these
 * tables. After a change: ninja -C build update-config-files.
 */
#include <string.h>

#include <rte_config.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/config/tables.h"
#include "app/smcgate/service/service.h"

static const struct cfg_enum switch_names[] = {
	{ "auto", CONFIG_AUTO },
	{ "off", CONFIG_OFF },
	{ NULL, 0 },
};

static const struct cfg_enum hugepages_names[] = {
	{ "auto", CONFIG_HUGE_AUTO },
	{ "require", CONFIG_HUGE_REQUIRE },
	{ "off", CONFIG_HUGE_OFF },
	{ NULL, 0 },
};

static const struct cfg_enum cookies_names[] = {
	{ "auto", CONFIG_COOKIES_AUTO },
	{ "always", CONFIG_COOKIES_ALWAYS },
	{ "off", CONFIG_COOKIES_OFF },
	{ NULL, 0 },
};

const struct cfg_enum config_congestion_names[] = {
	{ "cubic", CONFIG_CUBIC },
	{ "newreno", CONFIG_NEWRENO },
	{ NULL, 0 },
};

const struct cfg_enum config_forward_names[] = {
	{ "serve", CONFIG_FWD_SERVE },
	{ "io", CONFIG_FWD_IO },
	{ "mac", CONFIG_FWD_MAC },
	{ "macswap", CONFIG_FWD_MACSWAP },
	{ "rxonly", CONFIG_FWD_RXONLY },
	{ "txonly", CONFIG_FWD_TXONLY },
	{ "icmpecho", CONFIG_FWD_ICMPECHO },
	{ NULL, 0 },
};

/* The names rte_log uses. */
const struct cfg_enum config_log_level_names[] = {
	{ "emergency", RTE_LOG_EMERG },
	{ "alert", RTE_LOG_ALERT },
	{ "critical", RTE_LOG_CRIT },
	{ "error", RTE_LOG_ERR },
	{ "warning", RTE_LOG_WARNING },
	{ "notice", RTE_LOG_NOTICE },
	{ "info", RTE_LOG_INFO },
	{ "debug", RTE_LOG_DEBUG },
	{ NULL, 0 },
};

/* ---- ports ------------------------------------------------------------- */

static const struct cfg_field offload_fields[] = {
	CFG_ENUM(struct config_port, offloads.checksum, "checksum", 0, switch_names, CONFIG_AUTO,
		 "Checksums of IPv4 and TCP by the port, in both directions, when it offers that."),
	CFG_ENUM(struct config_port, offloads.tso, "tso", 0, switch_names, CONFIG_AUTO,
		 "Segmentation of large segments by the port when it offers that; in software otherwise."),
	CFG_ENUM(struct config_port, offloads.rss, "rss", 0, switch_names, CONFIG_AUTO,
		 "Spreading of flows over the receive queues by the port's hash when it offers that."),
	CFG_END
};

static const struct cfg_field address_elem = {
	.type = CFG_TYPE_PREFIX, .key = "address",
	.doc = "An address of ours and the length of its subnet's prefix.",
};

/* The offloads' offsets count from struct config_port, so the object's own is 0. */
static const struct cfg_field port_fields[] = {
	CFG_NAME(struct config_port, name, "name", CFG_REQUIRED,
		 "What the rest of the file and the console call it."),
	CFG_STRING(struct config_port, device, "device", CFG_REQUIRED, 1, NULL,
		   "The DPDK device: a PCI address as in `0000:00:05.0`, or a virtual device's name as in "
		   "`net_tap0`."),
	CFG_STRING(struct config_port, vdev, "vdev", 0, 1, NULL,
		   "The virtual device with its arguments as in `net_tap0,iface=dtap0`; the program creates "
		   "it when EAL "
		   "was not told to. It begins with the name in `device`. A socket that it listens on and a killed process "
		   "left is removed."),
	CFG_ARRAY(struct config_port, addresses, n_addresses, "addresses", 0, 0, CONFIG_MAX_ADDRESSES,
		  &address_elem,
		  "Our addresses on the port."),
	CFG_U32(struct config_port, mtu, "mtu", CFG_RUNTIME, CONFIG_MTU_MIN, CONFIG_MTU_MAX, 1500,
		"Largest IP packet, in octets. What the device takes is checked when the port starts."),
	CFG_U32(struct config_port, vlan, "vlan", 0, 0, 4094, 0, "VLAN of all its traffic; 0 for untagged."),
	CFG_MAC(struct config_port, mac, "mac", 0, "MAC address to set on the device; its own when absent."),
	CFG_U32(struct config_port, rx_queues, "rx_queues", 0, 1, CONFIG_MAX_QUEUES, 1,
		"Number of receive queues."),
	CFG_U32(struct config_port, tx_queues, "tx_queues", 0, 1, CONFIG_MAX_QUEUES, 1,
		"Number of transmit queues."),
	CFG_U32(struct config_port, rx_descriptors, "rx_descriptors", 0, 32, 32768, 512,
		"Descriptors of each receive queue; the device may adjust it."),
	CFG_U32(struct config_port, tx_descriptors, "tx_descriptors", 0, 32, 32768, 512,
		"Descriptors of each transmit queue; the device may adjust it."),
	CFG_BOOL(struct config_port, promiscuous, "promiscuous", CFG_RUNTIME, false,
		 "Receive frames for other stations too."),
	{ .key = "offloads", .type = CFG_TYPE_OBJECT, .fields = offload_fields,
	  .doc = "What the port may do for us." },
	CFG_BOOL(struct config_port, arp_announce, "arp_announce", 0, true,
		 "Announce the addresses when the port starts (RFC 5227 2.3)."),
	CFG_BOOL(struct config_port, arp_probe, "arp_probe", 0, false,
		 "Look for another owner of the addresses first, which takes some seconds (RFC 5227 2.1)."),
	CFG_OBJECT(struct config_port, moderation, "moderation", CFG_RUNTIME, config_moderation_fields,
		   "How receive queues trade latency for work: when their lcore backs off, how long, and how often "
		   "the device interrupts it."),
	CFG_END
};

static const struct cfg_field port_elem = { .type = CFG_TYPE_OBJECT, .key = "port", .fields = port_fields };

/* ---- lcores ------------------------------------------------------------ */

static const struct cfg_field queue_fields[] = {
	CFG_NAME(struct config_queue, port, "port", CFG_REQUIRED, "Name of the port."),
	CFG_U32(struct config_queue, queue, "queue", 0, 0, CONFIG_MAX_QUEUES - 1, 0,
		"Number of the receive queue, from 0."),
	CFG_END
};

static const struct cfg_field queue_elem = { .type = CFG_TYPE_OBJECT, .key = "queue",
					     .fields = queue_fields };

static const struct cfg_field lcore_fields[] = {
	CFG_U32(struct config_lcore, lcore, "lcore", CFG_REQUIRED, 0, RTE_MAX_LCORE - 1, 0,
		"The lcore, one of EAL's workers (`-l`)."),
	CFG_ARRAY(struct config_lcore, queues, n_queues, "queues", 0, 0, CONFIG_MAX_PORTS * CONFIG_MAX_QUEUES,
		  &queue_elem,
		  "Receive queues it polls; without any it gets flows from the other lcores."),
	CFG_END
};

static const struct cfg_field lcore_elem = { .type = CFG_TYPE_OBJECT, .key = "lcore",
					     .fields = lcore_fields };

/* ---- routes ------------------------------------------------------------ */

static const struct cfg_field route_fields[] = {
	CFG_PREFIX(struct config_route, to, "to", CFG_REQUIRED, NULL,
		   "Destination; bits beyond the prefix are 0."),
	CFG_IPV4(struct config_route, via, "via", CFG_REQUIRED, NULL,
		 "Next hop, in the subnet of one of our addresses."),
	CFG_END
};

static const struct cfg_field route_elem = { .type = CFG_TYPE_OBJECT, .key = "route",
					     .fields = route_fields };

/* ---- tcp --------------------------------------------------------------- */

static const struct cfg_field keepalive_fields[] = {
	CFG_BOOL(struct config_keepalive, enabled, "enabled", 0, false, "Probe peers of idle connections."),
	CFG_U32(struct config_keepalive, idle_s, "idle_s", 0, 1, 32767, 7200,
		"Seconds without a segment before the first probe."),
	CFG_U32(struct config_keepalive, interval_s, "interval_s", 0, 1, 32767, 75,
		"Seconds between probes."),
	CFG_U32(struct config_keepalive, probes, "probes", 0, 1, 127, 9,
		"Unanswered probes after which the connection is dead."),
	CFG_END
};

static const struct cfg_field tcp_fields[] = {
	CFG_U32(struct config_tcp, min_mss, "min_mss", 0, 48, 536, 48,
		"Smallest segment size used, whatever a peer announces, in octets."),
	CFG_U32(struct config_tcp, initial_window_segments, "initial_window_segments", 0, 1, 64, 10,
		"Initial congestion window, in segments (RFC 6928)."),
	CFG_U32(struct config_tcp, rto_min_ms, "rto_min_ms", 0, 1, 60000, 200,
		"Lower bound of the retransmission timeout, in ms (RFC 6298)."),
	CFG_U32(struct config_tcp, rto_max_ms, "rto_max_ms", 0, 1000, 240000, 120000,
		"Upper bound of the retransmission timeout, in ms."),
	CFG_U32(struct config_tcp, syn_retries, "syn_retries", 0, 0, 12, 6,
		"Retransmissions of a SYN before connecting fails."),
	CFG_U32(struct config_tcp, synack_retries, "synack_retries", 0, 0, 12, 5,
		"Retransmissions of a SYN-ACK before a half-open connection is dropped."),
	CFG_U32(struct config_tcp, retries, "retries", 0, 1, 100, 15,
		"Timeouts in a row after which a connection is dead (R2 of RFC 9293 3.8.3)."),
	CFG_U32(struct config_tcp, orphan_retries, "orphan_retries", 0, 0, 100, 8,
		"The same for a connection that its service has closed."),
	CFG_U32(struct config_tcp, user_timeout_ms, "user_timeout_ms", 0, 0, 86400000, 0,
		"Time data may stay unacknowledged before the connection is dead, in ms (RFC 5482); 0 for no "
		"limit."),
	CFG_OBJECT(struct config_tcp, keepalive, "keepalive", 0, keepalive_fields,
		   "Keepalive (RFC 9293 3.8.4)."),
	CFG_U32(struct config_tcp, delayed_ack_ms, "delayed_ack_ms", 0, 0, 500, 40,
		"Longest delay of an acknowledgement, in ms (RFC 9293 3.8.6.3)."),
	CFG_BOOL(struct config_tcp, nagle, "nagle", 0, true,
		 "Hold back short segments while data is unacknowledged; a service may switch it off for a "
		 "connection."),
	CFG_U32(struct config_tcp, time_wait_ms, "time_wait_ms", 0, 0, 240000, 60000,
		"Length of TIME-WAIT, in ms."),
	CFG_U32(struct config_tcp, fin_wait2_ms, "fin_wait2_ms", 0, 0, 600000, 60000,
		"Time a closed connection waits for its peer's FIN, in ms."),
	CFG_U32(struct config_tcp, time_wait_max, "time_wait_max", 0, 64, 4194304, 262144,
		"TIME-WAIT entries per lcore; beyond it the oldest goes."),
	CFG_U32(struct config_tcp, backlog, "backlog", 0, 1, 65536, 1024,
		"Half-open connections per listener and lcore; beyond it SYN cookies."),
	CFG_U32(struct config_tcp, half_open_max, "half_open_max", 0, 16, 1048576, 65536,
		"Half-open connections per lcore."),
	CFG_ENUM(struct config_tcp, syn_cookies, "syn_cookies", 0, cookies_names, CONFIG_COOKIES_AUTO,
		 "SYN cookies: when a backlog is full, for every connection, or never (RFC 4987)."),
	CFG_BOOL(struct config_tcp, abort_on_overflow, "abort_on_overflow", 0, false,
		 "Reset a new connection that cannot be accepted, instead of letting the peer try again."),
	CFG_BOOL(struct config_tcp, timestamps, "timestamps", 0, true, "Timestamps and PAWS (RFC 7323)."),
	CFG_BOOL(struct config_tcp, sack, "sack", 0, true, "Selective acknowledgements (RFC 2018)."),
	CFG_BOOL(struct config_tcp, window_scaling, "window_scaling", 0, true, "Window scaling (RFC 7323)."),
	CFG_ENUM(struct config_tcp, congestion, "congestion", 0, config_congestion_names, CONFIG_CUBIC,
		 "Congestion control: CUBIC (RFC 9438) or NewReno (RFC 6582)."),
	CFG_U32(struct config_tcp, receive_buffer_initial, "receive_buffer_initial", 0, 2048, 67108864, 65536,
		"Receive window of a new connection, in octets."),
	CFG_U32(struct config_tcp, receive_buffer_max, "receive_buffer_max", 0, 2048, 1073741824, 4194304,
		"Receive window a connection can grow to, in octets."),
	CFG_U32(struct config_tcp, send_buffer_max, "send_buffer_max", 0, 2048, 1073741824, 4194304,
		"Octets a connection can queue for sending, those not acknowledged included."),
	CFG_U32(struct config_tcp, max_connections, "max_connections", 0, 1, 4194304, 65536,
		"Connections per lcore; their memory is taken at the start."),
	CFG_U32(struct config_tcp, challenge_ack_ms, "challenge_ack_ms", 0, 0, 60000, 500,
		"Least time between two challenge ACKs of a connection, in ms (RFC 5961)."),
	CFG_RANGE(struct config_tcp, local_ports, "local_ports", 0, 1024, 65535, 10240, 65535,
		  "Ports outgoing connections use, from the first to the second."),
	CFG_U32(struct config_tcp, ttl, "ttl", 0, 1, 255, 64, "Time to live of TCP segments."),
	CFG_U32(struct config_tcp, rst_rate, "rst_rate", 0, 0, 1000000, 1000,
		"Resets sent per second and lcore for segments that belong to no connection."),
	CFG_END
};

/* ---- the lower layers -------------------------------------------------- */

static const struct cfg_field arp_fields[] = {
	CFG_U32(struct config_arp, reachable_ms, "reachable_ms", 0, 1000, 3600000, 30000,
		"Time a confirmed neighbour counts as reachable, in ms."),
	CFG_U32(struct config_arp, table_size, "table_size", 0, 16, 65536, 1024,
		"Neighbours known at a time."),
	CFG_U32(struct config_arp, unresolved_max, "unresolved_max", 0, 1, 4096, 256,
		"Of these, neighbours that have not answered yet."),
	CFG_U32(struct config_arp, queue_packets, "queue_packets", 0, 1, NET_NEIGH_QUEUE_MAX, 3,
		"Packets that wait for an unresolved neighbour; the newest are kept. Beyond them 256 resets, SYN cookies, "
		"acknowledgements and ICMP messages wait, of all neighbours together."),
	CFG_END
};

static const struct cfg_field icmp_fields[] = {
	CFG_U32(struct config_icmp, rate, "rate", 0, 0, 1000000, 1000,
		"ICMP messages sent per second and lcore, echo replies included."),
	CFG_END
};

static const struct cfg_field ip_fields[] = {
	CFG_U32(struct config_ip, ttl, "ttl", 0, 1, 255, 64, "Time to live of packets that are not TCP."),
	CFG_U32(struct config_ip, reassembly_entries, "reassembly_entries", 0, 1, 65536, 1024,
		"Datagrams in reassembly per lcore."),
	CFG_U32(struct config_ip, reassembly_ms, "reassembly_ms", 0, 100, 120000, 30000,
		"Time to wait for a datagram's missing fragments, in ms."),
	CFG_BOOL(struct config_ip, accept_source_route, "accept_source_route", 0, false,
		 "Ignore source routes instead of dropping packets that carry one."),
	CFG_END
};

/* ---- services ---------------------------------------------------------- */

static const struct cfg_field service_fields[] = {
	CFG_NAME(struct config_service, name, "name", CFG_REQUIRED, "What the console calls it."),
	CFG_ENDPOINT(struct config_service, listen, "listen", CFG_BY_VARIANT, NULL,
		     "Where it listens: one of our addresses, or `0.0.0.0` for all of them, and a port."),
	CFG_ENUM(struct config_service, listen_protocol, "listen_protocol", CFG_BY_VARIANT, config_use_names, CONFIG_USE_TCP,
		 "`smc` accepts SMC from peers that speak it, and TCP from all others; see `smc.policies`."),
	CFG_U32(struct config_service, backlog, "backlog", CFG_BY_VARIANT, 1, 65536, 0,
		"Half-open connections per lcore; `tcp.backlog` when absent."),
	CFG_U32(struct config_service, max_connections, "max_connections", CFG_BY_VARIANT, 1, 4194304, 0,
		"Connections per lcore; `tcp.max_connections` when absent."),
	CFG_U32(struct config_service, max_connections_per_peer, "max_connections_per_peer", CFG_BY_VARIANT,
		1, 4194304, 0,
		"Connections per lcore from one address; no limit of its own when absent."),
	CFG_END
};

static const void *variant_next(const void *prev) { return service_next(prev); }
static const char *variant_name(const void *v) { return ((const struct service_type *)v)->name; }
static const char *variant_doc(const void *v) { return ((const struct service_type *)v)->doc; }
static const struct cfg_field *variant_fields(const void *v) { return ((const struct service_type *)v)->fields; }
static size_t variant_size(const void *v) { return ((const struct service_type *)v)->conf_size; }

/* All the keys the type decides on have to do with listening. */
static int
variant_wants(const void *v, const char *key)
{
	const struct service_type *type = v;

	if (type->listen == SERVICE_LISTEN_NONE)
		return -1;
	return strcmp(key, "listen") == 0;
}

static const struct cfg_variants service_variants = {
	.key = "type",
	.doc = "What it does; decides on further keys.",
	.tag_offset = offsetof(struct config_service, type),
	.conf_offset = offsetof(struct config_service, conf),
	.next = variant_next,
	.name = variant_name,
	.describe = variant_doc,
	.fields = variant_fields,
	.size = variant_size,
	.wants = variant_wants,
};

const struct cfg_field config_service_elem = {
	.type = CFG_TYPE_OBJECT, .key = "service", .fields = service_fields, .variants = &service_variants,
};

/* ---- the rest ---------------------------------------------------------- */

static const struct cfg_field memory_fields[] = {
	CFG_U32(struct config_memory, arena_mb, "arena_mb", 0, 1, 1048576, 0,
		"Size of each NUMA node's arena, in MiB; what the buffers need when absent."),
	CFG_U32(struct config_memory, rx_buffers, "rx_buffers", 0, 256, 16777216, 8192,
		"Receive buffers per lcore."),
	CFG_U32(struct config_memory, payload_buffers, "payload_buffers", 0, 256, 16777216, 8192,
		"Buffers per lcore for what is sent."),
	CFG_U32(struct config_memory, header_buffers, "header_buffers", 0, 256, 16777216, 8192,
		"Buffers per lcore for headers of segments, acknowledgements and other small packets."),
	CFG_U32(struct config_memory, buffer_size, "buffer_size", 0, 2048, 16384, 2048,
		"Octets of packet data a buffer holds."),
	CFG_ENUM(struct config_memory, hugepages, "hugepages", 0, hugepages_names, CONFIG_HUGE_AUTO,
		 "Arenas on huge pages: when there are enough, or not start without, or never."),
	CFG_END
};

static const struct cfg_field idle_fields[] = {
	CFG_BOOL(struct config_idle, enabled, "enabled", 0, true, "Let lcores without work sleep; without, all queues are polled busily."),
	CFG_U32(struct config_idle, spin_turns, "spin_turns", 0, 1, 1000000, 16,
		"Turns in a row without work before an lcore sleeps; `moderation.profiles` of a port are made from "
		"this and the two below unless it has its own."),
	CFG_U32(struct config_idle, min_sleep_us, "min_sleep_us", 0, 1, 1000000, 20,
		"First sleep after work, in microseconds; it doubles with every one that finds nothing. A longer one "
		"finds more packets at a time: less CPU, more latency."),
	CFG_U32(struct config_idle, max_sleep_us, "max_sleep_us", 0, 1, 1000000, 1000,
		"Longest sleep, in microseconds: a packet on a port without receive interrupts waits that "
		"long at worst; most that a port has for `moderation.max_latency_us` that does not give it."),
	CFG_END
};

static const struct cfg_field console_fields[] = {
	CFG_STRING(struct config_console, socket, "socket", 0, 1, NULL,
		   "Path of a Unix socket (mode 0600) that takes console commands; `smcgate.console` in EAL's run "
		   "directory when absent."),
	CFG_END
};

static const struct cfg_field capture_fields[] = {
	CFG_STRING(struct config_capture, directory, "directory", 0, 1, NULL,
		   "The only directory packets are captured into; without it `capture start` is refused."),
	CFG_U64(struct config_capture, max_bytes, "max_bytes", 0, 65536, 1099511627776, 1073741824,
		"Octets after which a capture file is closed."),
	CFG_U32(struct config_capture, snap_length, "snap_length", 0, CONFIG_SNAP_MIN, CONFIG_SNAP_MAX, CONFIG_SNAP_MAX,
		"Octets kept of each packet."),
	CFG_END
};

static const struct cfg_field shutdown_fields[] = {
	CFG_U32(struct config, shutdown.grace_ms, "grace_ms", 0, 0, 3600000, 2000,
		"Time connections get to end before they are reset, in ms."),
	CFG_END
};

#define LOG_LAYER(id, name) \
	CFG_ENUM(struct config_log, layers[id], name, CFG_RUNTIME, config_log_level_names, CONFIG_LOG_UNSET, \
		 "As `level`, which it has when absent.")

static const struct cfg_field layer_fields[] = {
	LOG_LAYER(LOG_BASE, "base"), LOG_LAYER(LOG_NET, "net"), LOG_LAYER(LOG_TCP, "tcp"),
	LOG_LAYER(LOG_SOCK, "sock"), LOG_LAYER(LOG_PIPELINE, "pipeline"), LOG_LAYER(LOG_CONFIG, "config"),
	LOG_LAYER(LOG_CONSOLE, "console"), LOG_LAYER(LOG_SERVICE, "service"),
	CFG_END
};
_Static_assert(RTE_DIM(layer_fields) == LOG_LAYERS + 1, "a key for each layer");

static const struct cfg_field log_fields[] = {
	CFG_ENUM(struct config_log, level, "level", CFG_RUNTIME, config_log_level_names, RTE_LOG_INFO,
		 "Least important messages that are written."),
	{ .key = "layers", .type = CFG_TYPE_OBJECT, .fields = layer_fields,
	  .doc = "The same for single layers." },
	CFG_END
};

const struct cfg_field config_fields[] = {
	CFG_ARRAY(struct config, ports, n_ports, "ports", CFG_REQUIRED, 1, CONFIG_MAX_PORTS, &port_elem,
		  "The ports."),
	CFG_ARRAY(struct config, lcores, n_lcores, "lcores", 0, 1, CONFIG_MAX_LCORES, &lcore_elem,
		  "Which lcore polls which queues; when absent all workers do, the queues dealt in turn."),
	CFG_ARRAY(struct config, routes, n_routes, "routes", 0, 0, CONFIG_MAX_ROUTES, &route_elem,
		  "Static routes."),
	CFG_IPV4(struct config, gateway, "gateway", 0, NULL, "Short for a route to 0.0.0.0/0."),
	CFG_OBJECT(struct config, tcp, "tcp", 0, tcp_fields, "TCP."),
	CFG_OBJECT(struct config, arp, "arp", 0, arp_fields, "Neighbours (RFC 826)."),
	CFG_OBJECT(struct config, ip, "ip", 0, ip_fields, "IPv4."),
	CFG_OBJECT(struct config, icmp, "icmp", 0, icmp_fields, "ICMP."),
	CFG_OBJECT(struct config, memory, "memory", 0, memory_fields, "Arenas and pools."),
	CFG_ARRAY(struct config, services, n_services, "services", CFG_RUNTIME, 0, CONFIG_MAX_SERVICES,
		  &config_service_elem,
		  "What is served; services are added and removed on the console while running."),
	CFG_ARRAY(struct config, rdma, n_rdma, "rdma", 0, 0, CONFIG_MAX_RDMA, &config_rdma_elem,
		  "RDMA devices, at most one a port; without any SMC is not spoken."),
	CFG_OBJECT(struct config, smc, "smc", 0, config_smc_fields,
		   "SMC-R, over the devices of `rdma`. Numbers and memory are per lcore."),
	CFG_OBJECT(struct config, idle, "idle", 0, idle_fields, "Lcores without work."),
	CFG_U32(struct config, burst, "burst", CFG_RUNTIME, 1, CONFIG_BURST_MAX, 32,
		"Packets received from a queue at a time."),
	CFG_ENUM(struct config, forward, "forward", CFG_RUNTIME, config_forward_names, CONFIG_FWD_SERVE,
		 "What is done with packets: `serve` is the TCP/IP stack, the others are testpmd's."),
	CFG_OBJECT(struct config, console, "console", 0, console_fields, "The console."),
	CFG_OBJECT(struct config, capture, "capture", 0, capture_fields, "Packet capture."),
	{ .key = "shutdown", .type = CFG_TYPE_OBJECT, .fields = shutdown_fields,
	  .doc = "The end of the program." },
	CFG_OBJECT(struct config, log, "log", 0, log_fields, "Messages."),
	CFG_END
};
