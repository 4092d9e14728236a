#!/usr/bin/env python3
"""The page's types say what the schemas say, also of what may be null."""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import gen_web_types  # noqa: E402

WORDS = {"type": "string", "enum": ["locked", "auto"]}
NULL = {"type": "null"}


class WebTypes(unittest.TestCase):
    def test_a_value_has_its_type_and_its_shape(self):
        for schema, text, shape in (
            ({"type": "integer"}, "number", "i"),
            ({"type": ["string", "null"]}, "string | null", "?s"),
            (WORDS, '"locked" | "auto"', "s"),
            ({"anyOf": [WORDS, NULL]}, '"locked" | "auto" | null', "?s"),
            ({"anyOf": [NULL, {"type": "array", "items": {"type": "integer"}}]}, "number[] | null", [None, ["i"]]),
            ({"type": "array", "items": {"anyOf": [WORDS, NULL]}}, '("locked" | "auto" | null)[]', ["?s"]),
            ({}, "unknown", "*"),
        ):
            with self.subTest(schema=schema):
                self.assertEqual(gen_web_types.type_of(schema, "x", 0), text)
                self.assertEqual(gen_web_types.shape_of(schema, "x"), shape)

    def test_what_it_has_no_type_for_is_refused(self):
        for schema in ({"type": ["string", "integer"]}, {"anyOf": [WORDS, {"type": "integer"}]},
                       {"anyOf": [WORDS, {"type": "integer"}, NULL]}):
            with self.subTest(schema=schema), self.assertRaises(gen_web_types.Unsupported):
                gen_web_types.type_of(schema, "x", 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
