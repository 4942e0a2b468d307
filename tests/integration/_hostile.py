# SPDX-License-Identifier: BSD-3-Clause
"""_hostile.py MAC: for each line read, a kind, send malformed or forged frames of that
kind to smcgate at MAC and say "sent"."""
import random
import sys

from scapy.all import ARP, ICMP, IP, TCP, UDP, Ether, Raw, conf, get_if_hwaddr
from scapy.utils import checksum

mac = sys.argv[1]
US, GATE = "10.77.0.1", "10.77.0.2"
syn = TCP(sport=5555, dport=80, flags="S", seq=1)


def ip(**fields):
    return IP(src=fields.pop("src", US), dst=fields.pop("dst", GATE), **fields)


def tcp(**fields):
    return ip() / TCP(sport=5555, dport=80, **fields)


def with_options(*options):
    """A SYN in a packet with these octets as IP options."""
    whole = bytearray(bytes(ip() / syn))
    whole[20:20] = bytes(options)
    whole[0] = 0x45 + len(options) // 4
    whole[2:4] = len(whole).to_bytes(2, "big")
    whole[10:12] = b"\0\0"
    whole[10:12] = checksum(bytes(whole[:20 + len(options)])).to_bytes(2, "big")
    return Raw(bytes(whole))


def frags(second):
    """A datagram's first fragment of 64 octets and another at offset second * 8."""
    return [ip(id=77, proto=17, flags="MF", frag=0) / Raw(bytes(64)),
            ip(id=77, proto=17, flags="MF", frag=second) / Raw(bytes(64))]


def noise():
    rnd = random.Random(4711)
    for _ in range(500):
        whole = bytearray(bytes(ip() / syn / Raw(rnd.randbytes(rnd.randrange(200)))))
        for _ in range(rnd.randrange(1, 8)):
            whole[rnd.randrange(len(whole))] = rnd.randrange(256)
        yield Raw(bytes(whole[:rnd.randrange(1, len(whole) + 1)]))


kinds = {
    "version": lambda: [ip(version=5) / syn] * 2,
    "ihl": lambda: [ip(ihl=4) / syn] * 2,
    "length": lambda: [ip(len=4000) / syn, ip(len=19) / syn],
    "checksum": lambda: [ip(chksum=0x1234) / syn] * 3,
    "martians": lambda: [ip(src=a) / syn for a in ("127.0.0.1", "224.0.0.1", "255.255.255.255", "10.77.0.255", GATE)],
    "source-route": lambda: [with_options(t, 7, 4, 10, 77, 0, 9, 0) for t in (131, 137)],
    "options": lambda: [with_options(7, n, 4, 0) for n in (1, 40)],
    "proto": lambda: [ip(proto=p) / Raw(b"x" * 20) for p in (132, 253)],
    "not-ours": lambda: [ip(dst=a) / syn for a in ("10.77.0.3", "192.0.2.1")],
    "frag-tiny": lambda: [ip(flags="MF", proto=6) / Raw(bytes(8)), ip(frag=1, proto=6) / Raw(bytes(8))],
    "frag-overlap": lambda: frags(4),
    "tcp-checksum": lambda: [tcp(flags="S", chksum=1)] * 2,
    "tcp-offset": lambda: [tcp(flags="S", dataofs=4), tcp(flags="S", dataofs=15)],
    "tcp-short": lambda: [ip(proto=6) / Raw(bytes(n)) for n in (4, 19)],
    "tcp-flags": lambda: [tcp(flags=f) for f in ("SF", "SR", "SRF", "SFPU")],
    "tcp-port0": lambda: [ip() / TCP(sport=0, dport=80, flags="S"), ip() / TCP(sport=5555, dport=0, flags="S")],
    "icmp-checksum": lambda: [ip() / ICMP(chksum=1)] * 2,
    "icmp-short": lambda: [ip(proto=1) / Raw(bytes(n)) for n in (1, 7)],
    "arp-bad": lambda: [Raw(b + bytes(ARP(pdst=GATE, psrc=US))[len(b):]) for b in (b"\0\7", b"\0\1\x86\xdd")],
    "udp": lambda: [ip() / UDP(sport=9, dport=p) for p in (9, 53)],
    "noise": noise,
    "arp-spoof": lambda: [ARP(op=2, psrc=US, pdst=GATE, hwsrc="02:66:66:66:66:66", hwdst=mac)] * 20,
}
own = get_if_hwaddr("dtap0")
port = conf.L2socket(iface="dtap0")
for kind in map(str.strip, sys.stdin):
    if kind == "ethertype":
        frames = [Ether(dst=mac, src=own, type=t) / Raw(bytes(46)) for t in (0x9000, 0x22f0)]
    else:
        protocol = 0x806 if kind.startswith("arp") else 0x800
        frames = [Ether(dst=mac, src=own, type=protocol) / p for p in kinds[kind]()]
    for frame in frames:
        port.send(frame)
    print("sent", flush=True)
