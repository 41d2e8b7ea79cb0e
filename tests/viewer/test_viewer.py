"""Screenshots of every page of the viewer, and what must be seen in them."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

lazuli, traces = sys.argv[1:3]
failures = 0


def check(condition, words):
    global failures
    print(("ok    " if condition else "FAILED ") + words)
    failures += not condition


def read_png(path):
    """Rows of (r, g, b), from a PNG of 8-bit RGB or RGBA."""
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    assert depth in (8, 16) and colour in (2, 6)
    step = (3 if colour == 2 else 4) * depth // 8
    raw, line, rows = zlib.decompress(packed), width * step, []
    before = bytearray(line)
    for y in range(height):
        kind = raw[y * (line + 1)]
        row = bytearray(raw[y * (line + 1) + 1:(y + 1) * (line + 1)])
        for i in range(line):
            left = row[i - step] if i >= step else 0
            up = before[i]
            corner = before[i - step] if i >= step else 0
            if kind == 1:
                row[i] = row[i] + left & 255
            elif kind == 2:
                row[i] = row[i] + up & 255
            elif kind == 3:
                row[i] = row[i] + (left + up) // 2 & 255
            elif kind == 4:
                p = left + up - corner
                a, b, c = abs(p - left), abs(p - up), abs(p - corner)
                row[i] = row[i] + (left if a <= b and a <= c else
                                   up if b <= c else corner) & 255
        rows.append(row)
        before = row
    part = depth // 8
    return [[(r[i], r[i + part], r[i + 2 * part])
             for i in range(0, line, step)] for r in rows]


def shot(name, *arguments):
    out = os.path.join(folder, name + ".png")
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1400x900x24", lazuli, "view",
         "--screenshot=" + out, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
        env=dict(os.environ, GSK_RENDERER="cairo", GDK_BACKEND="x11",
                 XDG_CONFIG_HOME=folder, XDG_DATA_HOME=folder))
    return done, read_png(out) if os.path.exists(out) else None


def count(picture, rgb, tolerance=3):
    return sum(all(abs(a - b) <= tolerance for a, b in zip(pixel, rgb))
               for row in picture for pixel in row)


if not shutil.which("xvfb-run"):
    print("skipped: xvfb-run is not installed")
    sys.exit(77)
folder = tempfile.mkdtemp(prefix="lazuli-viewer-")
chain = os.path.join(traces, "chain.lzt")
try:
    done, page = shot("graph", "--page=graph", chain)
    check(done.returncode == 0 and page is not None, "the graph page is drawn")
    check(count(page, (0xe4, 0xef, 0xe6)) > 3000, "a fused kernel's cluster")
    check(count(page, (0xf3, 0xf6, 0xfb)) > 3000, "an evaluation's cluster")
    check(count(page, (0xbf, 0x38, 0x2b), 12) > 60, "edges across evaluations")
    dark = sum(sum(p) < 300 for row in page[100:] for p in row[:950])
    check(dark > 600, "labels on the nodes")

    done, chosen = shot("node", "--page=graph", "--select=node:0", chain)
    check(count(chosen, (0x29, 0x6b, 0xc7), 10) > count(page, (0x29, 0x6b, 0xc7), 10) + 100,
          "the selected node stands out")
    ink = sum(sum(p) < 400 for row in chosen[60:] for p in row[985:])
    blank = sum(sum(p) < 400 for row in page[60:] for p in row[985:])
    check(ink > 2 * blank, "its details are told")

    done, line = shot("timeline", "--page=timeline", chain)
    check(count(line, (0x9f, 0xc0, 0xee)) > 200, "evals on the timeline")
    check(count(line, (0x50, 0x90, 0xd5), 40) > 3000, "the memory curve")

    done, memory = shot("memory", "--page=memory", chain)
    check(count(memory, (0x50, 0x90, 0xd5), 40) > 20000, "memory over time")
    check(count(memory, (0xbf, 0x38, 0x2b), 12) > 100, "the peak is marked")

    for name in ("evals", "kernels", "fusion"):
        done, table = shot(name, "--page=" + name, chain)
        check(table is not None and sum(sum(p) < 300 for r in table for p in r) > 1500,
              "the table of " + name)

    done, night = shot("dark", "--dark", "--page=timeline", chain)
    check(count(night, (0x21, 0x24, 0x29)) > 100000, "dark surroundings")

    bad = os.path.join(folder, "bad.lzt")
    with open(bad, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + bytes(500))
    done, none = shot("bad", bad)
    check(done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"bad.lzt" in done.stderr,
          "a file that is no trace: one line, status 1")
    viewer = os.path.join(os.path.dirname(lazuli), "lazuli-viewer")
    out = os.path.join(folder, "message.png")
    done = subprocess.run(
        ["xvfb-run", "-a", "-s", "-screen 0 1400x900x24", viewer,
         "--screenshot=" + out, bad], capture_output=True, timeout=300,
        env=dict(os.environ, GSK_RENDERER="cairo", GDK_BACKEND="x11"))
    check(done.returncode == 1 and os.path.exists(out) and
          sum(sum(p) < 300 for r in read_png(out) for p in r) > 1000,
          "and a message in the viewer's window")
finally:
    shutil.rmtree(folder)
sys.exit(1 if failures else 0)
