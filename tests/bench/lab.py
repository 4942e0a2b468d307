# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: processes, namespaces, CPU time, tables."""
import atexit
import json
import math
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HZ = os.sysconf("SC_CLK_TCK")
TOP = pathlib.Path(__file__).resolve().parents[2]
SERVER_CPU, CLIENT_CPU = 1, 0


def run(*args, check=True):
    return subprocess.run(args, check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60).stdout


# ---- CPU time ---------------------------------------------------------------------

class Cpu:
    """CPU seconds of one CPU. Idle time is exact (the kernel stops its idle clock
    for every interrupt), so busy is what is left of the wall clock; the parts are
    sampled by the timer tick."""

    def __init__(self, cpu):
        self.key = f"cpu{cpu} "
        self.wall = time.monotonic()
        with open("/proc/stat") as f:
            line = next(l for l in f if l.startswith(self.key))
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, line.split()[1:9])
        self.idle = (idle + iowait) / HZ
        self.softirq = (irq + softirq) / HZ
        self.steal = steal / HZ

    def since(self, before):
        wall = self.wall - before.wall
        return {"wall": wall, "busy": max(0.0, wall - (self.idle - before.idle) - (self.steal - before.steal)),
                "softirq": self.softirq - before.softirq, "steal": self.steal - before.steal}


def process_cpu(pids):
    """Seconds all threads of the processes have run, from the scheduler's clock."""
    total = 0
    for pid in pids:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
    return total / 1e9


class Window:
    """CPU of the serving side over an interval: busy of its CPU less what idles
    there anyway, but never less than what the processes ran (a host that steals the CPU
    while it wakes up is in its idle time as well); where others disturb that CPU, the
    processes' own time and the CPU's softirq instead."""

    def __init__(self, pids):
        self.pids = pids
        self.cpu = Cpu(SERVER_CPU)
        self.own = process_cpu(pids)

    def end(self, control):
        out = Cpu(SERVER_CPU).since(self.cpu)
        out["own"] = process_cpu(self.pids) - self.own
        out["busy"] = max(0.0, out["busy"] - control["share"] * out["wall"])
        out["cpu"] = out["own"] + out["softirq"] if control["noisy"] else max(out["busy"], out["own"])
        return out


def control(seconds):
    """What runs on the server's CPU without load."""
    before = Cpu(SERVER_CPU)
    time.sleep(seconds)
    d = Cpu(SERVER_CPU).since(before)
    share = d["busy"] / d["wall"]
    return {"share": share, "noisy": share > 0.08}


# ---- processes and namespaces ---------------------------------------------------------

class Lab:
    def __init__(self, build, name):
        self.link = None
        self.build = pathlib.Path(build)
        self.name = name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"smcbench-{os.getpid()}-"))
        self.procs, self.spaces, self.count = [], [], 0
        self.pages_before = None
        atexit.register(self.close)
        for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(s, lambda n, _: sys.exit(128 + n))

    def close(self):
        for p in reversed(self.procs):
            end(p)
        self.procs = []
        for ns in self.spaces:
            run("ip", "netns", "del", ns, check=False)
        self.spaces = []
        shutil.rmtree(self.dir, ignore_errors=True)
        # What programs of DPDK's leave behind: all prefixes have our number in them.
        for run_dir in pathlib.Path("/run/dpdk").glob(f"*-{os.getpid()}-*"):
            shutil.rmtree(run_dir, ignore_errors=True)
        if self.pages_before is not None:
            HUGE.joinpath("nr_hugepages").write_text(str(self.pages_before))
            self.pages_before = None

    def namespace(self):
        ns = f"smcb-{os.getpid()}-{len(self.spaces)}"
        run("ip", "netns", "add", ns)
        self.spaces.append(ns)
        run("ip", "-n", ns, "link", "set", "lo", "up")
        return ns

    def veth(self, client, server, name, net):
        """NAME0 in client is .2, NAME1 in server is .1 of net; each side's packets
        are processed on that side's CPU."""
        run("ip", "-n", client, "link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1", "netns", server)
        for ns, end_, host, cpu in ((client, 0, 2, CLIENT_CPU), (server, 1, 1, SERVER_CPU)):
            dev = f"{name}{end_}"
            run("ip", "-n", ns, "addr", "add", f"{net}.{host}/24", "dev", dev)
            run("ip", "-n", ns, "link", "set", dev, "up")
            self.inside(ns, "sh", "-c", f"echo {1 << cpu:x} > /sys/class/net/{dev}/queues/rx-0/rps_cpus")

    def inside(self, ns, *args, check=True):
        return run("ip", "netns", "exec", ns, *args, check=check)

    def offloads(self, ns, dev, state, *names):
        self.inside(ns, "ethtool", "-K", dev, *[w for n in names for w in (n, state)], check=False)

    def start(self, args, ns=None, cpu=None, log=None):
        if cpu is not None:
            args = ["taskset", "-c", str(cpu)] + args
        if ns is not None:
            args = ["ip", "netns", "exec", ns] + args
        out = open(self.dir / log, "w") if log else subprocess.DEVNULL
        p = subprocess.Popen(args, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.dir)
        self.procs.append(p)
        return p

    def smcgate(self, config, ns=None, cpu=SERVER_CPU, memory=256, pages=True):
        self.count += 1
        path = self.dir / f"smcgate{self.count}.json"
        path.write_text(json.dumps(config, indent=1))
        eal = ["--in-memory", "--single-file-segments", "--iova-mode=va"] if pages else ["--no-huge", "--iova-mode=va"]
        args = [str(self.build / "app/smcgate/smcgate"), *eal, "-m", str(memory), "--no-pci",
                f"--file-prefix=smcb-{os.getpid()}-{self.count}", "--lcores", f"0@0,1@{cpu}", "--",
                "-c", str(path), "--stats-period", "1"]
        if ns is not None:
            args = ["ip", "netns", "exec", ns] + args
        p = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                             bufsize=1, cwd=self.dir)
        self.procs.append(p)
        return Smcgate(p)

    def huge_pages(self, want):
        """Ask for free 2 MiB pages until the end. False: there are not so many."""
        free, total = (int(HUGE.joinpath(f).read_text()) for f in ("free_hugepages", "nr_hugepages"))
        if free >= want:
            return True
        if self.pages_before is None:
            self.pages_before = total
        HUGE.joinpath("nr_hugepages").write_text(str(total + want - free))
        return int(HUGE.joinpath("free_hugepages").read_text()) >= want


HUGE = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def end(p):
    if p.poll() is None:
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait(10)


class Smcgate:
    """A running smcgate, its lines stamped with the time they came."""

    def __init__(self, proc):
        self.proc, self.pid, self.lines = proc, proc.pid, []
        self.cond = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready = self.wait_line(r"PIPELINE: ready", 40)

    def _read(self):
        for line in self.proc.stdout:
            with self.cond:
                self.lines.append((time.monotonic(), line.rstrip()))
                self.cond.notify_all()

    def wait_line(self, pattern, seconds):
        rx, deadline, at = re.compile(pattern), time.monotonic() + seconds, 0
        with self.cond:
            while True:
                for stamp, line in self.lines[at:]:
                    if rx.search(line):
                        return stamp
                at = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or (self.proc.poll() is not None and not self.reader.is_alive()):
                    raise RuntimeError(f"smcgate did not say '{pattern}':\n" + "\n".join(l for _, l in self.lines[-15:]))
                self.cond.wait(min(left, 0.5))

    def between(self, t0, t1, pattern):
        rx = re.compile(pattern)
        with self.cond:
            return [m for t, line in self.lines if t0 <= t <= t1 for m in [rx.search(line)] if m]

    def busy(self, t0, t1):
        """Mean of the busy share and of the bit/s received and sent over the reports inside."""
        time.sleep(max(0, t1 - time.monotonic()))
        found = self.between(t0 + 1, t1, r"busy ([\d.]+) %, rx \d+ p/s ([\d.]+) Mb/s, tx \d+ p/s ([\d.]+) Mb/s")
        cols = [statistics.fmean(float(m[i]) for m in found) if found else math.nan for i in (1, 2, 3)]
        return {"share": cols[0] / 100, "rx": cols[1] * 1e6, "tx": cols[2] * 1e6}

    def load(self, service):
        """The last report of a load service, as numbers by name."""
        with self.cond:
            for _, line in reversed(self.lines):
                if line.startswith(f"{service}: load "):
                    words = re.findall(r"([a-z][\w./]*) ([\d.]+)", line.split(": ", 2)[2].replace(" us p50", " p50"))
                    return {k: float(v) for k, v in words}
        return {}

    def stop(self):
        end(self.proc)


def tsc_hz():
    """From the boot messages' figure or, failing that, the nominal clock."""
    out = run("dmesg", check=False)
    m = re.search(r"tsc: (?:Refined TSC clocksource calibration|Detected|Calibrated).*?([\d.]+) MHz", out)
    if m:
        return float(m[1]) * 1e6
    m = re.search(r"cpu MHz\s*: ([\d.]+)", pathlib.Path("/proc/cpuinfo").read_text())
    return float(m[1]) * 1e6


# ---- results ------------------------------------------------------------------------------

def interval(values):
    """Median and its 95 % interval (normal approximation of the mean's, which is
    wider than the median deserves for few windows)."""
    values = [v for v in values if math.isfinite(v)]
    if not values:
        return None, None, None
    mid = statistics.median(values)
    if len(values) < 2:
        return mid, mid, mid
    half = 1.96 * statistics.stdev(values) / math.sqrt(len(values))
    return mid, mid - half, mid + half


class Table:
    def __init__(self, name, build):
        self.rows, self.name, self.path = [], name, pathlib.Path(build) / "bench" / f"{name}.json"

    def add(self, name, unit, ours, peer=None, peer_name=None, goal=None, ratios=None, limit=None, floor=None, least=None,
            span=None):
        """goal: greatest ratio; limit: greatest value of ours. ratios: of paired windows.
        Where more is better: least ratio, met when the interval's lower end is; floor,
        missed only when the whole interval lies below it. span: ratio's interval, known."""
        ratio = low = high = None
        if ratios:
            ratio, low, high = interval(ratios)
        elif peer:
            ratio = ours / peer
        if span:
            low, high = span
        holds = None
        if goal is not None and ratio is not None:
            holds = (high if high is not None else ratio) <= goal
        elif limit is not None:
            goal, holds = limit, ours <= limit
        elif least is not None and ratio is not None:
            goal, holds = least, (low if low is not None else ratio) >= least
        elif floor is not None and ratio is not None:
            goal, holds = floor, (high if high is not None else ratio) >= floor
        self.rows.append({"name": name, "unit": unit, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio,
                          "low": low, "high": high, "goal": goal, "holds": holds})

    def finish(self):
        def num(v):
            return "" if v is None or not math.isfinite(v) else f"{v:.0f}" if abs(v) >= 1000 else f"{v:.3g}"

        width = max(len(r["name"]) for r in self.rows)
        head = f"{'':{width}}  {'unit':16} {'ours':>9} {'peer':>9} {'ratio':>6} {'95 %':>13} {'goal':>6}  holds  peer"
        print(head)
        for r in self.rows:
            span = "" if r["low"] is None else f"{r['low']:.3f}..{r['high']:.3f}"
            print(f"{r['name']:{width}}  {r['unit']:16} {num(r['ours']):>9} {num(r['peer']):>9} {num(r['ratio']):>6} {span:>13} "
                  f"{num(r['goal']):>6}  {({True: 'yes', False: 'NO', None: ''})[r['holds']]:5}  {r['peer_name'] or ''}")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.rows, indent=1) + "\n")
        print(f"written to {self.path}")
        return all(r["holds"] is not False for r in self.rows)
