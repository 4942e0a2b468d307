/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a packet was dropped. Every drop in proto/ goes through NET_DROP() and is
 * counted under one of these; `show drops` prints the names.
 */
#ifndef NET_DROP_H
#define NET_DROP_H

#include <stdint.h>

#define NET_DROP_REASONS(X) \
	/* Ethernet */ \
	X(ETH_SHORT, "eth_short") X(ETH_NOT_OURS, "eth_not_ours") X(ETH_TYPE, "eth_type_unknown") \
	X(VLAN_UNKNOWN, "vlan_unknown") X(VLAN_NESTED, "vlan_nested") \
	/* ARP */ \
	X(ARP_SHORT, "arp_short") X(ARP_BAD, "arp_bad") X(ARP_NOT_OURS, "arp_not_ours") \
	X(ARP_UNSOLICITED, "arp_unsolicited") X(ARP_RATE, "arp_rate") X(ARP_DONE, "arp_consumed") \
	X(NEIGH_FULL, "neigh_table_full") X(NEIGH_QUEUE, "neigh_queue_full") X(NEIGH_FAILED, "neigh_unreachable") \
	/* IPv4 */ \
	X(IP_SHORT, "ip_short") X(IP_VERSION, "ip_version") X(IP_IHL, "ip_ihl") X(IP_LENGTH, "ip_length") \
	X(IP_CKSUM, "ip_checksum") X(IP_TTL, "ip_ttl") X(IP_SRC, "ip_bad_source") X(IP_DST, "ip_not_ours") \
	X(IP_OPTION, "ip_bad_option") X(IP_SOURCE_ROUTE, "ip_source_route") X(IP_PROTO, "ip_proto_unknown") \
	X(IP_NO_ROUTE, "ip_no_route") X(IP6, "ip6_unsupported") \
	X(FRAG_TINY, "frag_tiny") X(FRAG_OVERLAP, "frag_overlap") X(FRAG_QUOTA, "frag_quota") \
	X(FRAG_TIMEOUT, "frag_timeout") X(FRAG_TABLE, "frag_table_full") X(FRAG_LONG, "frag_too_long") \
	/* ICMP */ \
	X(ICMP_SHORT, "icmp_short") X(ICMP_CKSUM, "icmp_checksum") X(ICMP_TYPE, "icmp_type") \
	X(ICMP_RATE, "icmp_rate_limited") X(ICMP_QUOTE, "icmp_bad_quote") X(ICMP_NO_FLOW, "icmp_no_flow") \
	X(ICMP_DONE, "icmp_consumed") X(UDP_NO_PORT, "udp_no_port") \
	/* TCP: before a connection is found */ \
	X(TCP_SHORT, "tcp_short") X(TCP_OFFSET, "tcp_data_offset") X(TCP_CKSUM, "tcp_checksum") \
	X(TCP_FLAGS, "tcp_bad_flags") X(TCP_PORT0, "tcp_port_zero") \
	X(TCP_NO_LISTENER, "tcp_no_listener") X(TCP_RST_UNMATCHED, "tcp_rst_unmatched") \
	X(TCP_RST_RATE, "tcp_rst_rate_limited") X(TCP_LISTEN_OTHER, "tcp_listen_ignored") \
	X(TCP_SYN_QUOTA, "tcp_syn_quota") X(TCP_COOKIE_BAD, "tcp_cookie_invalid") \
	X(TCP_ACCEPT_OVERFLOW, "tcp_accept_overflow") X(TCP_NO_MEMORY, "tcp_no_memory") \
	/* TCP: of a known connection, RFC 9293 3.10.7 and RFC 5961 */ \
	X(TCP_PAWS, "tcp_paws") X(TCP_OUT_OF_WINDOW, "tcp_out_of_window") X(TCP_RST_BAD_SEQ, "tcp_rst_bad_seq") \
	X(TCP_RST_ACCEPTED, "tcp_rst_accepted") X(TCP_SYN_IN_WINDOW, "tcp_syn_unexpected") \
	X(TCP_NO_ACK, "tcp_no_ack") X(TCP_ACK_UNSENT, "tcp_ack_unsent") X(TCP_ACK_OLD, "tcp_ack_too_old") \
	X(TCP_ACK_BAD, "tcp_ack_unacceptable") X(TCP_DUP_DATA, "tcp_duplicate_data") \
	X(TCP_ZERO_WINDOW, "tcp_zero_window") X(TCP_OOO_LIMIT, "tcp_ooo_limit") X(TCP_AFTER_FIN, "tcp_after_fin") \
	X(TCP_DATA_AFTER_CLOSE, "tcp_data_after_close") X(TCP_TIME_WAIT, "tcp_time_wait") \
	X(TCP_TSECR, "tcp_bad_tsecr") X(TCP_RCV_MEMORY, "tcp_receive_memory") \
	/* a segment without payload whose header was used up: not a loss, counted apart */ \
	X(TCP_DONE, "tcp_consumed") \
	/* on the way out */ \
	X(TX_NO_MBUF, "tx_no_mbuf") X(TX_GSO, "tx_gso_failed") X(TX_MTU, "tx_above_mtu")

enum net_drop {
#define NET_DROP_ENUM(id, name) DROP_##id,
	NET_DROP_REASONS(NET_DROP_ENUM)
#undef NET_DROP_ENUM
	NET_DROP_MAX
};

extern const char *const net_drop_names[NET_DROP_MAX];

/* The *_consumed reasons count packets that did their work and had nothing
 * left to hand on; `show drops` lists them apart. */
static inline int net_drop_is_loss(enum net_drop d)
{
	return d != DROP_ARP_DONE && d != DROP_ICMP_DONE && d != DROP_TCP_DONE;
}

#endif
