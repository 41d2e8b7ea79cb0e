#!/usr/bin/env python3
"""Every descriptor of an operation that the library has stands in the registry,
and nothing else does.

    registry.py LIBRARY.a RUNTIME COUNT

The library's symbols are compared with runtime/portable/registry.def; COUNT
prints how many operations the registry has, and how large a descriptor is. The
sources are searched for descriptors whose names would escape the symbols.
"""

import pathlib
import re
import subprocess
import sys

library, runtime, count = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
problems = []

sizes = {}
symbols = subprocess.run(["nm", "-S", "--defined-only", library], check=True,
                         capture_output=True, text=True).stdout
for line in symbols.splitlines():
    found = re.match(r"\w+ (\w+) [bBdDrR] (\w+_descs?)$", line)
    if found:
        sizes[found.group(2)] = int(found.group(1), 16)

text = (runtime / "portable" / "registry.def").read_text()
text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
named = set(re.findall(r"REGISTRY_(?:ONE|MANY|REFUSED)\(\s*(\w+)", text))
if "REGISTRY_ELEMENTWISE()" in text:
    named |= {"op_elementwise_descs", "op_kept_descs"}
for name in sorted(set(sizes) - named):
    problems.append(f"{name} is not in registry.def")
for name in sorted(named - set(sizes)):
    problems.append(f"{name} is in registry.def and not in the library")

# Definitions, by `const lz_op NAME =` or `[N] =`; macros paste the rest.
for source in runtime.rglob("*.c"):
    for found in re.finditer(r"\blz_op\s+([\w#]+)\s*(?:\[\w*\])?\s*=",
                             source.read_text()):
        name = found.group(1)
        if not re.search(r"_descs?$", name):
            problems.append(f"{source}: {name} does not end in _desc")

entries, size = map(int, subprocess.run([count, "--count"], check=True,
                                        capture_output=True,
                                        text=True).stdout.split())
there = sum(sizes.values()) / size
if there != entries:
    problems.append(f"{there} descriptors, {entries} entries of the registry")

for problem in problems:
    print(problem)
print(f"{len(sizes)} symbols, {entries} operations")
sys.exit(1 if problems or not sizes else 0)
