#!/usr/bin/env python3
"""Every header alone, as C and as C++; every prototype, type and enum value as
functions.tsv and types.tsv have them.

    headers.py CC CXX INCLUDE_DIR
"""

import concurrent.futures
import csv
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
WARN = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def rows(name):
    with open(HERE / name, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def members(definition):
    """Names of the members of a struct's body."""
    for part in filter(None, (p.strip() for p in definition.split(";"))):
        pointer = re.search(r"\(\*(\w+)\)", part)
        yield pointer.group(1) if pointer else re.search(r"(\w+)$", part).group(1)


def type_checks(row, language):
    """Lines that compile only where the type is as the table says."""
    name, body = row["name"], row["definition"]
    check = "static_assert" if language == "c++" else "_Static_assert"
    if row["kind"] == "enum":
        values = [v.strip() for v in body.split(",") if v.strip()]
        for number, value in enumerate(values):
            yield f'{check}({value} == {number}, "{value}");'
        yield f'{check}(sizeof({name}) == sizeof(int), "{name}");'
    elif row["kind"] == "struct":
        yield f"struct want_{name} {{ {body} }};"
        yield f'{check}(sizeof({name}) == sizeof(struct want_{name}), "{name}");'
        for member in members(body):
            yield (
                f"{check}(offsetof({name}, {member}) =="
                f' offsetof(struct want_{name}, {member}), "{name}.{member}");'
            )
            if language == "c":
                yield (
                    f"{check}(__builtin_types_compatible_p("
                    f"__typeof__((({name}*)0)->{member}), __typeof__((("
                    f'struct want_{name}*)0)->{member})), "{name}.{member}");'
                )
    else:
        yield "typedef " + body.replace(name, f"want_{name}") + ";"
        if language == "c":
            yield (
                f"{check}(__builtin_types_compatible_p("
                f'{name}, want_{name}), "{name}");'
            )


def prototype_checks(row):
    """Fails where the function is not declared, or declared otherwise."""
    half = re.search(r"_(b?float16)$", row["function"])
    if half:
        yield f"#ifdef HAS_{half.group(1).upper()}"
    yield f'_Static_assert(sizeof(&{row["function"]}) > 0, "declared");'
    yield f'{row["returns"]} {row["function"]}({row["parameters"]});'
    if half:
        yield "#endif"


def compile_text(command, what, lines):
    text = "\n".join(lines) + "\n"
    done = subprocess.run(
        command + ["-"], input=text, text=True, capture_output=True, check=False
    )
    return what, done.returncode, done.stderr


def main():
    cc, cxx, include = sys.argv[1:4]
    c = [cc, "-std=c17", "-pedantic", "-I", include, "-xc"] + WARN
    # C++ has no complex types of its own, so no -pedantic there.
    cpp = [cxx, "-std=c++17", "-I", include, "-xc++"] + WARN
    functions, types = rows("functions.tsv"), rows("types.tsv")
    headers = sorted(
        str(h.relative_to(include)) for h in pathlib.Path(include).rglob("*.h")
    )
    named = {f"mlx/c/{r['header']}.h" for r in functions + types}
    status = 0
    for absent in sorted(named - set(headers)):
        print(f"{absent} does not exist")
        status = 1

    jobs = []
    for header in headers:
        alone = [f'#include "{header}"', f'#include "{header}"', "extern int it;"]
        own = [r for r in types if f"mlx/c/{r['header']}.h" == header]
        checks = [x for r in own for x in type_checks(r, "c++")]
        jobs.append((cpp, f"{header} as C++", alone + checks))
        checks = [x for r in own for x in type_checks(r, "c")]
        for row in functions:
            if f"mlx/c/{row['header']}.h" == header:
                checks.extend(prototype_checks(row))
        jobs.append((c, f"{header} as C", alone + checks))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for what, code, errors in pool.map(lambda j: compile_text(*j), jobs):
            if code:
                status = 1
                print(f"{what}:\n{errors}")
    print(
        f"{len(headers)} headers, {len(functions)} prototypes, {len(types)} types,"
        f" {len(jobs)} compilations"
    )
    return status


sys.exit(main())
