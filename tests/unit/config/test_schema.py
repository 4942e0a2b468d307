#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The schema and the documentation are those of the tables; the shipped
configurations pass the schema and the program's own check; what the schema
refuses, the program refuses too.

test_schema.py SCHEMA_GEN SOURCE_ROOT
"""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

GEN, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
SCHEMA = json.loads((ROOT / "config/smcgate.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

GOOD = {
    "ports": [{"name": "p", "device": "net_null0", "addresses": ["10.0.0.2/24"]}],
    "gateway": "10.0.0.1",
    "services": [{"name": "e", "type": "echo", "listen": "10.0.0.2:7"}],
}

# Path in GOOD, value put there (or DELETE), does the schema refuse it too?
DELETE = object()
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


def generated(what):
    return subprocess.run([GEN, what], check=True, capture_output=True, text=True).stdout


def check(text):
    """What the program says: (accepted, output)."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(text)
        f.flush()
        done = subprocess.run([GEN, "check", f.name], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def changed(path, value):
    config = copy.deepcopy(GOOD)
    at = config
    for step in path[:-1]:
        at = at[step]
    if value is DELETE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return config


class Config(unittest.TestCase):
    maxDiff = None

    def test_schema_is_up_to_date(self):
        self.assertEqual((ROOT / "config/smcgate.schema.json").read_text(), generated("schema"),
                         "run: ninja -C build update-config-files")

    def test_documentation_is_up_to_date(self):
        self.assertEqual((ROOT / "doc/configuration.md").read_text(), generated("doc"),
                         "run: ninja -C build update-config-files")

    def test_schema_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def test_shipped_configurations(self):
        files = [f for f in sorted((ROOT / "config").glob("*.json")) if f.name != "smcgate.schema.json"]
        self.assertGreater(len(files), 0)
        for f in files:
            with self.subTest(f.name):
                VALIDATOR.validate(json.loads(f.read_text()))
                accepted, said = check(f.read_text())
                self.assertTrue(accepted, said)

    def test_good(self):
        VALIDATOR.validate(GOOD)
        self.assertTrue(*check(json.dumps(GOOD)))

    def test_bad(self):
        for path, value, in_schema in BAD:
            with self.subTest(path=path, value=value):
                config = changed(path, value)
                accepted, said = check(json.dumps(config))
                self.assertFalse(accepted)
                self.assertIn("smcgate: $", said)
                self.assertEqual(VALIDATOR.is_valid(config), not in_schema)

    def test_runtime_keys_are_marked(self):
        port = SCHEMA["properties"]["ports"]["items"]["properties"]
        self.assertTrue(port["mtu"]["x-runtime"])
        self.assertTrue(SCHEMA["properties"]["forward"]["x-runtime"])
        self.assertNotIn("x-runtime", port["name"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
