# SPDX-License-Identifier: BSD-3-Clause
"""_config.py tcp|smc JSON: changes to the configuration of a test, for smcgate's port of the lab.

With "smc" there is an RDMA device on it, and the services speak SMC; JSON's "smc" adds to that part.
"""
import json
import sys

GATE, KERNEL, PEER = "10.77.0.2", "10.77.0.1", "10.77.0.3"


def service(name, kind, port, **more):
    return dict(name=name, type=kind, listen="%s:%d" % (GATE, port), **more)


protocol, changes = sys.argv[1], json.loads(sys.argv[2])
work = sys.argv[3]
port = {"name": "gate0", "device": "net_af_packet0", "vdev": "net_af_packet0,iface=gate0"}
port.update(changes.get("port", {}))
changes["port"] = port
if protocol == "smc":
    smc = {"eids": ["SMCGATE.TEST"]}
    smc.update(changes.get("smc", {}))
    changes["smc"] = smc
    changes.setdefault("rdma", [{"name": "roce0", "provider": "roce", "port": "gate0"}])
    listen, connect = {"listen_protocol": "smc"}, {"connect_protocol": "smc"}
    changes.setdefault("services", [
        service("web", "http", 80, body_bytes=1024, directory=work + "/www", **listen),
        service("echo", "echo", 7, **listen),
        service("discard", "discard", 9, **listen),
        service("tcp-echo", "echo", 70),
        service("redis", "proxy", 6379, backends=[KERNEL + ":6379"], **listen),
        # From the host's TCP to an SMC server in the guest.
        service("out", "proxy", 7777, backends=[PEER + ":7777"], **connect),
    ])
print(json.dumps(changes))
