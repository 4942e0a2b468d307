#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench reset: queues of our driver reset and resized under load, through vnicd; and what
a smaller ring does to the time a packet waits in an overloaded queue.

What is measured and how: doc/benchmarks.md."""
import argparse
import json
import os
import re
import statistics
import subprocess
import time

import lab as L

LARGE, SMALL = 1024, 128


class Storm:
    """vnicd with two ports, and a program whose two ports of ours are on them."""

    def __init__(self, lab, queues):
        self.lab, self.queues = lab, queues
        self.ns = lab.namespace()
        self.runs = 0

    def run(self, *args):
        self.runs += 1
        lab, prefix = self.lab, f"storm-{os.getpid()}-{self.runs}"
        ports = [{"name": p, "path": f"{p}.sock", "mode": "server", "queues": self.queues} for p in "ab"]
        (lab.dir / "vnicd.json").write_text(json.dumps({"ports": ports}))
        log = f"vnicd{self.runs}"
        vnicd = lab.start([str(lab.build / "app/vnicd/vnicd"), "--no-huge", "-m", "16", "--no-pci", "--no-telemetry",
                           f"--file-prefix={prefix}-v", "--", "-c", "vnicd.json"], ns=self.ns, log=log)
        end = time.monotonic() + 10
        while "ready" not in (lab.dir / log).read_text():
            if time.monotonic() > end:
                raise SystemExit("vnicd does not start: " + (lab.dir / log).read_text()[-500:])
            time.sleep(0.05)
        cmd = ["ip", "netns", "exec", self.ns, lab.build / "tests/storm/vnic_storm", "--no-huge", "-m", "128", "--no-pci",
               "--no-telemetry", f"--file-prefix={prefix}", "--lcores", "0@1"]
        for i, p in enumerate("ab"):
            cmd.append(f"--vdev=net_vnic{i},path={lab.dir}/{p}.sock")
        out = subprocess.run(list(map(str, cmd + ["--", *args])), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             timeout=120)
        L.end(vnicd)
        if out.returncode != 0:
            raise SystemExit(f"vnic_storm {args}: status {out.returncode}\n{out.stderr[-2000:]}{out.stdout[-1000:]}")
        return out.stdout


def sojourn(storm, table, rounds):
    """An overloaded receive queue, the ring resized while the port runs, sizes in turns."""
    times = {LARGE: ([], []), SMALL: ([], [])}
    for i in range(rounds):
        sizes = (LARGE, SMALL) if i % 2 == 0 else (SMALL, LARGE)
        for m in re.finditer(r"^sojourn (\d+) median_us ([\d.]+) p99_us ([\d.]+)", storm.run("sojourn", *sizes), re.M):
            times[int(m[1])][0].append(float(m[2]))
            times[int(m[1])][1].append(float(m[3]))
    for k, (what, goal) in enumerate((("median", 0.5), ("p99", None))):
        small, large = times[SMALL][k], times[LARGE][k]
        table.add(f"{what} wait in an overloaded queue, ring {SMALL}", "us", statistics.median(small), statistics.median(large),
                  f"ring {LARGE}", goal=goal, ratios=[a / b for a, b in zip(small, large)])


def resets(storm, table, n):
    """How long a queue is away, other queues running on."""
    for which, verb in (("rx", "receive"), ("tx", "transmit")):
        out = storm.run("reset", storm.queues, n, which)
        m = re.search(r"median_us (\d+) p99_us (\d+) max_us (\d+) others_us (\d+)", out)
        rows = [dict(zip(w[::2], map(int, w[1::2]))) for w in (l.split() for l in out.splitlines()) if w[0] == "port"]
        table.add(f"{verb} queue away for a reset, median", "us", float(m[1]))
        table.add(f"other queues away meanwhile, {n} resets", "us", float(m[4]), limit=0)
        table.add(f"packets that came twice, {n} resets", "packets", sum(r["twice"] + r["wild"] for r in rows), limit=0)


def main():
    ap = argparse.ArgumentParser(prog="bench reset")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="few resets, few rounds")
    args = ap.parse_args()
    lab, table = L.Lab(args.build, "reset"), L.Table("reset", args.build)
    sojourn(Storm(lab, 1), table, 3 if args.quick else 10)
    resets(Storm(lab, 2), table, 200 if args.quick else 2000)
    table.finish()


main()
