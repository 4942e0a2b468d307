#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""vnicd's schema, documentation and shipped configurations, as test_schema.py does
smcgate's.

test_schema_vnicd.py SCHEMA_GEN SOURCE_ROOT
"""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(sys.argv[2]) / "tests/unit/config"))
import schema  # noqa: E402
from schema import DELETE  # noqa: E402

GOOD = {
    "ports": [{"name": "a", "path": "/a", "faults": {"events": [{"kind": "stall"}]}},
              {"name": "b", "path": "/b", "features": {}}],
    "uplinks": [{"name": "u", "tap": "t0", "faults": {}}, {"name": "w", "tap": "t1"}],
    "switch": {"table_size": 1024},
}

BAD = [
    (("ports",), DELETE, True),
    (("ports",), [], True),
    (("unknown",), 1, True),
    (("ports", 0, "name"), DELETE, True),
    (("ports", 0, "name"), "a b", True),
    (("ports", 0, "name"), "b", False),
    (("ports", 0, "name"), "u", False),
    (("ports", 0, "path"), "", True),
    (("ports", 0, "path"), "/b", False),
    (("ports", 0, "path"), "/" * 108, True),
    (("ports", 0, "mode"), "both", True),
    (("ports", 0, "mac"), "01:00:00:00:00:01", True),
    (("ports", 0, "mtu"), 67, True),
    (("ports", 0, "queues"), 65, True),
    (("ports", 0, "queues"), 0, True),
    (("ports", 0, "queue_size"), 100, False),
    (("ports", 0, "queue_size"), 65536, True),
    (("ports", 0, "features"), {"lro": True}, True),
    (("ports", 0, "features"), {"csum": False}, False),
    (("ports", 0, "features"), {"guest_csum": False}, False),
    (("ports", 0, "features"), {"ctrl_vq": False}, False),
    (("ports", 0, "features"), {"status": False}, False),
    (("ports", 0, "faults"), {"drop": 1000001}, True),
    (("ports", 0, "faults"), {"drop": -1}, True),
    (("ports", 0, "faults"), {"direction": "sideways"}, True),
    (("ports", 0, "faults", "events"), [{"kind": "melt"}], True),
    (("ports", 0, "faults", "events"), [{"value": 1}], True),
    (("ports", 0, "faults", "events"), [{"kind": "drop", "value": 1000001}], False),
    (("ports", 0, "faults", "events"), [{"kind": "lie_order", "queue": 3}], False),
    (("uplinks", 0, "tap"), DELETE, True),
    (("uplinks", 0, "tap"), "t1", False),
    (("uplinks", 0, "tap"), "n" * 16, True),
    (("uplinks", 0, "queues"), 17, True),
    (("uplinks", 0, "faults"), {"events": [{"kind": "disconnect"}]}, False),
    (("switch", "table_size"), 1000, False),
    (("switch", "ageing_s"), 0, True),
    (("poll",), {"batch": 0}, True),
    (("log",), {"level": "loud"}, True),
]


class Vnicd(schema.Cases, unittest.TestCase):
    program, good, bad = "vnicd", GOOD, BAD
    schema_file, doc_file = "config/vnicd.schema.json", "doc/vnicd-configuration.md"
    shipped = [f for f in schema.shipped() if f.name.startswith("vnicd")]

    def test_mq_needs_queues(self):
        bad = schema.changed(GOOD, ("ports", 1), {"name": "b", "path": "/b", "queues": 2,
                                                  "features": {"mq": False, "rss": False}})
        accepted, said = schema.check(json.dumps(bad))
        self.assertFalse(accepted)
        self.assertIn("$.ports[1].queues: found 2", said)

    def test_contradictions_beside_unreadable_values(self):
        """All is told at once, but for what follows from what could not be read."""
        bad = schema.changed(GOOD, ("ports", 0, "mtu"), 1)
        bad["ports"] += [{"name": "b", "path": "/b", "features": {"csum": False, "uso": False}, "queue_size": 9},
                         {"name": 1}, {"path": 1}]
        bad["switch"] = {"table_size": 17, "ageing_s": 0}
        bad["uplinks"][0]["faults"] = {"events": [{"kind": "melt"}]}
        accepted, said = schema.check(json.dumps(bad))
        self.assertFalse(accepted)
        told = [line.split(": ")[1] for line in said.splitlines()]
        self.assertEqual(sorted(told), sorted([
            "$.ports[0].mtu", "$.ports[2].name", "$.ports[2].path", "$.ports[2].queue_size",
            "$.ports[2].features.tso", "$.ports[3].name", "$.ports[3].path", "$.ports[4].name", "$.ports[4].path",
            "$.uplinks[0].faults.events[0].kind", "$.switch.ageing_s", "$.switch.table_size"]))
        self.assertIn('"lie_order"', said)


if __name__ == "__main__":
    unittest.main(argv=["test_schema_vnicd.py"])
