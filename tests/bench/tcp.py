# SPDX-License-Identifier: BSD-3-Clause
"""bench tcp: server CPU per request, per connection and per GB, beside the
kernel's servers; see doc/benchmarks.md."""
import argparse
import json
import math
import statistics
import time

import lab as L
from link import ADDRESS as OURS, SOURCES, device_port, driver_port

KERNEL = "10.9.1.1"
# Octets of "PING x...x\r\n" and of redis' answer "$57\r\nx...x\r\n": 64 each.
PING = "PING " + "x" * 57 + "\\r\\n"


class Plan:
    def __init__(self, quick):
        self.pairs = 2 if quick else 6
        self.seconds = 2 if quick else 3
        self.gap = 0.5
        self.lead = 1.0
        self.requests = 40000
        self.connections = 8000


# Large buffers in small rings and windows: what one CPU writes and the other
# reads stays in their caches, as the kernel's does.
MEMORY = {"buffer_size": 16384, "rx_buffers": 2048, "payload_buffers": 2048}
# Frames of at most 1500 octets, one a buffer.
SMALL = {"rx_buffers": 4096, "payload_buffers": 4096}
TCP = {"receive_buffer_max": 512 << 10, "send_buffer_max": 512 << 10}


def rings(large):
    return {} if large else {"rx_descriptors": 256, "tx_descriptors": 256}


# How long our server sleeps when a turn found nothing: requests collect meanwhile, which is
# in their latency; a stream must not stand still for it.
SLEEP_REQUESTS_US, SLEEP_BULK_US = 800, 100


def resting(sleep_us):
    """One profile, so that each window measures the same: two are needed, the second is used. Where the
    queue has interrupts packets collect in a nap as long."""
    profiles = [{"sleep_us": us, "usecs": us, "spin": spin} for us, spin in ((sleep_us // 2, 2), (sleep_us, 1))]
    return {"moderation": {"mode": "static", "profile": 1, "max_latency_us": 1000, "profiles": profiles}}


def our_server(lab, sleep_us, tso=True, large=False):
    return lab.smcgate({
        "ports": [device_port(lab, tso) | rings(large) | resting(sleep_us)], "memory": MEMORY if large else SMALL, "tcp": TCP,
        "services": [{"name": "echo", "type": "echo", "listen": OURS + ":7"},
                     {"name": "discard", "type": "discard", "listen": OURS + ":9"},
                     {"name": "web", "type": "http", "listen": OURS + ":80", "body_bytes": 1024},
                     {"name": "big", "type": "http", "listen": OURS + ":81", "body_bytes": 1 << 20}]})


def generator(lab, ns, services, tso=True, large=False):
    """One client for both servers, on the other CPU: the driver's side of vhost-user
    to ours, af_packet on a veth to the kernel's."""
    theirs = {"name": "veth", "device": "net_af_packet0",
              "vdev": "net_af_packet0,iface=load0,qpairs=1,blocksz=4096,framesz=2048,framecnt=4096,qdisc_bypass=1",
              "mac": "02:00:00:00:0a:02", "addresses": [f"10.9.1.{h}/24" for h in range(2, 10)], "arp_announce": False,
              "offloads": {"checksum": "off", "tso": "off"}}
    return lab.smcgate({"ports": [driver_port(lab, tso) | rings(large), theirs], "memory": MEMORY if large else SMALL, "tcp": TCP, "idle": {"enabled": False}, "services": services},
                       ns=ns, cpu=L.CLIENT_CPU)


def schedule(plan, service):
    """The windows of a run, ours and theirs in turn: name, start in seconds, service."""
    out, at = [], plan.lead
    for i in range(plan.pairs):
        for side, addr in (("ours", OURS), ("kernel", KERNEL)):
            name = f"{side}{i}"
            out.append((name, at, service(side, addr, {"name": name, "type": "load", "duration_s": plan.seconds,
                                                       "start_delay_ms": int(at * 1000)})))
            at += plan.seconds + plan.gap
    return out


def sources(addr):
    return [addr.rsplit(".", 1)[0] + f".{h}" for h in range(2, 10)]


def measure(plan, gen, windows, pids, control, server):
    """CPU and counts of each window."""
    found = {}
    for name, at, service in windows:
        t0, t1 = gen.ready + at + 0.6, gen.ready + at + plan.seconds - 0.1
        time.sleep(max(0, t0 - time.monotonic()))
        side = name.rstrip("0123456789")
        w = L.Window(pids[side])
        time.sleep(max(0, t1 - time.monotonic()))
        found[name] = w.end(control)
        if side == "ours":
            found[name]["lcore"] = server.busy(t0 - 0.6, t1 + 0.3)
    time.sleep(1.5)
    for name, _, service in windows:
        report = gen.load(name)
        # What was answered, should the offered rate not have been reached.
        found[name]["rate"] = report.get("responses", 0) / plan.seconds or math.nan
        found[name].update(p50=report.get("p50"), p99=report.get("p99"), report=report)
        want = plan.seconds * service["rate"]
        if report.get("responses", 0) < 0.97 * want or report.get("bad", 0) + report.get("errors", 0) > 0:
            print(f"warning: window {name}: {report} of {want} responses due")
    return found


def per_unit(found, plan):
    """us of CPU per unit of each pair of windows."""
    cost = {side: [1e6 * found[f"{side}{i}"]["cpu"] / found[f"{side}{i}"]["wall"] / found[f"{side}{i}"]["rate"]
                   for i in range(plan.pairs)] for side in ("ours", "kernel")}
    return cost["ours"], cost["kernel"]


def requests_rows(table, plan, found, what, unit, peer, rate, hz):
    ours, theirs = per_unit(found, plan)
    ratios = [a / b for a, b in zip(ours, theirs)]
    med = statistics.median
    table.add(f"{what}: server CPU", f"us/{unit}", med(ours), med(theirs), peer, 0.25, ratios)
    own = {s: med([1e6 * w["own"] / w["wall"] / w["rate"] for w in (found[f"{s}{i}"] for i in range(plan.pairs))])
           for s in ("ours", "kernel")}
    table.add(f"{what}: of it in the process", f"us/{unit}", own["ours"], own["kernel"], peer)
    busy = med([w["lcore"]["share"] / w["rate"] for w in (found[f"ours{i}"] for i in range(plan.pairs))])
    table.add(f"{what}: busy TSC cycles", f"cycles/{unit}", busy * hz)
    for q in ("p50", "p99"):
        table.add(f"{what}: latency {q}", "us", *(med([found[f"{s}{i}"][q] or 0 for i in range(plan.pairs)])
                                                  for s in ("ours", "kernel")), peer)


def run_requests(lab, table, plan, ns, server, pids, control, what, unit, peer, rate, service):
    windows = schedule(plan, service)
    gen = generator(lab, ns, [s for _, _, s in windows])
    found = measure(plan, gen, windows, pids, control, server)
    gen.stop()
    requests_rows(table, plan, found, what, unit, peer, rate, L.tsc_hz())
    return found


# ---- (a) and (b) -------------------------------------------------------------------------

def bench_requests(lab, table, plan, ns, server, pids, control):
    def service(side, addr, base):
        return base | {"target": addr + (":7" if side == "ours" else ":6379"), "mode": "request", "request": PING,
                       "response": "bytes", "response_bytes": 64, "connections": 64, "rate": plan.requests}
    what = f"(a) 64 B requests, 64 connections, {plan.requests}/s, sleep {SLEEP_REQUESTS_US} us"
    return run_requests(lab, table, plan, ns, server, pids, control, what, "request", "redis-server", plan.requests, service)


def bench_connects(lab, table, plan, ns, server, pids, control):
    def service(side, addr, base):
        return base | {"target": addr + ":80", "mode": "connect", "http_path": "/1k.bin", "connections": 2000,
                       "rate": plan.connections, "sources": sources(addr)} | ({"http_path": "/"} if side == "ours" else {})
    what = f"(b) connect, 1 KiB, close, {plan.connections}/s, sleep {SLEEP_REQUESTS_US} us"
    return run_requests(lab, table, plan, ns, server, pids, control, what, "connection", "nginx", plan.connections, service)


# ---- the kernel's servers -----------------------------------------------------------------

NGINX = """daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.err;
events {{ worker_connections 20000; }}
http {{ access_log off; sendfile on; tcp_nopush off; keepalive_timeout 0; client_body_temp_path {dir}/nb;
proxy_temp_path {dir}/np; fastcgi_temp_path {dir}/nf; uwsgi_temp_path {dir}/nu; scgi_temp_path {dir}/ns;
open_file_cache max=10;
server {{ listen 10.9.1.1:80 backlog=4096; root {dir}/www; }} }}
"""


def kernel_servers(lab, ns):
    (lab.dir / "www").mkdir()
    (lab.dir / "www/1k.bin").write_bytes(bytes(range(256)) * 4)
    lab.dir.chmod(0o755)
    (lab.dir / "nginx.conf").write_text(NGINX.format(dir=lab.dir))
    redis = lab.start(["redis-server", "--bind", KERNEL, "--port", "6379", "--save", "", "--appendonly", "no",
                       "--protected-mode", "no", "--dir", str(lab.dir)], ns, L.SERVER_CPU, "redis.log")
    nginx = lab.start(["nginx", "-p", str(lab.dir), "-c", str(lab.dir / "nginx.conf")], ns, L.SERVER_CPU, "nginx.log")
    time.sleep(1)
    for name, p in (("redis-server", redis), ("nginx", nginx)):
        if p.poll() is not None:
            raise SystemExit(f"{name} does not start: " + "".join(f.read_text() for f in lab.dir.glob(f"{name[:5]}*.log")))
    return [redis.pid, nginx.pid]


# ---- (c) one bulk stream ---------------------------------------------------------------------

def iperf(lab, ns, plan, net, receive):
    """CPU seconds on the server's side per GB of payload, and Gb/s."""
    args = ["iperf3", "-c", f"{net}.1", "-t", str(plan.seconds), "-O", "0", "-C", "cubic", "-J"] + (["-R"] if receive else [])
    p = lab.start(args, ns, L.CLIENT_CPU, "iperf.json")
    return p


def bulk_kernel(lab, plan, ns, server_pid, control, net, receive):
    p = iperf(lab, ns, plan, net, receive)
    time.sleep(0.05)
    w = L.Window([server_pid])
    p.wait(plan.seconds + 10)
    d = w.end(control)
    total = json.loads((lab.dir / "iperf.json").read_text())["end"]["sum_received"]["bytes"]
    return {"per_gb": d["cpu"] / (total / 1e9), "gbps": 8e-9 * total / plan.seconds}


def bulk_ours(plan, gen, start, pid, control, server, send):
    t0, t1 = gen.ready + start + 0.6, gen.ready + start + plan.seconds - 0.1
    time.sleep(max(0, t0 - time.monotonic()))
    w = L.Window([pid])
    time.sleep(max(0, t1 - time.monotonic()))
    d = w.end(control)
    lcore = server.busy(t0 - 0.6, t1 + 0.3)
    bps = lcore["tx"] if send else lcore["rx"]
    payload = max(bps, 1.0) / 8 * 1448 / 1514
    return {"per_gb": d["cpu"] / d["wall"] / (payload / 1e9), "gbps": 8e-9 * payload,
            "cycles": lcore["share"] * L.tsc_hz() / payload}


def bulk_service(name, at, plan, send):
    base = {"name": name, "type": "load", "duration_s": plan.seconds, "start_delay_ms": int(at * 1000), "connections": 1}
    if send:
        return base | {"target": OURS + ":81", "mode": "request", "http_path": "/", "pipeline": 4}
    return base | {"target": OURS + ":9", "mode": "stream", "direction": "send"}


def bench_bulk(lab, table, plan, client, kernel, server, control):
    lab.veth(client, kernel, "bulk", "10.9.2")
    iperf_server = lab.start(["iperf3", "-s", "-B", "10.9.2.1"], kernel, L.SERVER_CPU, "iperf-server.log")
    time.sleep(0.5)
    for state, goal in (("on", 1.0), ("off", 0.5)):
        for ns, dev in ((client, "bulk0"), (kernel, "bulk1")):
            lab.offloads(ns, dev, state, "tso", "gso", "gro")
        server.stop()
        server = our_server(lab, SLEEP_BULK_US, state == "on", state == "on")
        for send in (False, True):
            step = 2 * plan.seconds + 3 * plan.gap
            starts = [plan.lead + i * step for i in range(plan.pairs)]
            gen = generator(lab, client, [bulk_service(f"bulk{i}", at, plan, send) for i, at in enumerate(starts)],
                            state == "on", state == "on")
            ours, theirs = [], []
            for at in starts:
                ours.append(bulk_ours(plan, gen, at, server.pid, control, server, send))
                time.sleep(plan.gap)
                theirs.append(bulk_kernel(lab, plan, client, iperf_server.pid, control, "10.9.2", send))
            gen.stop()
            bulk_rows(table, ours, theirs, "server sends" if send else "server receives", state, goal)
    server.stop()


def bulk_rows(table, ours, theirs, way, state, goal):
    med = statistics.median
    what = f"(c) bulk, {way}, MTU 1500, offloads {state}, sleep {SLEEP_BULK_US} us"
    col = lambda rows, key: [r[key] for r in rows]
    table.add(what + ": server CPU", "s/GB", med(col(ours, "per_gb")), med(col(theirs, "per_gb")), "iperf3", goal,
              [a / b for a, b in zip(col(ours, "per_gb"), col(theirs, "per_gb"))])
    table.add(what + ": busy TSC cycles", "cycles/B", med(col(ours, "cycles")))
    table.add(what + ": payload", "Gb/s", med(col(ours, "gbps")), med(col(theirs, "gbps")), "iperf3")


# ---- main --------------------------------------------------------------------------------------

def main():
    ap = argparse.ArgumentParser(prog="bench tcp")
    ap.add_argument("--build", default=str(L.TOP / "build"))
    ap.add_argument("--quick", action="store_true", help="few short windows")
    ap.add_argument("--only", default="abc", help="parts to run, of a, b, c")
    args = ap.parse_args()
    plan = Plan(args.quick)
    lab = L.Lab(args.build, "tcp")
    pages = lab.huge_pages(560) # three servers and generators at a time, and their arenas
    if not pages:
        raise SystemExit("bench tcp: there are not 560 free huge pages: free memory first")
    client, kernel = lab.namespace(), lab.namespace()
    lab.veth(client, kernel, "load", "10.9.1")
    # The client's end has no address of the kernel's: its stack is smcgate's.
    lab.inside(client, "ip", "addr", "flush", "dev", "load0")
    lab.inside(client, "ip", "link", "set", "load0", "arp", "off")
    lab.offloads(kernel, "load1", "off", "tx", "tso", "gso", "gro")
    server = our_server(lab, SLEEP_REQUESTS_US)
    pids = {"ours": [server.pid], "kernel": kernel_servers(lab, kernel)}
    idle = L.control(2)
    print(f"server's CPU {L.SERVER_CPU} without load: {100 * idle['share']:.1f} % busy"
          + (": others use it; process and softirq times are taken instead" if idle["noisy"] else ""))
    table = L.Table("tcp", args.build)
    if "a" in args.only:
        bench_requests(lab, table, plan, client, server, pids, idle)
    if "b" in args.only:
        bench_connects(lab, table, plan, client, server, pids, idle)
    if "c" in args.only:
        bench_bulk(lab, table, plan, client, kernel, server, idle)
    table.finish()


main()
