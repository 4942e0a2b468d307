# SPDX-License-Identifier: BSD-3-Clause
"""Part of bench moderation: what modes cost on this machine. CPU of an idle worker on a
port of vnicd's, and throughput at full load of adaptive beside busy-poll, window by window
in turn, so that what else the machine does hits both.

At full load a worker forwards between two null ports, which always have packets: what
is left is the loop, and moderation in it. Over vnicd, HTTP clients keep a worker as busy as one
CPU for clients, kernel and device can."""
import json
import os
import statistics
import subprocess
import time

import lab as L

IDLE_GOAL = 3.0      # per cent of a core
LOAD_GOAL = 0.95     # of busy-poll's throughput
NET = "10.74.0"
PROMPT = b"smcgate> "


class Console:
    def __init__(self, prefix):
        import socket
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(f"/run/dpdk/{prefix}/smcgate.console")
        self.sock.settimeout(20)
        self.answer()

    def answer(self):
        data = b""
        while not (data == PROMPT or data.endswith(b"\n" + PROMPT)):
            more = self.sock.recv(65536)
            if not more:
                raise SystemExit("the console has gone")
            data += more
        return data[:-len(PROMPT)].decode()

    def run(self, line):
        self.sock.sendall(line.encode() + b"\n")
        text = self.answer()
        if "error: " in text:
            raise SystemExit(f"{line}: {text}")
        return text

    def field(self, line, name):
        for row in self.run(line).splitlines():
            if row.startswith(name + "  "):
                return float(row[len(name):])
        raise SystemExit(f"{line}: no {name}")


class Gate:
    """smcgate with one worker, on the server's CPU; the main lcore is on the other."""

    def __init__(self, lab, config, ns=None):
        self.smcgate = lab.smcgate(config, ns=ns, memory=256)
        self.console = Console(f"smcb-{os.getpid()}-{lab.count}")
        pid = self.smcgate.pid
        # "ip netns exec" becomes the program, so the pid is smcgate's.
        self.worker = next(t for t in os.listdir(f"/proc/{pid}/task")
                           if open(f"/proc/{pid}/task/{t}/comm").read().startswith("rte-worker"))

    def cpu(self):
        """Seconds the worker has run."""
        return int(open(f"/proc/{self.smcgate.pid}/task/{self.worker}/schedstat").read().split()[0]) / 1e9

    def received(self):
        return self.console.field("show lcore 1", "rx packets")

    def end(self, lab):
        L.end(self.smcgate.proc)


def vnicd(lab, ns):
    (lab.dir / "vnicd.json").write_text(json.dumps({"ports": [{"name": "p", "path": "mm.sock"}],
                                                    "uplinks": [{"name": "u", "tap": "vmm0"}]}))
    lab.start([str(lab.build / "app/vnicd/vnicd"), "--no-huge", "-m", "16", "--no-pci", "--no-telemetry",
               f"--file-prefix=mm-{os.getpid()}", "--lcores", f"0@{L.CLIENT_CPU}", "--", "-c", "vnicd.json"], ns=ns, log="mm-vnicd")
    for _ in range(300):
        if "vnicd: ready" in (lab.dir / "mm-vnicd").read_text():
            break
        time.sleep(0.1)
    else:
        raise SystemExit("vnicd does not start")
    L.run("ip", "-n", ns, "addr", "add", f"{NET}.1/24", "dev", "vmm0")
    L.run("ip", "-n", ns, "link", "set", "vmm0", "up")


def gate_on_vnicd(lab, ns):
    gate = Gate(lab, {"ports": [{"name": "p", "device": "net_vnic0", "vdev": f"net_vnic0,path={lab.dir}/mm.sock",
                                 "addresses": [f"{NET}.2/24"]}],
                      "memory": {"rx_buffers": 8192, "payload_buffers": 8192, "header_buffers": 8192},
                      "services": [{"name": "web", "type": "http", "listen": "0.0.0.0:80", "body_bytes": 1000}]}, ns)
    for _ in range(100):
        if "1 received" in lab.inside(ns, "ping", "-c1", "-W1", f"{NET}.2", check=False):
            return gate
    raise SystemExit("no answer from smcgate")


def idle(gate, seconds):
    """Per cent of a core by mode."""
    out = {}
    for mode in ("adaptive", "static 0", "static 4", "busy-poll"):
        gate.console.run(f"set moderation 0 {mode}")
        time.sleep(0.3)
        before, begin = gate.cpu(), time.monotonic()
        time.sleep(seconds)
        out[mode] = 100 * (gate.cpu() - before) / (time.monotonic() - begin)
    return out


def null_window(gate, seconds):
    packets, cpu, begin = gate.received(), gate.cpu(), time.monotonic()
    time.sleep(seconds)
    packets, wall = gate.received() - packets, time.monotonic() - begin
    return packets / wall, packets / (gate.cpu() - cpu)


def http_window(gate, ns, seconds):
    cpu = gate.cpu()
    out = subprocess.run(["ip", "netns", "exec", ns, "taskset", "-c", str(L.CLIENT_CPU), "wrk", "-t1", "-c32", f"-d{seconds}s",
                          f"http://{NET}.2/"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout
    rate = [float(line.split()[1]) for line in out.splitlines() if line.startswith("Requests/sec")]
    if not rate or "Socket errors" in out:
        raise SystemExit(f"wrk: {out[-500:]}")
    return rate[0], rate[0] * seconds / (gate.cpu() - cpu)


def interleaved(gate, window, pairs):
    """By mode: what a second and what a CPU second of the worker gave, a window each."""
    got = {"adaptive": [], "busy-poll": []}
    for i in range(pairs):
        for mode in (("adaptive", "busy-poll") if i % 2 == 0 else ("busy-poll", "adaptive")):
            gate.console.run(f"set moderation all {mode}")
            got[mode].append(window())
    return got


def add_load(table, name, unit, got):
    for k, per in enumerate(("s", "CPU s of the worker")):
        mine, busy = [w[k] for w in got["adaptive"]], [w[k] for w in got["busy-poll"]]
        table.add(f"machine, full load: {name} a {per}", unit, statistics.median(mine), statistics.median(busy), "busy-poll",
                  ratios=[a / b for a, b in zip(mine, busy)], floor=LOAD_GOAL)


def run(table, args):
    lab = L.Lab(args.build, "moderation")
    if not lab.huge_pages(300):
        raise SystemExit("no huge pages")
    ns = lab.namespace()
    vnicd(lab, ns)
    gate = gate_on_vnicd(lab, ns)
    for mode, percent in idle(gate, 1 if args.quick else 5).items():
        table.add(f"machine, idle: {mode}", "% of a core", percent, limit=IDLE_GOAL if mode == "adaptive" else None)
    add_load(table, "HTTP over vnicd", "requests", interleaved(gate, lambda: http_window(gate, ns, 1 if args.quick else 2),
                                                               3 if args.quick else 8))
    table.add("machine: timed sleeps end late by", "us", gate.console.field("show lcore 1", "timers late us"))
    table.add("machine: sleeps that ended beyond their bound", "%", 100 * gate.console.field("show lcore 1", "late sleeps") /
              max(1, gate.console.field("show lcore 1", "sleeps")))
    gate.end(lab)
    gate = Gate(lab, {"ports": [{"name": f"n{i}", "device": f"net_null{i}", "vdev": f"net_null{i},size=64,copy=1"} for i in (0, 1)],
                      "memory": {"rx_buffers": 8192, "payload_buffers": 1024, "header_buffers": 1024}, "forward": "io"}, ns)
    add_load(table, "64 octets between null ports", "packets", interleaved(gate, lambda: null_window(gate, 0.1 if args.quick else 0.3),
                                                                            10 if args.quick else 30))
    lab.close()
