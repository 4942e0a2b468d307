# SPDX-License-Identifier: BSD-3-Clause
"""_pair.py DIRECTORY JSON: configurations of two gateways, DIRECTORY/a.json and b.json. JSON
may have "a" and "b", whose keys replace whole values, and "rdma", "smc", for both."""
import json
import pathlib
import sys

work, changes = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])


def link(n, address):
    return {"name": "link", "device": "net_af_packet0", "addresses": [address],
            "vdev": f"net_af_packet0,iface=link{n},blocksz=65536,framesz=2048,framecnt=1024"}


def tap(name, n, address):
    return {"name": name, "device": "net_tap0", "vdev": f"net_tap0,iface=dtap{n}", "addresses": [address]}


def relay(listen, accepts, backend, connects):
    return {"name": "relay", "type": "proxy", "listen": listen, "listen_protocol": accepts,
            "backends": [backend], "connect_protocol": connects}


common = {
    "rdma": [{"name": "roce0", "port": "link"}],
    "smc": {"eids": ["SMCGATE.TEST"], "memory_mb": 32},
    "memory": {"rx_buffers": 4096, "payload_buffers": 4096, "header_buffers": 4096},
    "tcp": {"max_connections": 4096},
}
common["smc"].update(changes.pop("smc", {}))
common.update({k: changes[k] for k in changes if k not in ("a", "b")})
a = dict(common, ports=[tap("front", "a", "10.77.0.2/24"), link("a", "10.78.0.1/24")], services=[
    relay("10.77.0.2:8080", "tcp", "10.78.0.2:8080", "smc"),
    dict(relay("10.77.0.2:80", "tcp", "10.78.0.2:80", "smc"), name="pages"),
    dict(relay("10.77.0.2:7", "tcp", "10.78.0.2:7", "smc"), name="echoes"),
])
b = dict(common, ports=[link("b", "10.78.0.2/24"), tap("back", "b", "10.79.0.2/24")], services=[
    relay("10.78.0.2:8080", "smc", "10.79.0.1:8081", "tcp"),
    {"name": "web", "type": "http", "listen": "10.78.0.2:80", "listen_protocol": "smc", "body_bytes": 1024},
    {"name": "echo", "type": "echo", "listen": "10.78.0.2:7", "listen_protocol": "smc"},
])
for name, config in (("a", a), ("b", b)):
    config.update(changes.get(name, {}))
    (work / f"{name}.json").write_text(json.dumps(config, indent=2))
