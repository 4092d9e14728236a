#!/usr/bin/env python3
"""Makes schema.inc from schema.sql and views.sql: the store's SQL as C++ string literals.

  tools/embed_sql.py           writes the file
  tools/embed_sql.py --check   fails when it is not up to date
"""

import sys

import generated
from generated import ROOT

STORE = ROOT / "libselftune/src/store"


def literal(name, text):
    assert ')sql"' not in text
    return 'constexpr char %s[] = R"sql(%s)sql";\n' % (name, text)


def render():
    return ("// Made by tools/embed_sql.py from schema.sql and views.sql; do not edit.\n"
            + literal("kSchemaSql", (STORE / "schema.sql").read_text(encoding="utf-8"))
            + literal("kViewsSql", (STORE / "views.sql").read_text(encoding="utf-8")))


def main():
    args = generated.parser(__doc__).parse_args()
    return generated.update({STORE / "schema.inc": render()}, args.check)


if __name__ == "__main__":
    sys.exit(main())
