#!/usr/bin/env python3
"""Records programs on the real MLX and holds the reports against the programs:
what a line's comment expects, what the program printed of its memory, and that
the program did what it does alone.

Usage: test_mlx.py LAZULI DIRECTORY CASE. Exits with 77 without
LAZULI_MLX_PYTHON, the path of a Python that has mlx.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

LAZULI, SOURCES, CASE = sys.argv[1:4]
PYTHON = os.environ.get("LAZULI_MLX_PYTHON")


def run(command, **more):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, **more
    )


def check(condition, text):
    if not condition:
        sys.exit(f"FAILED: {text}")


def record(command, *options):
    """Runs it alone and recorded, compares, and returns output and trace."""
    alone = run(command)
    recorded = run([LAZULI, "record", "-o", "t.lzt", *options, "--", *command])
    check(
        recorded.returncode == alone.returncode,
        f"status {recorded.returncode}, alone {alone.returncode}:\n"
        + recorded.stderr,
    )
    # Streams free what they worked on when they get to it: these two vary.
    mask = lambda text: re.sub(r"(peak|active) \d+", r"\1", text)
    check(
        mask(recorded.stdout) == mask(alone.stdout),
        f"printed {recorded.stdout!r}, alone {alone.stdout!r}",
    )
    numbers = lambda text: re.sub(r"pid=\d+", "pid", text)
    check(numbers(recorded.stderr) == numbers(alone.stderr), recorded.stderr)
    return recorded.stdout, "t.lzt"


def report(trace):
    r = run([LAZULI, "report", "--json", trace])
    check(r.returncode == 0, r.stderr)
    return json.loads(r.stdout)


def dump(trace):
    r = run([LAZULI, "dump", trace])
    check(r.returncode == 0, r.stderr)
    return r.stdout.splitlines()


def events(lines, name):
    return [l for l in lines if l.split(" ", 3)[2] == name]


def told(lines, name):
    """Whether this version of MLX lets the recorder see such events."""
    return name not in re.search(r'coverage="([^"]*)"', "\n".join(lines))[1]


def expected(path):
    """{(line, trigger): how often}; 0: any number of times."""
    found = {}
    for number, line in enumerate(open(path), 1):
        m = re.search(r"expect: ([\w-]+)(?: x(\d+))?", line)
        if m:
            found[number, m[1]] = int(m[2] or 0)
    return found


def check_evals(trace, path, elsewhere=False):
    """Holds the evals against the comments of a source; `elsewhere`: those of
    other files are left alone. Returns what was seen and what was expected."""
    name = os.path.basename(path)
    seen = collections.Counter()
    for e in report(trace)["evals"]:
        here = os.path.basename(e["file"]) == name
        check(
            here or elsewhere,
            f"an eval at {e['file']}:{e['line']} instead of {name}",
        )
        if here:
            seen[e["line"], e["trigger"]] += 1
    wanted = expected(path)
    for key, times in wanted.items():
        check(key in seen, f"{name}:{key[0]}: no eval by {key[1]}; saw {dict(seen)}")
        check(
            times in (0, seen[key]),
            f"{name}:{key[0]}: {seen[key]} evals by {key[1]}, not {times}",
        )
    return seen, wanted


def script(name):
    return os.path.join(SOURCES, name)


def exact(path, trace):
    seen, wanted = check_evals(trace, path)
    extra = {k: n for k, n in seen.items() if k not in wanted}
    check(not extra, f"{path}: evals that no line expects: {extra}")


def triggers():
    names = ["triggers.py", "tasks.py"]
    # Before 3.11 Python tells lines alone.
    version = run([PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"])
    if version.stdout == "True\n":
        names.append("branches.py")
    for name in names:
        path = script(name)
        _, trace = record([PYTHON, path])
        exact(path, trace)


def scripts():
    """Ways to write a script: cells, packages, an exception at the end."""
    _, trace = record([PYTHON, script("notebook.py")])
    places = [(e["file"], e["line"], e["trigger"]) for e in report(trace)["evals"]]
    check(
        places == [("<cell 2>", 2, "print")] + 3 * [("<cell 3>", 3, "eval")],
        f"evals of cells at {places}",
    )
    _, trace = record([PYTHON, script("modules.py")])
    check_evals(trace, script("parts/net.py"))
    check(report(trace)["process"]["end"] == "exit status 1", "it failed")


def images():
    path = script("images.py")
    _, trace = record([PYTHON, path])
    exact(path, trace)
    r = report(trace)
    check(
        {os.path.basename(m["file"]) for m in r["memory"]["at_peak"] if m["op"]}
        == {"images.py"},
        "the peak is made elsewhere",
    )
    if told(dump(trace), "kernel-begin"):
        groups = r["fusion"]["groups"]
        lines = {g["line"] for g in groups if os.path.basename(g["file"]) == "images.py"}
        check(len(lines) >= 3, f"fused kernels of lines {lines}")
    lines = dump(trace)
    if told(lines, "kernel-begin"):
        begun = {re.search(r"kernel=(\d+)", l)[1] for l in events(lines, "kernel-begin")}
        asked = {re.search(r"kernel=(\d+)", l)[1] for l in events(lines, "alloc")}
        lost = asked - begun - {"0"}
        check(not lost, f"memory of kernels that are not told: {sorted(lost)}")
    misses = sum(c["misses"] for c in r["compile"])
    check(misses, "no compiled function")


def processes():
    """Each process has a file; a child's names its parent's."""
    path = script("processes.py")
    os.mkdir("traces")
    r = run([LAZULI, "record", "-o", "traces/", "--", PYTHON, path])
    check(r.stdout == "6\n[45]\n6.0\n", r.stdout + r.stderr)
    traces = [os.path.join("traces", f) for f in os.listdir("traces")]
    check(len(traces) == 3, f"traces {traces}")
    parents = []
    for trace in traces:
        first = events(dump(trace), "process")[0]
        parents.append(re.search(r'parent_trace="([^"]*)"', first)[1])
        evals = report(trace)["evals"]
        check(len(evals) == 1 and evals[0]["trigger"] == "item", f"{trace}: {evals}")
    check(parents.count("") == 1, f"parents {parents}")
    check(len(set(parents)) == 2, f"parents {parents}")


def training():
    path = script("training.py")
    printed, trace = record([PYTHON, path])
    check_evals(trace, path)
    r = report(trace)
    peak = int(re.search(r"peak (\d+)", printed)[1])
    check(
        r["memory"]["peak_bytes"] == peak,
        f"a peak of {r['memory']['peak_bytes']}, MLX says {peak}",
    )
    top = max(r["memory"]["at_peak"], key=lambda a: a["bytes"])
    line = [i for i, l in enumerate(open(path), 1) if "# peak" in l][0]
    check(
        (os.path.basename(top["file"]), top["line"]) == ("training.py", line),
        f"the peak is made by {top}",
    )
    lines = dump(trace)
    names = {re.search(r'op="([^"]*)"', l)[1] for l in events(lines, "node")}
    for op in ("AddMM", "Matmul", "Sum", "Maximum", "RandomBits"):
        check(op in names, f"no node {op} among {sorted(names)}")
    if told(lines, "kernel-end"):
        kernels = events(lines, "kernel-end")
        check(len(kernels) > 100, f"{len(kernels)} kernels")
        compiled = [l for l in events(lines, "kernel-begin") if "Compiled(" in l]
        check(len(compiled) >= 5, f"{len(compiled)} compiled kernels")
        groups = [g for g in r["fusion"]["groups"] if "Compiled" in json.dumps(g)]
        check(groups, "no fusion group of a compiled function")
    shapes = [l for l in events(lines, "node") if "float32[64,32]" in l]
    check(shapes, "no node of shape (64, 32)")
    hits = [l for l in events(lines, "compile") if "hit=1" in l]
    check(len(hits) == 4, f"{len(hits)} hits of the compile cache, not 4")
    # Each allocation ends once, at most.
    born = re.compile(r" alloc buffer=(\d+) size=(\d+)")
    sizes = dict(m.groups() for l in lines if (m := born.search(l)))
    freed = collections.Counter(
        m[1] for l in lines if (m := re.search(r" free buffer=(\d+)", l))
    )
    check(set(freed) <= set(sizes), "a free of an unknown buffer")
    check(max(freed.values()) == 1, "a buffer freed twice")


def compiled():
    path = script("compiled.py")
    printed, trace = record([PYTHON, path])
    check("caught" in printed, printed)
    calls = events(dump(trace), "compile")
    missed = [l for l in calls if "hit=0" in l]
    changes = [int(re.search(r"changed=(\d+)", l)[1]) for l in missed]
    # first, shape, dtype back at the first shape, first, constant
    check(changes[:1] == [1], f"changes {changes}")
    check(2 in changes, f"no shape change in {changes}")
    check(any(c & 4 for c in changes), f"no dtype change in {changes}")
    check(16 in changes, f"no constant change in {changes}")
    check(any("was (8,8)" in l for l in missed), "\n".join(missed))
    check(any("hit=1" in l for l in calls), "no hit")
    lines = dump(trace)
    if told(lines, "kernel-begin"):
        fused = [l for l in events(lines, "kernel-begin") if "Erf" in l]
        check(fused, "no kernel with Erf")
        saved = [l for l in events(lines, "fusion") if "bytes_saved=0" not in l]
        check(saved, "no fusion that saves bytes")


def threads():
    path = script("threads.py")
    _, trace = record([PYTHON, path])
    lines = dump(trace)
    starts = events(lines, "eval-begin")
    check(len(starts) == 4 * 20 + 3 + 1, f"{len(starts)} evals")
    check(len(events(lines, "eval-end")) == len(starts), "evals without end")
    origins = {l.split()[1] for l in starts}
    check(len(origins) == 5, f"evals of threads {origins}")
    check(len(events(lines, "stream")) >= 2, "streams are missing")
    check(events(lines, "wait"), "no waits")
    begun = {re.search(r"kernel=(\d+)", l)[1] for l in events(lines, "kernel-begin")}
    ended = {re.search(r"kernel=(\d+)", l)[1] for l in events(lines, "kernel-end")}
    check(begun == ended, "kernels without end")
    for file in os.listdir("."):
        check(file == "t.lzt", f"a file {file} of a child that recorded nothing")


def build(path, out, *options):
    """Compiles a C++ source on MLX; skips the test where that cannot be."""
    compiler = shutil.which("c++")
    if not compiler:
        sys.exit(77)
    where = run([PYTHON, "-c", "import mlx.core as m; print(m.__file__)"])
    base = os.path.dirname(where.stdout.strip())
    libraries = [os.path.join(base, "lib")]
    libraries.append(os.path.join(os.path.dirname(base), "mlx_cpu.libs"))
    built = run(
        [compiler, "-std=c++20", "-O1", "-g1", path, "-o", out, *options]
        + ["-I", os.path.join(base, "include")]
        + [f"-L{libraries[0]}", "-lmlx"]
        + [f"-Wl,-rpath,{l},-rpath-link,{l}" for l in libraries]
    )
    if built.returncode != 0:
        print(built.stderr)
        sys.exit(77)


def local():
    """A C program whose own library reaches MLX, loaded late and RTLD_LOCAL."""
    path = script("local.c")
    build(script("shim.cpp"), "libmlxc.so", "-shared", "-fPIC")
    built = run(["cc", "-O1", "-g", path, "-o", "local", "-ldl"])
    check(built.returncode == 0, built.stderr)
    printed, trace = record(["./local", os.path.abspath("libmlxc.so")])
    seen, wanted = check_evals(trace, path)
    check(set(seen) == set(wanted), f"evals {dict(seen)}, not {wanted}")
    r = report(trace)
    peak = int(re.search(r"peak (\d+)", printed)[1])
    check(r["memory"]["peak_bytes"] == peak, "another peak")
    text = open(path).read().splitlines()
    line = [i for i, l in enumerate(text, 1) if "/* peak */" in l][0]
    places = {(os.path.basename(m["file"]), m["line"]) for m in r["memory"]["at_peak"]}
    check(("local.c", line) in places, f"the peak is made at {places}")
    lines = dump(trace)
    ops = {re.search(r'op="([^"]*)"', l)[1] for l in events(lines, "node")}
    check({"Add", "Sum"} <= ops, f"nodes {ops}")
    check(any("Sin" in op for op in ops), f"no fused node in {ops}")


def cpp():
    path = script("program.cpp")
    build(path, "program")
    printed, trace = record(["./program"])
    check_evals(trace, path)
    failed = [l for l in events(dump(trace), "eval-end") if "failed=1" in l]
    check(len(failed) == 1, f"{len(failed)} failed evals")
    peak = int(re.search(r"peak (\d+)", printed)[1])
    r = report(trace)
    check(r["memory"]["peak_bytes"] == peak, "another peak")
    made = {os.path.basename(m["file"]) for m in r["memory"]["at_peak"] if m["op"]}
    check(made == {"program.cpp"}, f"the peak is made in {made}")
    if told(dump(trace), "kernel-begin"):
        groups = [g for g in r["fusion"]["groups"] if "Tanh" in g["ops"]]
        check(groups, "the compiled function's kernel is not there")


def quiet():
    """`off` records nothing; --stacks and --only leave out what they say."""
    use = "import mlx.core as mx; print((mx.ones(3) + 1).sum().item())"
    r = run([LAZULI, "record", "-o", "off", "--", PYTHON, "-c", use])
    check(r.stdout == "6.0\n", r.stdout + r.stderr)
    check(not os.listdir("."), f"files {os.listdir('.')}")
    # However few frames are kept, the script's line is among them.
    path = script("parts/net.py")
    _, trace = record([PYTHON, script("modules.py")], "--stacks=1")
    check_evals(trace, path)
    _, trace = record([PYTHON, "-c", use], "--stacks=none", "--only=eval")
    lines = dump(trace)
    check(events(lines, "eval-begin"), "no eval")
    check(not events(lines, "node"), "nodes although not asked for")
    check(not events(lines, "alloc"), "allocations although not asked for")


def compiler():
    """The code of a fused kernel is compiled: told as a wait, at its line."""
    if not shutil.which("g++"):
        sys.exit(77)
    os.mkdir("code")
    os.environ["TMPDIR"] = os.path.abspath("code")
    path = script("compiled.py")
    run([LAZULI, "record", "-o", "t.lzt", "--", PYTHON, path])
    waits = [w for w in report("t.lzt")["waits"] if w["reason"] == "compiler"]
    check(waits, "no wait for the compiler")
    made = [f for f in os.listdir(walk_to("code")) if f.endswith(".so")]
    count = sum(w["count"] for w in waits)
    check(count == len(made), f"{count} waits for {len(made)} libraries")
    for w in waits:
        check(os.path.basename(w["file"]) == "compiled.py", f"a wait at {w}")
        check(w["total_ns"] > 1e7, f"the compiler took {w}")


def tiny():
    """Stacks that are taken often, on shorter ways than others: an operation's
    has the native frames of the interpreter's module and the script's lines, an
    array's end the lines alone."""
    path = script("tiny.py")
    line = lambda text: 1 + [text in l for l in open(path)].index(True)
    _, trace = record([PYTHON, path])
    lines = dump(trace)
    places, stacks = {}, {}
    for l in events(lines, "location"):
        m = re.search(r'id=(\d+) file="([^"]*)" line=(\d+)', l)
        places[1 << 63 | int(m[1])] = os.path.basename(m[2]), int(m[3])
    for l in events(lines, "stack"):
        m = re.search(r"id=(\d+) frames=\[([^]]*)\]", l)
        stacks[m[1]] = [int(frame, 16) for frame in m[2].split()]
    of = lambda l: stacks.get(re.search(r" stack=(\d+)", l)[1], [0])
    here = lambda frames: [places[f] for f in frames if f in places]
    nodes = collections.Counter()
    for l in events(lines, "node"):
        if 'op="Add"' in l:
            frames = of(l)
            check(frames[0] not in places, f"no native frame: {l}")
            nodes[tuple(here(frames)[:2])] += 1
    built = ("tiny.py", line("# built"))
    for caller in "# let go: the one", "d = add":
        got = nodes.pop((built, ("tiny.py", line(caller))), 0)
        check(got == 1000, f"{got} nodes called for by {caller}; also {nodes}")
    check(not nodes, f"other nodes: {nodes}")
    # Unwound or remembered: one stack each, all over the loop.
    ways = collections.defaultdict(collections.Counter)
    for l in events(lines, "node"):
        frames = of(l)
        if ("tiny.py", line("# ways")) in here(frames):
            op = re.search(r'op="([^"]*)"', l)[1]
            ways[op][tuple(f for f in frames if f not in places)] += 1
    numbers = {op: list(n.values()) for op, n in ways.items()}
    wanted = ["Exp", "Sin", "Cos", "Log", "Tanh", "Subtract"]
    wanted = dict.fromkeys(wanted, [1000])
    check(numbers == wanted, f"native stacks of each operation: {numbers}")
    every = [stack for n in ways.values() for stack in n]
    check(len(set(every)) == 6, f"{len(set(every))} native stacks of six ways")
    ends = collections.Counter()
    for l in events(lines, "release"):
        frames = of(l)
        if frames[0] in places:
            check(len(here(frames)) == len(frames), f"mixed frames: {l}")
            ends[places[frames[0]][1]] += 1
    got = ends[line("d = add")]
    check(got >= 990, f"{got} arrays let go of where d is set again: {ends}")


def walk_to(folder):
    """The folder in which files are."""
    return next(path for path, _, files in os.walk(folder) if files)


if not PYTHON:
    print("LAZULI_MLX_PYTHON is not set")
    sys.exit(77)
LAZULI = os.path.abspath(LAZULI)
PYTHON = os.path.abspath(PYTHON)
with tempfile.TemporaryDirectory(prefix="lazuli-mlx-") as directory:
    os.chdir(directory)
    globals()[CASE]()
    os.chdir("/")
