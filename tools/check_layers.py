#!/usr/bin/env python3
"""Includes go down only, and name the layer: layers.txt says who may see whom.

Prints each include that breaks a rule; exit status 1 when there is one."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = {"base", "wire", "net", "transport", "socket", "stack"}
# What a freestanding compiler brings along, and the four mem* functions' declarations.
FREESTANDING = {"stdbool.h", "stddef.h", "stdint.h", "stdarg.h", "stdalign.h", "limits.h", "string.h",
                "assert.h"}
# The public headers for hosted programs: they speak of descriptors, and the core never sees them.
HOSTED = {"handfast/host.h", "handfast/posix.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def read_layers():
    layers = {}
    for line in (ROOT / "layers.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            name, seen = line.split(":")
            layers[name.strip()] = {name.strip(), *seen.split()}
    return layers


def is_hosted(path):
    return "/".join(path.parts[-2:]) in HOSTED


def problems_of(path, layer, seen):
    for quote, target in INCLUDE.findall(path.read_text()):
        if quote == "<":
            if layer in CORE | {"public"} and not is_hosted(path) and target not in FREESTANDING:
                yield f"<{target}>: the core and the public headers are freestanding"
            continue
        if layer in CORE and target in HOSTED:
            yield f'"{target}": the core knows no descriptors'
        first = target.split("/")[0]
        if "/" not in target:
            yield f'"{target}": name the layer'
        elif (first if first != "handfast" else "public") not in seen:
            yield f'"{target}": {layer} may not see {first}'


def main():
    layers = read_layers()
    bad = 0
    files = [(p, p.relative_to(ROOT / "src").parts[0]) for p in sorted((ROOT / "src").rglob("*.[ch]"))]
    files += [(p, "public") for p in sorted((ROOT / "include").rglob("*.h"))]
    for path, layer in files:
        if layer != "public" and layer not in layers:
            print(f"{path.relative_to(ROOT)}: no layer {layer} in layers.txt")
            bad += 1
            continue
        for problem in problems_of(path, layer, layers.get(layer, {"public"})):
            print(f"{path.relative_to(ROOT)}: {problem}")
            bad += 1
    print(f"layers: {len(files)} files, {bad} problems")
    return 1 if bad else 0


sys.exit(main())
