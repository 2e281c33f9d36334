#!/usr/bin/env python3
"""The functions that docs/life-of-a-connect.md names exist in the files it says.

A name is written `dir/file.c: function`; the file is below src/."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAME = re.compile(r"`([a-z0-9_/]+\.[ch]): ([a-z0-9_]+)`")


def main():
    names = NAME.findall((ROOT / "docs/life-of-a-connect.md").read_text())
    missing = []
    for file, function in names:
        path = ROOT / "src" / file
        text = path.read_text() if path.exists() else ""
        if not re.search(rf"^[^\s#/*][^;=]*\b{function}\([^;]*?\)\s*\{{", text, re.M):
            missing.append(f"docs/life-of-a-connect.md: {file} has no function {function}")
    print("\n".join(missing + [f"names: {len(names)} looked up, {len(missing)} missing"]))
    return 1 if missing or not names else 0


sys.exit(main())
