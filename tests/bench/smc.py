#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench smc: what falling back to TCP costs, and SMC against our own TCP.

Two hosts of ours in one process (smc_cost); how it measures: doc/benchmarks.md."""
import argparse
import os
import pathlib
import re
import subprocess

import lab as L

OPERATIONS = 2000   # of a callgrind run
OTHER = 6000        # and of the second one: the difference leaves out what is done once


class Cost:
    def __init__(self, build, quick):
        self.program = pathlib.Path(build) / "tests/bench/smc_cost"
        self.windows = 12 if quick else 60
        self.seconds = 600

    def run(self, work, conns, windows, *ways, prefix=(), env=None):
        args = [*prefix, self.program, work, str(conns), str(windows), *ways]
        out = subprocess.run(list(map(str, args)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             timeout=self.seconds, env={**os.environ, **(env or {})})
        if out.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, args))}: status {out.returncode}\n{out.stderr[-2000:]}")
        return out

    def times(self, work, conns, *ways):
        """Nanoseconds an operation, a list for each way; and what each way was carried by."""
        out = self.run(work, conns, self.windows, *ways).stdout
        rows = [list(map(float, l.split())) for l in out.splitlines() if re.match(r"[\d.]+ ", l)]
        carried = dict(re.findall(r"^(\S+) transport (\d+) errors 0$", out, re.M))
        missing = [w for w in ways if w not in carried]
        if missing:
            raise SystemExit(f"{work} with {conns} connections: {missing} had errors:\n{out[-500:]}")
        return [list(c) for c in zip(*rows)], {w: int(carried[w]) for w in ways}

    def instructions(self, work, conns, way, env=None):
        """Instructions an operation, by callgrind: no noise."""
        def total(n):
            out = self.run(work, conns, 1, way, env={"SMC_COST_OPERATIONS": str(n), **(env or {})}, prefix=(
                "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=measured"))
            return int(re.search(r"Collected\s*:\s*(\d+)", out.stderr)[1])
        return (total(OTHER) - total(OPERATIONS)) / (OTHER - OPERATIONS)


DECLINES = (("noeid", "no common EID: declined"), ("nodevice", "no RDMA device at the server: declined"),
            ("limit", "the server's memory for the peer used up: not answered"),
            ("remembered", "declined before, peer remembered"))


def fallback_instructions(cost, table):
    plain = cost.instructions("short", 16, "tcp")
    table.add("short connection, peer without SMC", "instructions", cost.instructions("short", 16, "plain"), plain,
              "our TCP", 1.01)
    for way, what in DECLINES:
        table.add(f"short connection, {what}", "instructions", cost.instructions("short", 16, way), plain, "our TCP")


def fallback_time(cost, table):
    for way, what, goal in (("plain", "peer without SMC", 1.06), *((w, t, None) for w, t in DECLINES)):
        (tcp, ours), _ = cost.times("short", 16, "tcp", way)
        table.add(f"short connection, {what}", "ns CPU", L.statistics.median(ours), L.statistics.median(tcp), "our TCP", goal,
                  [a / b for a, b in zip(ours, tcp)])


def against_tcp(cost, table, way, goals):
    for conns in (1, 16, 64, 512):
        (tcp, ours), carried = cost.times("rr", conns, "tcp", way)
        if carried[way] != 256:
            raise SystemExit(f"{way} was not carried by SMC but by {carried[way]}")
        table.add(f"over {way}: 64 octets each way, {conns} connections", "ns CPU", L.statistics.median(ours),
                  L.statistics.median(tcp), "our TCP", 1 / 1.5 if goals else None, [a / b for a, b in zip(ours, tcp)])
    for peer, what in (("tcp", "1500-octet frames"), ("tcp-whole", "64 KiB segments uncut")):
        (tcp, ours), _ = cost.times("bulk", 4, peer, way)
        table.add(f"over {way}: 64 KiB of bulk, 4 connections", "ns CPU", L.statistics.median(ours), L.statistics.median(tcp),
                  f"our TCP, {what}", 0.5 if goals and peer == "tcp" else None, [a / b for a, b in zip(ours, tcp)])


def relay(cost, table):
    for way in ("mem", "roce"):
        large = f"{way}-large"
        (copied, given), carried = cost.times("relay", 4, f"{large}-copy", large)
        if carried[large] != 256:
            raise SystemExit(f"{large} was not carried by SMC but by {carried[large]}")
        table.add(f"64 KiB from TCP given to SMC over {way}, 4 connections", "ns CPU", L.statistics.median(given),
                  L.statistics.median(copied), "copied", None, [a / b for a, b in zip(given, copied)])


def parts(cost, table):
    """Cycles of the parts, from the programs that know them."""
    hz = L.tsc_hz()
    (ns,), _ = cost.times("short", 16, "mem")
    table.add("SMC connection over mem: set up, one exchange, close", "cycles", L.statistics.median(ns) * hz / 1e9)
    out = subprocess.run([str(cost.program.parent / "roce_cost")], stdout=subprocess.PIPE, text=True, timeout=300, check=True)
    for name, value, unit in re.findall(r"^(.+?): ([\d.]+) (\S+)$", out.stdout, re.M):
        table.add(name, unit, float(value))


def main():
    ap = argparse.ArgumentParser(prog="bench smc")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="few short windows")
    ap.add_argument("--only", default="ftmrgp", help="parts to run: f fallback instructions, t its time, m over mem, "
                    "r over roce, g given from TCP to SMC, p parts")
    args = ap.parse_args()
    cost, table = Cost(args.build, args.quick), L.Table("smc", args.build)
    if "f" in args.only:
        fallback_instructions(cost, table)
    if "t" in args.only:
        fallback_time(cost, table)
    if "m" in args.only:
        against_tcp(cost, table, "mem", True)
    if "r" in args.only:
        against_tcp(cost, table, "roce", False)
    if "g" in args.only:
        relay(cost, table)
    if "p" in args.only:
        parts(cost, table)
    table.finish()


main()
