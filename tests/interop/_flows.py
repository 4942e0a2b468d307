#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Numbered echo requests of many flows into a tap of several queues, and where the answers come from.

  _flows.py INTERFACE QUEUES ADDRESS STATION

Each flow is a source address; ADDRESS is asked at the Ethernet address STATION. The kernel tells for
each answer by which of the tap's QUEUES it came. Commands on standard input, each answered by one line of
JSON; between them packets go on:

  station MAC       ask there from now on: {}
  answers SECONDS   are 8 further requests answered within that time, of how many: {"answers": N}
  begin [QUEUE]     a new account: packets of flows that came by that queue last, or of none, may be lost
  end [N [others]]  packets go on until N answers have come by each queue (the one of begin left aside),
                    or 20 s are over; then everything that may not be lost has come back, or 20 s are over.
                    The account by queues: "sent", "lost", "twice" of that where the flow came at its begin, "came":
                    answers; "moved": flows that changed queues; "unplaced": lost, of flows of which nothing came
"""
import collections
import json
import select
import socket
import struct
import sys
import time

FLOWS = 32
ROUND = 0.02      # seconds from a packet of a flow to its next
WINDOW = 40       # packets under way by one queue, of those sent within STALE seconds: fewer than a ring has
STALE = 2.0
PATIENCE = 20.0
SOL_PACKET, PACKET_FANOUT, PACKET_FANOUT_QM, ETH_P_IP = 263, 18, 5, 0x0800


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


class Flow:
    def __init__(self, index):
        self.source = socket.inet_aton(f"10.6.{1 + index // 100}.{1 + index * 7 % 250}")
        self.index, self.next = index, 0
        self.queue = self.home = None             # of the last answer; of the last before the account
        self.out = collections.OrderedDict()      # number: when it was sent
        self.seen = set()

    def under_way(self, now):
        return sum(now - t < STALE for t in self.out.values())


class Flows:
    def __init__(self, interface, queues, address, station):
        self.queues, self.address = queues, socket.inet_aton(address)
        self.flows = [Flow(i) for i in range(FLOWS)]
        self.by_source = {f.source: f for f in self.flows}
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.out.bind((interface, 0))
        self.mac = self.out.getsockname()[4]
        self.station(station)
        # Sockets of a group, of which the kernel takes the one of the queue: 1 + the tap's, by turns.
        self.ins = {}
        for i in range(queues):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
            s.bind((interface, ETH_P_IP))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.setsockopt(SOL_PACKET, PACKET_FANOUT, 1 | PACKET_FANOUT_QM << 16)
            s.setblocking(False)
            self.ins[s] = (i - 1) % queues
        self.victim = None
        self.on, self.due, self.turn = False, time.monotonic(), 0
        self.account()

    def station(self, mac):
        self.header = bytes.fromhex(mac.replace(":", "")) + self.mac + struct.pack("!H", ETH_P_IP)

    def account(self):
        self.sent, self.lost, self.twice, self.came = ([0] * self.queues for _ in range(4))
        self.unplaced = 0
        self.moved = set()
        for f in self.flows:
            f.home = f.queue

    def align(self):
        """The kernel puts a flow by the queue of the tap that its last packet of some seconds came by, else by
        any. QEMU then carries it to where the hash says, but lets the tap's queue wait when there is no room there
        until the receive queue of the same number is told of buffers. So each flow has to be known to the kernel."""
        for _ in range(2):
            for f in self.flows:
                self.send(f, time.monotonic())
            self.settle(1.0)

    def settle(self, patience):
        """Until all has come back; what may be lost is awaited no longer than patience."""
        begin = now = time.monotonic()
        while (any(f.out for f in self.flows) and now < begin + patience
               or any(self.awaited(f) for f in self.flows) and now < begin + PATIENCE):
            self.receive(0.05)
            now = time.monotonic()

    def begin(self, victim):
        self.victim = victim
        self.account()
        self.align()
        for f in self.flows:
            if not self.awaited(f):
                f.out.clear()
        self.account()

    def request(self, flow, number):
        data = struct.pack("!HHI", flow.index, number & 0xffff, number) + bytes(range(48))
        icmp = struct.pack("!BBH", 8, 0, 0) + data
        icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), number & 0xffff, 0, 64, 1, 0,
                         flow.source, self.address)
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        return self.header + ip + icmp

    def send(self, flow, now):
        try:
            self.out.send(self.request(flow, flow.next))
        except (BlockingIOError, OSError) as e:
            if getattr(e, "errno", 0) != 105:   # no room in the tap's queue: not sent
                raise
            return
        flow.out[flow.next] = now
        flow.next += 1
        if flow.home is not None:
            self.sent[flow.home] += 1

    def take(self, sock):
        try:
            frame = sock.recv(2048)
        except BlockingIOError:
            return False
        if len(frame) < 46 or frame[23] != 1 or frame[34] != 0:   # an echo's answer
            return True
        flow = self.by_source.get(frame[30:34])
        if flow is None:
            return True
        queue, number = self.ins[sock], struct.unpack("!I", frame[42:46])[0]
        if flow.out.pop(number, None) is None:
            self.twice[queue] += number in flow.seen
        flow.seen.add(number)
        if flow.queue is not None and flow.queue != queue:
            self.moved.add(flow.index)
        flow.queue = queue
        self.came[queue] += 1
        return True

    def receive(self, seconds, more=()):
        ready = select.select([*self.ins, *more], [], [], max(seconds, 0))[0]
        for sock in ready:
            if sock in self.ins:
                while self.take(sock):
                    pass
        return ready

    def awaited(self, flow):
        return flow.out and (self.victim is None or flow.home != self.victim)

    def go_on(self, least, others):
        limit = time.monotonic() + PATIENCE
        while (min(n for q, n in enumerate(self.came) if not (others and q == self.victim)) < least
               and time.monotonic() < limit):
            self.step()

    def end(self):
        self.settle(0.3)                          # what may be lost may as well be late
        for f in self.flows:
            if f.home is not None:
                self.lost[f.home] += len(f.out)
            else:
                self.unplaced += len(f.out)
            f.out.clear()
        return {"sent": self.sent, "lost": self.lost, "twice": self.twice, "came": self.came,
                "moved": sorted(self.moved), "unplaced": self.unplaced}

    def answers(self, seconds):
        flow = self.flows[0]
        first, count = flow.next, 8
        for _ in range(count):
            self.send(flow, time.monotonic())
        limit = time.monotonic() + seconds
        while any(n >= first for n in flow.out) and time.monotonic() < limit:
            self.receive(0.02)
        left = sum(n >= first for n in flow.out)
        flow.out.clear()
        return {"answers": count - left}

    def command(self, words):
        if words[0] == "station":
            self.station(words[1])
            return {}
        if words[0] == "answers":
            self.on = False
            return self.answers(float(words[1]))
        if words[0] == "begin":
            self.begin(int(words[1]) if len(words) > 1 else None)
            self.on = True
            return {}
        if words[0] == "end":
            self.go_on(int(words[1]) if len(words) > 1 else 0, words[2:] == ["others"])
            self.on = False
            return self.end()
        raise ValueError(words)

    def step(self, more=()):
        """The packet that is due, and what has come until the next one is."""
        now = time.monotonic()
        if self.on and now >= self.due:
            flow = self.flows[self.turn % FLOWS]
            self.turn += 1
            if sum(f.under_way(now) for f in self.flows if f.home == flow.home) < WINDOW:
                self.send(flow, now)
            self.due = max(self.due + ROUND / FLOWS, now - ROUND)
        return self.receive(self.due - now if self.on else 1, more)

    def run(self):
        while sys.stdin not in self.step([sys.stdin]) or self.obey():
            pass

    def obey(self):
        line = sys.stdin.readline()
        if line:
            print(json.dumps(self.command(line.split())), flush=True)
        return line


if __name__ == "__main__":
    Flows(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]).run()
