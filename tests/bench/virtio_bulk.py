# SPDX-License-Identifier: BSD-3-Clause
"""Part of bench virtio: bulk TCP between smcgate, through our driver and vnicd, and the
kernel, beside two kernels over veth; octets per CPU second of the whole machine.

The kernel's ends are the same program on both sides: send() and recv_into() of 1 MiB."""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

import lab as L

SIZE = 1 << 20
BODY = SIZE      # octets of a page: both sides give the same megabyte again and again
VNIC = "10.72.0"
VETH = "10.73.0"
# What an operator would choose for bulk, for both directions: a segment of 64 KiB takes five buffers each way, and what lies
# in the receive ring, 1 MiB, stays in a core's cache.
PORT = {"rx_descriptors": 64, "tx_descriptors": 256}
MEMORY = {"buffer_size": 16384, "rx_buffers": 2048, "payload_buffers": 2048, "header_buffers": 8192}
# Neither spins before it sleeps, as the kernel does not: on one CPU each would keep the other waiting.
POLL = {"spin_us": 0}
IDLE = {"spin_turns": 1}
CONTROL = "" # congestion control of the kernel's sockets; empty: the machine's
# What is left out, and how the driver's arguments say it.
WITHOUT = (("checksum, TSO", "csum=0,tso=0"), ("TSO", "tso=0"), ("guest TSO and mergeable buffers", "guest_tso=0,mrg_rxbuf=0"),
           ("guest TSO", "guest_tso=0"), ("indirect descriptors", "indirect=0"), ("in-order", "in_order=0"),
           ("packed rings", "packed=0"), ("events", "event_idx=0"))


def busy():
    """CPU seconds that anything has used, all CPUs."""
    with open("/proc/stat") as f:
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / L.HZ


def controlled(s):
    if CONTROL:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONTROL.encode())
    return s


def control():
    """The one in force, for the report."""
    with socket.socket() as s:
        return controlled(s).getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()


def pump(what, host, port, seconds):
    """Run in a namespace: move octets for so long, print how many and the seconds it took."""
    s = controlled(socket.create_connection((host, port), 10))
    buf, total, asked, end = bytearray(SIZE), 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        while what == "get" and total + 8 * SIZE > asked: # the next pages before this one ends
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            asked += BODY
        n = s.send(buf) if what == "send" else s.recv_into(buf)
        if n == 0:
            break
        total += n
    print(total)


def sink(port, what):
    """Run in a namespace: serve one connection after the other, taking or giving octets."""
    listener = controlled(socket.create_server(("", port)))
    buf = bytearray(SIZE)
    print("listening", flush=True)
    while True:
        s = listener.accept()[0]
        try:
            while (s.recv_into(buf) if what == "take" else s.send(buf)) > 0:
                pass
        except OSError:
            pass
        s.close()


class Bulk:
    def __init__(self, lab):
        self.lab, self.me = lab, [sys.executable, os.path.abspath(__file__), CONTROL]
        self.client, self.server = lab.namespace(), lab.namespace()
        lab.veth(self.client, self.server, "v", VETH)
        for port, what in ((5001, "take"), (5002, "give")):
            lab.start([*self.me, "sink", str(port), what], ns=self.server, log=f"sink{port}")
        (lab.dir / "vnicd.json").write_text(json.dumps({"ports": [{"name": "p", "path": "p.sock"}],
                                                        "uplinks": [{"name": "u", "tap": "vbulk"}], "poll": POLL}))
        # On the server's CPU, as what veth's other end does is; and the kernel's side of the tap has its own, as veth's has.
        self.vnicd = lab.start([str(lab.build / "app/vnicd/vnicd"), "--lcores", f"0@{L.SERVER_CPU}", "--no-huge", "-m", "16",
                                "--no-pci", "--no-telemetry", f"--file-prefix=vb-{os.getpid()}", "--", "-c", "vnicd.json"], ns=self.client, log="vnicd")
        self.wait(lambda: "ready" in (lab.dir / "vnicd").read_text(), "vnicd")
        L.run("ip", "-n", self.client, "addr", "add", f"{VNIC}.1/24", "dev", "vbulk")
        L.run("ip", "-n", self.client, "link", "set", "vbulk", "up")
        lab.inside(self.client, "sh", "-c", f"echo {1 << L.CLIENT_CPU:x} > /sys/class/net/vbulk/queues/rx-0/rps_cpus")
        self.gate = None

    @staticmethod
    def wait(done, what):
        for _ in range(300):
            if done():
                return
            time.sleep(0.1)
        raise SystemExit(f"{what} does not start")

    def start_gate(self, args=""):
        if self.gate is not None:
            L.end(self.gate)
        config = {"ports": [{"name": "p", "device": "net_vnic0", "vdev": "net_vnic0,path=p.sock" + ("," + args if args else ""),
                             "addresses": [f"{VNIC}.2/24"], **PORT}],
                  "memory": MEMORY, "idle": IDLE,
                  "services": [{"name": "discard", "type": "discard", "listen": "0.0.0.0:9", "sum": False},
                               {"name": "web", "type": "http", "listen": "0.0.0.0:80", "body_bytes": BODY}]}
        path = self.lab.dir / "gate.json"
        path.write_text(json.dumps(config))
        self.gate = self.lab.start([str(self.lab.build / "app/smcgate/smcgate"), "--in-memory", "--single-file-segments",
                                    "--iova-mode=va", "-m", "512", "--no-pci", f"--file-prefix=vbg-{os.getpid()}", "--lcores",
                                    "0@0,1@1", "--", "-c", str(path)], ns=self.client, log="gate")
        self.wait(lambda: "PIPELINE: ready" in (self.lab.dir / "gate").read_text(), "smcgate")
        self.wait(lambda: "1 received" in L.run("ip", "netns", "exec", self.client, "ping", "-c1", "-W1", f"{VNIC}.2", check=False),
                  "smcgate")

    def rate(self, way, what, seconds):
        """GB per CPU second and GB per second. The other side stands still meanwhile."""
        others = [self.vnicd, self.gate] if way == "veth" else []
        host, port = {("vnic", "send"): (f"{VNIC}.2", 9), ("vnic", "get"): (f"{VNIC}.2", 80),
                      ("veth", "send"): (f"{VETH}.1", 5001), ("veth", "get"): (f"{VETH}.1", 5002)}[way, what]
        for p in others:
            self.signal(p, signal.SIGSTOP)
        cpu, begin = busy(), time.monotonic()
        verb = "recv" if (way, what) == ("veth", "get") else what
        out = subprocess.run(["ip", "netns", "exec", self.client, *self.me, "pump", verb, host, str(port), str(seconds)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        cpu, wall = busy() - cpu, time.monotonic() - begin
        for p in others:
            self.signal(p, signal.SIGCONT)
        if out.returncode != 0:
            raise SystemExit(f"bulk {way} {what}: {out.stderr[-500:]}")
        return int(out.stdout) / 1e9 / max(cpu, 1e-9), int(out.stdout) / 1e9 / wall

    @staticmethod
    def signal(p, n):
        p.send_signal(n) # "ip netns exec" becomes the program


def against_veth(bulk, table, windows, seconds):
    bulk.start_gate()
    for what, name in (("send", "kernel to smcgate"), ("get", "smcgate to kernel")):
        ours, theirs = [], []
        for way in ("vnic", "veth"):
            bulk.rate(way, what, seconds) # warms up
        for w in range(windows):
            for way in ("vnic", "veth") if w % 2 else ("veth", "vnic"):
                (ours if way == "vnic" else theirs).append(bulk.rate(way, what, seconds))
        table.add(f"bulk TCP, {name}, vnicd", "GB/CPU-s", statistics.median(r for r, _ in ours),
                  statistics.median(r for r, _ in theirs), "kernel over veth", least=1.0,
                  ratios=[a / b for (a, _), (b, _) in zip(ours, theirs)])
        print(f"# {name}: {statistics.median(g for _, g in ours) * 8:.1f} Gb/s, veth "
              f"{statistics.median(g for _, g in theirs) * 8:.1f} Gb/s", flush=True)


def gains(bulk, table, windows, seconds):
    """What each offload is worth: all of them against all but one."""
    rates = {}
    for name, args in (("", ""), *WITHOUT):
        bulk.start_gate(args)
        for what in ("send", "get"):
            bulk.rate("vnic", what, seconds)
            rates[name, what] = [bulk.rate("vnic", what, seconds)[0] for _ in range(windows)]
    for name, _ in WITHOUT:
        for what, way in (("send", "kernel to smcgate"), ("get", "smcgate to kernel")):
            all_, less = rates["", what], rates[name, what]
            table.add(f"gain of {name}, {way}", "GB/CPU-s", statistics.median(all_), statistics.median(less), "without it",
                      ratios=[a / b for a, b in zip(all_, less)])


def run(lab, table, quick):
    lab.huge_pages(400)
    print(f"# bulk TCP: the kernel's congestion control is {control()}", flush=True)
    bulk = Bulk(lab)
    against_veth(bulk, table, 3 if quick else 12, 0.7 if quick else 2.0)
    gains(bulk, table, 2 if quick else 5, 0.5 if quick else 1.5)


if __name__ == "__main__":
    CONTROL, verb, *rest = sys.argv[1:]
    if verb == "pump":
        pump(rest[0], rest[1], int(rest[2]), float(rest[3]))
    else:
        sink(int(rest[0]), rest[1])
