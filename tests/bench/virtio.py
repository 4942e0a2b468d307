#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bench virtio: our virtio driver against DPDK's on the same back end.

What is measured and how: doc/benchmarks.md."""
import argparse
import math
import os
import pathlib
import re
import statistics
import subprocess

import lab as L
import virtio_bulk
import virtio_sleep

RINGS = ("split", "packed")
SIZES = ((64, "64"), (0, "mixed"), (1500, "1500"))
MODES = (("io", "forward"), ("rx", "receive"), ("tx", "send"))
QUEUE = 256


class Pair:
    """virtio_pair: fronts in turns, a list of rates (millions of packets a CPU second) for each."""

    def __init__(self, lab, build, ms):
        self.program, self.ms, self.lab, self.count = pathlib.Path(build) / "tests/bench/virtio_pair", ms, lab, 0
        self.memory = ["--in-memory", "--single-file-segments", "--iova-mode=va", "-m", "512"] if lab.huge_pages(300) else \
            ["--no-huge", "-m", "512"]

    def run(self, mode, size, windows, *fronts):
        self.count += 1
        prefix = f"vpair-{os.getpid()}-{self.count}"
        args = [self.program, "-l", str(L.SERVER_CPU), *self.memory, "--no-pci", "--no-telemetry", f"--file-prefix={prefix}",
                "--log-level=*:4", "--force-max-simd-bitwidth=512", "--", mode, size, windows, self.ms, QUEUE, *fronts]
        out = subprocess.run(list(map(str, args)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
        if out.returncode != 0:
            raise SystemExit(f"{mode} {size} {fronts}: status {out.returncode}\n{out.stderr[-2000:]}")
        rows = [list(map(float, l.split())) for l in out.stdout.splitlines() if re.match(r"[\d.]+( |$)", l)]
        return [list(c) for c in zip(*rows)], re.findall(r'^front (\S+) rx "(.*)" tx "(.*)"$', out.stdout, re.M)


def stock_modes(ring, mergeable):
    base = f"queue_size={QUEUE},packed_vq={int(ring == 'packed')},mrg_rxbuf={int(mergeable)}"
    for in_order in (0, 1):
        for vectorized in (0, 1):
            yield f"stock:{base},in_order={in_order},vectorized={vectorized}"


def cell(pair, ring, mergeable, mode, size, windows):
    """Ours against the best of the stock driver's modes, chosen by its best window."""
    stock = list(stock_modes(ring, mergeable))
    rates, _ = pair.run(mode, size, 4, *stock)
    best = stock[max(range(len(stock)), key=lambda i: max(rates[i]))]
    ours = f"ours:queue_size={QUEUE},packed={int(ring == 'packed')},mrg_rxbuf={int(mergeable)}"
    (theirs, our), bursts = pair.run(mode, size, windows, best, ours)
    return our, theirs, re.search(r"in_order.*", best)[0], bursts


def cells(pair, table, windows, only):
    logs = []
    for ring in RINGS:
        for mergeable in (True, False):
            for mode, verb in MODES:
                for size, octets in SIZES:
                    name = f"{ring}, {'mergeable' if mergeable else 'plain'}, {verb} {octets}"
                    if only and not re.search(only, name):
                        continue
                    our, theirs, how, bursts = cell(pair, ring, mergeable, mode, size, windows)
                    ratios = [a / b for a, b in zip(our, theirs)]
                    logs.append((statistics.mean(map(math.log, ratios)),
                                 statistics.stdev(map(math.log, ratios)) / math.sqrt(len(ratios))))
                    table.add(name, "Mpkt/CPU-s", max(our), max(theirs), f"net_virtio_user {how}", floor=0.95, ratios=ratios)
                    print(f"# {name}: {statistics.median(ratios):.3f} {bursts}", flush=True)
    if logs:
        mean = statistics.mean(m for m, _ in logs)
        half = 1.96 * math.sqrt(sum(s * s for _, s in logs)) / len(logs)
        table.add("geometric mean of the cells", "ratio", math.exp(mean), 1, "net_virtio_user in its best mode", least=1.1,
                  span=(math.exp(mean - half), math.exp(mean + half)))


def cycles(table, build, windows, only):
    """The driver's bursts alone, ours and DPDK's, with one ring peer for both in the same thread."""
    line = re.compile(r"(\S+) +ours +([\d.]+) .* theirs +([\d.]+) .* ratio ([\d.]+) \(([\d.]+)\.\.([\d.]+)\)  (.*)")
    for what, program in (("receive", "vring_rx_cost"), ("send", "vring_tx_cost")):
        if only and not re.search(only, f"cycles, {what}"):
            continue
        out = subprocess.run([str(pathlib.Path(build) / "tests/bench" / program), "-n", str(windows)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=300)
        if out.returncode != 0:
            raise SystemExit(f"{program}: status {out.returncode}\n{out.stderr[-2000:]}")
        for m in filter(None, map(line.match, out.stdout.splitlines())):
            table.add(f"cycles, {what}, {m[1]}", "cycles/packet", float(m[2]), float(m[3]), "net_virtio_user, same ring peer")
            print(f"# cycles, {what}, {m[1]}: median of theirs over ours {m[4]} ({m[5]}..{m[6]}) {m[7]}", flush=True)


def main():
    ap = argparse.ArgumentParser(prog="bench virtio")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="few short windows")
    ap.add_argument("--cells", default="", help="only the cells whose name matches this regular expression")
    ap.add_argument("--only", default="cysb",
                    help="parts to run: c cells, y cycles of the bursts, s a back end that sleeps, b bulk TCP through vnicd")
    ap.add_argument("--control", default="", help="part b: congestion control of the kernel's sockets; the machine's when absent")
    args = ap.parse_args()
    lab, table = L.Lab(args.build, "virtio"), L.Table("virtio", args.build)
    if "c" in args.only:
        cells(Pair(lab, args.build, 30 if args.quick else 300), table, 6 if args.quick else 20, args.cells)
    if "y" in args.only:
        cycles(table, args.build, 20 if args.quick else 200, args.cells)
    if "s" in args.only and not args.cells:
        virtio_sleep.run(lab, table, args.quick)
    if "b" in args.only and not args.cells:
        virtio_bulk.CONTROL = args.control
        virtio_bulk.run(lab, table, args.quick)
    table.finish()


main()
