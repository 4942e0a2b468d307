# SPDX-License-Identifier: BSD-3-Clause
"""What holds for the configuration of every program: cases for a test that is
called with SCHEMA_GEN and SOURCE_ROOT."""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

GEN, ROOT = sys.argv[1], pathlib.Path(sys.argv[2])
DELETE = object()


def shipped():
    return [f for f in sorted((ROOT / "config").glob("*.json")) if not f.name.endswith(".schema.json")]


def generated(what):
    return subprocess.run([GEN, what], check=True, capture_output=True, text=True).stdout


def check(text):
    """What the program says: (accepted, output)."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(text)
        f.flush()
        done = subprocess.run([GEN, "check", f.name], capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def changed(config, path, value):
    config = copy.deepcopy(config)
    at = config
    for step in path[:-1]:
        at = at[step]
    if value is DELETE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return config


def enums(schema):
    """The lists of names below a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("enum"), list):
            yield schema["enum"]
        schema = list(schema.values())
    for below in schema if isinstance(schema, list) else []:
        yield from enums(below)


class Cases:
    """To be mixed with unittest.TestCase: program, schema_file, doc_file, good, bad
    (path in good, value put there or DELETE, does the schema refuse it too?), shipped."""
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads((ROOT / cls.schema_file).read_text())
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def test_schema_is_up_to_date(self):
        self.assertEqual((ROOT / self.schema_file).read_text(), generated("schema"),
                         "run: ninja -C build update-config-files")

    def test_documentation_is_up_to_date(self):
        self.assertEqual((ROOT / self.doc_file).read_text(), generated("doc"),
                         "run: ninja -C build update-config-files")

    def test_documentation_names_all_that_is_allowed(self):
        """None is cut off, nor in messages."""
        doc = (ROOT / self.doc_file).read_text()
        for names in enums(self.schema):
            self.assertIn("one of " + ", ".join(f'"{n}"' for n in names) + " |", doc)

    def test_schema_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_shipped_configurations(self):
        self.assertGreater(len(self.shipped), 0)
        for f in self.shipped:
            with self.subTest(f.name):
                self.validator.validate(json.loads(f.read_text()))
                accepted, said = check(f.read_text())
                self.assertTrue(accepted, said)

    def test_good(self):
        self.validator.validate(self.good)
        self.assertTrue(*check(json.dumps(self.good)))

    def test_bad(self):
        for path, value, in_schema in self.bad:
            with self.subTest(path=path, value=value):
                config = changed(self.good, path, value)
                accepted, said = check(json.dumps(config))
                self.assertFalse(accepted)
                self.assertIn(self.program + ": $", said)
                self.assertEqual(self.validator.is_valid(config), not in_schema)
