#!/usr/bin/env python3
"""Makes schema.inc from schema.sql and views.sql: the store's SQL as C++ string literals.

  tools/embed_sql.py           writes the file
  tools/embed_sql.py --check   fails when it is not up to date
"""
import pathlib
import sys

STORE = pathlib.Path(__file__).resolve().parent.parent / "libselftune" / "src" / "store"


def literal(name, text):
    assert ')sql"' not in text
    return 'constexpr char %s[] = R"sql(%s)sql";\n' % (name, text)


def main():
    text = "// Made by tools/embed_sql.py from schema.sql and views.sql; do not edit.\n"
    text += literal("kSchemaSql", (STORE / "schema.sql").read_text(encoding="utf-8"))
    text += literal("kViewsSql", (STORE / "views.sql").read_text(encoding="utf-8"))
    target = STORE / "schema.inc"
    if "--check" in sys.argv[1:]:
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            sys.exit("%s is not up to date; run tools/embed_sql.py" % target.name)
        return
    target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
