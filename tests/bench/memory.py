# SPDX-License-Identifier: BSD-3-Clause
"""bench memory: what idle established connections cost; see doc/benchmarks.md."""
import argparse
import re
import time

import lab as L
from link import ADDRESS, SOURCES, device_port, driver_port

GOAL_MIB = 512
PORTS = (7, 8)
RINGS = {"rx_descriptors": 256, "tx_descriptors": 256}


def server_config(lab, connections):
    return {"ports": [device_port(lab) | RINGS], "idle": {"min_sleep_us": 100, "spin_turns": 4},
            "tcp": {"max_connections": connections}, "shutdown": {"grace_ms": 0},
            "services": [{"name": f"echo{p}", "type": "echo", "listen": f"{ADDRESS}:{p}"} for p in PORTS]}


def generator_config(lab, connections):
    """Each port of the server gets its part from all addresses; the requests begin
    when its connections are open."""
    part = connections // len(PORTS)
    return {"ports": [driver_port(lab) | RINGS], "shutdown": {"grace_ms": 0},
            "tcp": {"max_connections": connections + 1000, "local_ports": [1024, 65535]},
            "services": [{"name": f"load{p}", "type": "load", "target": f"{ADDRESS}:{p}", "connections": part,
                          "sources": SOURCES, "mode": "request", "request_bytes": 64, "response": "bytes",
                          "response_bytes": 64, "after_open": True, "requests_per_connection": 1, "hold": True,
                          "rate": 20000} for p in PORTS]}


MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ (\S+ \d+) *(\S*)")


def memfds(pid):
    """Device and inode of the memory files a process has mapped."""
    with open(f"/proc/{pid}/maps") as f:
        found = map(MAPPING.match, f)
        return {m[1] for m in found if m and m[2].startswith("/memfd:")}


def memory_mib(pid, peer=None):
    """Resident memory and huge pages, shared ones included; but not the peer's
    memory, which the device's side of the link maps."""
    kib, counted, theirs = 0, True, memfds(peer) if peer else set()
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            m = MAPPING.match(line)
            if m:
                counted = m[1] not in theirs
            elif counted and line.startswith(("Rss:", "Shared_Hugetlb:", "Private_Hugetlb:")):
                kib += int(line.split()[1])
    return kib / 1024


def without_connections(lab):
    """The server with pools for hardly any connection."""
    server = lab.smcgate(server_config(lab, 64), memory=64)
    time.sleep(1)
    out = memory_mib(server.pid)
    server.stop()
    return out


def wait_served(gen, connections, seconds):
    """Until every connection has had its answer. Returns connections open, answers."""
    deadline = time.monotonic() + seconds
    while True:
        reports = [gen.load(f"load{p}") for p in PORTS]
        opened, answers = (int(sum(r.get(k, 0) for r in reports)) for k in ("opened", "responses"))
        if answers >= connections or time.monotonic() > deadline:
            return opened, answers
        time.sleep(0.5)


def main():
    ap = argparse.ArgumentParser(prog="bench memory")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="20,000 connections")
    args = ap.parse_args()
    connections = 20000 if args.quick else 500000
    lab = L.Lab(args.build, "memory")
    if not lab.huge_pages(200 if args.quick else 1000):
        raise SystemExit("bench memory: not enough free huge pages: free memory first")
    before = without_connections(lab)
    server = lab.smcgate(server_config(lab, connections + 64), memory=64)
    empty = memory_mib(server.pid)
    gen = lab.smcgate(generator_config(lab, connections), cpu=L.CLIENT_CPU, memory=64)
    begin = time.monotonic()
    opened, answers = wait_served(gen, connections, 150)
    held = memory_mib(server.pid, gen.pid)
    print(f"{opened} connections opened, {answers} answered in {time.monotonic() - begin:.0f} s; server "
          f"{before:.0f} MiB without, {empty:.0f} MiB with pools, {held:.0f} MiB with connections")
    table = L.Table("memory", args.build)
    limit = GOAL_MIB * connections / 500000
    table.add(f"{connections} idle connections: memory", "MiB", held - before, limit=limit)
    table.add("per connection", "octets", (held - before) * (1 << 20) / connections)
    table.add("connections with an answer", "", answers, limit=None)
    table.rows[-1]["holds"] = opened == answers == connections
    table.finish()


main()
