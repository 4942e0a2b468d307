#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The schema and the documentation are those of the tables; the shipped
configurations pass the schema and the program's own check; what the schema
refuses, the program refuses too.

test_schema.py SCHEMA_GEN SOURCE_ROOT
"""
import unittest

import schema
from schema import DELETE

GOOD = {
    "ports": [{"name": "p", "device": "net_null0", "addresses": ["10.0.0.2/24"]}],
    "gateway": "10.0.0.1",
    "services": [{"name": "e", "type": "echo", "listen": "10.0.0.2:7"}],
}

# Path in GOOD, value put there (or DELETE), does the schema refuse it too?
BAD = [
    (("ports",), DELETE, True),
    (("ports",), [], True),
    (("ports",), {}, True),
    (("unknown",), 1, True),
    (("ports", 0, "name"), DELETE, True),
    (("ports", 0, "name"), "", True),
    (("ports", 0, "name"), "a b", True),
    (("ports", 0, "name"), "n" * 32, True),
    (("ports", 0, "mtuu"), 1500, True),
    (("ports", 0, "mtu"), 67, True),
    (("ports", 0, "mtu"), 9217, True),
    (("ports", 0, "mtu"), "1500", True),
    (("ports", 0, "mtu"), 1500.5, True),
    (("ports", 0, "vlan"), 4095, True),
    (("ports", 0, "mac"), "01:00:00:00:00:01", True),
    (("ports", 0, "mac"), "00:00:00:00:00:00", False),
    (("ports", 0, "device"), "tab\there", True),
    (("ports", 0, "addresses", 0), "10.0.0.2", True),
    (("ports", 0, "addresses", 0), "10.0.0.2/33", True),
    (("ports", 0, "addresses", 0), "fe80::1/64", True),
    (("ports", 0, "addresses", 0), "10.0.0.0/24", False),
    (("ports", 0, "offloads"), {"tso": "on"}, True),
    (("ports", 0, "vdev"), "net_tap0,iface=x", False),
    (("gateway",), "10.0.0.256", True),
    (("gateway",), "10.0.0.01", True),
    (("gateway",), "10.1.0.1", False),
    (("routes",), [{"to": "10.0.0.0/8"}], True),
    (("routes",), [{"to": "0.0.0.0/0", "via": "10.0.0.3"}], False),
    (("tcp",), {"local_ports": [1]}, True),
    (("tcp",), {"local_ports": [2000, 65536]}, True),
    (("tcp",), {"local_ports": [3000, 2000]}, False),
    (("tcp",), {"nagle": 1}, True),
    (("tcp",), {"congestion": "vegas"}, True),
    (("tcp",), {"rto_min_ms": 2000, "rto_max_ms": 1000}, False),
    (("tcp",), {"keepalive": {"probes": 0}}, True),
    (("lcores",), [], True),
    (("lcores",), [{"lcore": 1, "queues": [{"port": "q"}]}], False),
    (("services", 0, "type"), "ecko", True),
    (("services", 0, "type"), DELETE, True),
    (("services", 0, "name"), DELETE, True),
    (("services", 0, "listen"), DELETE, True),
    (("services", 0, "listen"), "10.0.0.2:0", True),
    (("services", 0, "listen"), "10.0.0.2:65536", True),
    (("services", 0, "listen"), "[::1]:80", True),
    (("services", 0, "listen"), "10.0.0.9:7", False),
    (("services", 0, "listen_protocol"), "rdma", True),
    (("services", 0, "connect_protocol"), "smc", True),
    (("services", 0, "body_bytes"), 1, True),
    (("services", 0, "max_connections"), 0, True),
    (("rdma",), [{"name": "r"}], True),
    (("rdma",), [{"name": "r", "port": "p", "window": 0}], True),
    (("rdma",), [{"name": "r", "port": "p", "provider": "siw"}], True),
    (("rdma",), [{"name": "r", "port": "p", "provider": "verbs"}], False),
    (("rdma",), [{"name": "r", "port": "q"}], False),
    (("smc",), {"eids": ["lower"]}, False),
    (("smc",), {"eids": [""]}, True),
    (("smc",), {"eids": ["A" * 33]}, True),
    (("smc",), {"policies": [{"port": 80}]}, True),
    (("smc",), {"policies": [{"port": 0, "use": "tcp"}]}, True),
    (("smc",), {"policies": [{"service": "x", "use": "tcp"}]}, False),
    (("smc",), {"max_conns_per_group": 256}, True),
    (("smc",), {"rmb_size": 16383}, True),
    (("log",), {"layers": {"smc": "debug"}}, True),
    (("forward",), "flowgen", True),
    (("burst",), 0, True),
]


class Smcgate(schema.Cases, unittest.TestCase):
    program, good, bad = "smcgate", GOOD, BAD
    schema_file, doc_file = "config/smcgate.schema.json", "doc/configuration.md"
    shipped = [f for f in schema.shipped() if not f.name.startswith("vnicd")]

    def test_runtime_keys_are_marked(self):
        port = self.schema["properties"]["ports"]["items"]["properties"]
        self.assertTrue(port["mtu"]["x-runtime"])
        self.assertTrue(self.schema["properties"]["forward"]["x-runtime"])
        self.assertNotIn("x-runtime", port["name"])


if __name__ == "__main__":
    unittest.main(argv=["test_schema.py"])
