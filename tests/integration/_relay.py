# SPDX-License-Identifier: BSD-3-Clause
"""_relay.py [--vlan ID] [--loss P] [--reorder P] [--seed N]: make a tap device k0 for the
kernel and carry frames between it and dtap0. With --vlan they are tagged on dtap0;
with --loss and --reorder that share of them, each way, is dropped or overtaken by the
next three."""
import argparse
import fcntl
import os
import random
import select
import signal
import socket
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 2, 0x1000
SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 8, 23, 3
AUXDATA = struct.Struct("=IIIHHHH")  # status, len, snaplen, mac, net, vlan_tci, vlan_tpid
VLAN_VALID = 1 << 4

parser = argparse.ArgumentParser()
parser.add_argument("--vlan", type=int, default=0)
parser.add_argument("--loss", type=float, default=0)
parser.add_argument("--reorder", type=float, default=0)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
rnd = random.Random(args.seed)


def open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def open_wire(name):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ALL))
    sock.bind((name, 0))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    return sock


class Line:
    """One direction: what goes in, and what of it comes out when."""

    def __init__(self, out):
        self.out, self.late, self.lost, self.overtaken, self.carried = out, [], 0, 0, 0

    def frame(self, data):
        dice = rnd.random()
        if dice < args.loss:
            self.lost += 1
            return
        if dice < args.loss + args.reorder:
            self.overtaken += 1
            self.late.append([3, data])
            return
        self.out(data)
        self.carried += 1
        for entry in self.late:
            entry[0] -= 1
        while self.late and self.late[0][0] <= 0:
            self.out(self.late.pop(0)[1])

    def flush(self):
        while self.late:
            self.out(self.late.pop(0)[1])


def quietly(fn, *what):
    try:
        fn(*what)
    except OSError:
        pass  # a full queue is loss as well


def to_wire(data):
    if args.vlan:
        data = data[:12] + struct.pack("!HH", 0x8100, args.vlan) + data[12:]
    quietly(wire.send, data)


def from_wire():
    data, aux, _, _ = wire.recvmsg(65536, 256)
    tci = 0
    for level, kind, value in aux:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, _ = AUXDATA.unpack(value[:AUXDATA.size])
            tci = tci & 0xfff if status & VLAN_VALID else 0
    return data if tci == args.vlan else None


def report(*_):
    print(f"carried {up.carried} and {down.carried}, lost {up.lost} and {down.lost}, "
          f"overtaken {up.overtaken} and {down.overtaken}", flush=True)
    sys.exit(0)


tap, wire = open_tap("k0"), open_wire("dtap0")
up, down = Line(to_wire), Line(lambda data: quietly(os.write, tap, data))
signal.signal(signal.SIGTERM, report)
poll = select.poll()
poll.register(tap, select.POLLIN)
poll.register(wire, select.POLLIN)
print("ready", flush=True)
while True:
    events = poll.poll(20)
    if not events:
        up.flush()
        down.flush()
    for fd, _ in events:
        try:
            if fd == tap:
                up.frame(os.read(tap, 65536))
            else:
                frame = from_wire()
                if frame is not None:
                    down.frame(frame)
        except OSError:
            pass  # the interface went down or nothing was there
