# SPDX-License-Identifier: BSD-3-Clause
"""Part of bench virtio: a back end that sleeps when it has nothing to do (vnicd). Doorbells
a packet at full load, and the time of an echo at low load beside DPDK's driver.

Both drivers run in dpdk-testpmd, with its forwarding thread on one CPU and vnicd on the other."""
import json
import os
import re
import signal
import statistics
import subprocess
import time

import lab as L

NET = "10.74.0"
MACS = {"p": "02:00:00:00:00:01", "q": "02:00:00:00:00:02"}
DOORBELLS = 1 / 16  # of a packet, at most


class Testpmd:
    """One port on vnicd's port NAME, by our driver or DPDK's."""

    def __init__(self, lab, ns, name, ours, *args, cpu=L.SERVER_CPU):
        self.log, self.count = lab.dir / f"pmd-{name}-{time.monotonic_ns()}", 0
        prefix = f"vsl-{name}-{os.getpid()}-{time.monotonic_ns() % 1000000}"
        driver = ["-d", str(lab.build / "pmd/virtio/librte_net_vnic.so"), f"--vdev=net_vnic0,path=sleep-{name}.sock"] if ours else \
            [f"--vdev=net_virtio_user0,path=sleep-{name}.sock,mac={MACS[name]},packed_vq=1,in_order=1,mrg_rxbuf=1"]
        with open(self.log, "w") as out:
            self.p = subprocess.Popen(["ip", "netns", "exec", ns, "stdbuf", "-oL", "dpdk-testpmd", "--no-huge", "-m", "192", "--no-pci",
                                       "--no-telemetry", f"--file-prefix={prefix}", "--lcores", f"0@{L.CLIENT_CPU},1@{cpu}",
                                       *driver, "--", "-i", "--total-num-mbufs=8192", *args],
                                      stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, cwd=lab.dir, text=True)
        lab.procs.append(self.p)
        self.tell()

    def tell(self, *commands):
        """Give commands; what was printed until they were done."""
        self.count += 1
        at, mark = self.log.stat().st_size, f"sync-{self.count}."
        self.p.stdin.write("".join(c + "\n" for c in (*commands, mark)))
        self.p.stdin.flush()
        for _ in range(400):
            said = self.log.read_text()[at:]
            if mark in said:
                return said
            if self.p.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"testpmd does not answer: {self.log.read_text()[-1000:]}")

    def counters(self, *names):
        said = self.tell("show port xstats 0")
        return [int(re.search(rf"^{n}: (\d+)$", said, re.M)[1]) for n in names]

    def end(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGCONT)
            self.p.stdin.write("quit\n")
            self.p.stdin.close()
            try:
                self.p.wait(20)
            except subprocess.TimeoutExpired:
                self.p.kill()


class Sleeper:
    def __init__(self, lab):
        self.lab, self.ns = lab, lab.namespace()
        ports = [{"name": n, "path": f"sleep-{n}.sock", "mac": MACS[n]} for n in MACS]
        (lab.dir / "sleep.json").write_text(json.dumps({"ports": ports, "uplinks": [{"name": "u", "tap": "vsleep"}]}))
        self.vnicd = lab.start([str(lab.build / "app/vnicd/vnicd"), "--no-huge", "-m", "16", "--no-pci", "--no-telemetry",
                                f"--file-prefix=vsl-{os.getpid()}", "--", "-c", "sleep.json"], ns=self.ns, cpu=L.CLIENT_CPU, log="vnicd-sleep")
        for _ in range(300):
            if "vnicd: ready" in (lab.dir / "vnicd-sleep").read_text():
                break
            time.sleep(0.1)
        else:
            raise SystemExit("vnicd does not start")
        lab.inside(self.ns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        L.run("ip", "-n", self.ns, "addr", "add", f"{NET}.1/24", "dev", "vsleep")
        for host, name in ((2, "p"), (3, "q")):
            L.run("ip", "-n", self.ns, "neigh", "add", f"{NET}.{host}", "lladdr", MACS[name], "dev", "vsleep")

    def echo(self, host, count):
        """Round trips of pings two milliseconds apart, in us."""
        out = self.lab.inside(self.ns, "taskset", "-c", str(L.CLIENT_CPU), "ping", "-i", "0.002", "-c", str(count), "-W", "1",
                              f"{NET}.{host}", check=False)
        times = sorted(float(m) * 1000 for m in re.findall(r"time=([\d.]+) ms", out))
        if len(times) < count * 0.9:
            raise SystemExit(f"{len(times)} of {count} pings came back: {out[-300:]}")
        return times


def share(pmd, direction, seconds):
    """Doorbells and packets of a direction meanwhile."""
    names = [f"{direction}_q0_doorbells", f"{direction}_q0_packets"]
    before = pmd.counters(*names)
    time.sleep(seconds)
    after = pmd.counters(*names)
    return after[0] - before[0], after[1] - before[1]


def doorbells(s, table, seconds):
    for what, peer in (("to the kernel", "02:00:00:00:00:99"), ("dropped by the switch", MACS["p"])):
        pmd = Testpmd(s.lab, s.ns, "p", True, "--forward-mode=txonly", f"--eth-peer=0,{peer}")
        pmd.tell("start")
        time.sleep(0.3)
        rung, packets = share(pmd, "tx", seconds)
        pmd.end()
        table.add(f"sleeping back end, send, {what}", "doorbells/packet", rung / max(packets, 1), limit=DOORBELLS)
        print(f"# send, {what}: {packets / seconds / 1e6:.2f} Mpkt/s, {rung} doorbells", flush=True)
    sink = Testpmd(s.lab, s.ns, "p", True, "--forward-mode=rxonly")
    sink.tell("start")
    source = Testpmd(s.lab, s.ns, "q", False, "--forward-mode=txonly", f"--eth-peer=0,{MACS['p']}", cpu=L.CLIENT_CPU)
    source.tell("start")
    time.sleep(0.3)
    rung, packets = share(sink, "rx", seconds)
    source.end()
    sink.end()
    table.add("sleeping back end, receive", "doorbells/packet", rung / max(packets, 1), limit=DOORBELLS)
    print(f"# receive: {packets / seconds / 1e6:.2f} Mpkt/s, {rung} doorbells", flush=True)


def low_load(s, table, windows, count):
    """Echoes of one driver and the other in turns; the one that waits is stopped."""
    fronts = {}
    for name, ours in (("p", True), ("q", False)):
        fronts[name] = Testpmd(s.lab, s.ns, name, ours, "--forward-mode=icmpecho")
        fronts[name].tell("start")
        s.echo({"p": 2, "q": 3}[name], 20)
        fronts[name].p.send_signal(signal.SIGSTOP)
    found = {"p": [], "q": []}
    for w in range(windows):
        for name in ("p", "q") if w % 2 else ("q", "p"):
            fronts[name].p.send_signal(signal.SIGCONT)
            found[name].append(s.echo({"p": 2, "q": 3}[name], count))
            fronts[name].p.send_signal(signal.SIGSTOP)
    for f in fronts.values():
        f.end()
    for what, at in (("median", 0.5), ("p99", 0.99)):
        ours, theirs = ([t[int(at * (len(t) - 1))] for t in found[n]] for n in ("p", "q"))
        # Less is better: the ratio is theirs to ours.
        table.add(f"echo at 500/s, {what} (ratio: theirs to ours)", "us", statistics.median(ours), statistics.median(theirs),
                  "net_virtio_user, packed in-order", floor=0.95 if what == "median" else None,
                  ratios=[b / a for a, b in zip(ours, theirs)])


def run(lab, table, quick):
    s = Sleeper(lab)
    doorbells(s, table, 1.0 if quick else 4.0)
    low_load(s, table, 4 if quick else 12, 200 if quick else 500)
    L.end(s.vnicd)
