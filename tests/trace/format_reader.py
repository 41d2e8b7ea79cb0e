#!/usr/bin/env python3
"""A reader of Lazuli traces written from traces/FORMAT.md alone.

It shares nothing with the C reader: even the table of events is taken from the
document. Prints what `lazuli dump --json` prints, so that the two can be
compared line by line.

    format_reader.py FORMAT.md TRACE            print the events
    format_reader.py FORMAT.md TRACE LAZULI…    compare with `LAZULI dump --json`
"""
import ctypes
import ctypes.util
import heapq
import json
import re
import struct
import subprocess
import sys

M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def xxh32(data, seed):
    p1, p2, p3, p4, p5 = (2654435761, 2246822519, 3266489917, 668265263,
                          374761393)

    def rotate(v, n):
        return (v << n | v >> (32 - n)) & M32

    def mix(lane, word):
        return rotate((lane + word * p2) & M32, 13) * p1 & M32

    at = 0
    if len(data) >= 16:
        lanes = [(seed + p1 + p2) & M32, (seed + p2) & M32, seed,
                 (seed - p1) & M32]
        while at + 16 <= len(data):
            words = struct.unpack_from("<4I", data, at)
            lanes = [mix(lane, word) for lane, word in zip(lanes, words)]
            at += 16
        h = sum(rotate(lane, n) for lane, n in zip(lanes, (1, 7, 12, 18)))
    else:
        h = seed + p5
    h = (h + len(data)) & M32
    while at + 4 <= len(data):
        word = struct.unpack_from("<I", data, at)[0]
        h = rotate((h + word * p3) & M32, 17) * p4 & M32
        at += 4
    for byte in data[at:]:
        h = rotate((h + byte * p5) & M32, 11) * p1 & M32
    h = (h ^ h >> 15) * p2 & M32
    h = (h ^ h >> 13) * p3 & M32
    return h ^ h >> 16


def unpack_zstd(frame, size):
    name = ctypes.util.find_library("zstd") or "libzstd.so.1"
    zstd = ctypes.CDLL(name)
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(size)
    n = zstd.ZSTD_decompress(out, ctypes.c_size_t(size), frame,
                             ctypes.c_size_t(len(frame)))
    if n != size:
        raise ValueError("frame does not unpack to the size stated")
    return out.raw


def table_of(document):
    """{kind: (name, [(type, field)])} from the tables of the document."""
    kinds, fields = {}, None
    for line in document[document.index("## The table of events"):].split("\n"):
        heading = re.match(r"### (\d+) (\S+)$", line)
        row = re.match(r"\| ([A-Z0-9]+) \| `(\w+)` \|", line)
        if heading:
            fields = []
            kinds[int(heading[1])] = (heading[2], fields)
        elif row:
            fields.append((row[1], row[2]))
    return kinds


class Cut(Exception):
    pass


class Bytes:
    def __init__(self, data, at, end):
        self.data, self.at, self.end = data, at, end

    def take(self, n):
        if self.at + n > self.end:
            raise Cut()
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def small(self):
        v = self.number("<B")
        return v if v < 255 else self.number("<I")

    def medium(self):
        v = self.number("<H")
        return v if v < 65535 else self.number("<I")

    def difference(self):
        v = self.number("<i")
        return v if v != -2**31 else self.number("<q")


def text_of(data):
    return data.decode("utf-8", "surrogateescape")


def field_of(b, kind, time, last, key):
    if kind == "U8":
        return b.number("<B")
    if kind == "U32":
        return b.small()
    if kind in ("STR", "STACK"):
        return b.medium()
    if kind == "U64":
        last[key] = (last.get(key, 0) + b.difference()) & M64
        return last[key]
    if kind == "NS":
        return (time - b.difference()) & M64
    if kind == "TEXT":
        return text_of(b.take(b.small()))
    if kind == "IDS":
        ids = []
        for _ in range(b.small()):
            last[key] = (last.get(key, 0) + b.difference()) & M64
            ids.append(last[key])
        return ids
    if kind == "ARRAYS":
        arrays = []
        for _ in range(b.small()):
            dtype, ndim = b.number("<B"), b.number("<B")
            shape = [b.medium() for _ in range(ndim)]
            shape = [d - (1 << 32) if d >> 31 else d for d in shape]
            arrays.append({"dtype": dtype, "shape": shape})
        return arrays
    raise ValueError("field type " + kind)


EMPTY = {"TEXT": "", "IDS": [], "ARRAYS": []}


def events_of(kinds, payload, base_time):
    b, time, last = Bytes(payload, 0, len(payload)), base_time, {}
    while b.at < b.end:
        kind, length = b.small(), b.small()
        event = Bytes(payload, b.at, b.at + length)
        b.take(length)
        time = (time + event.difference()) & M64
        name, fields = kinds.get(kind, ("unknown-%d" % kind, []))
        values = {}
        for type_, field in fields:
            if event.at == event.end:
                values[field] = EMPTY.get(type_, 0)
            else:
                values[field] = field_of(event, type_, time, last,
                                         (kind, field))
        yield time, name, values


def chunks_of(data):
    magic, version, at = struct.unpack_from("<8sII", data)
    flags, align = struct.unpack_from("<II", data, 16)
    chunk_bytes, check = struct.unpack_from("<II", data, 48)
    if magic != bytes.fromhex("89 4c 5a 54 0d 0a 1a 0a"):
        raise ValueError("not a Lazuli trace")
    if version != 1 or xxh32(data[:52], 0) != check:
        raise ValueError("another version, or a damaged header")
    while at + 64 <= len(data):
        head = data[at:at + 64]
        (magic, check, size, packed, origin, depth, kind, sequence, base_time,
         first_time, before, used) = struct.unpack("<4sIIIIHHQQQQQ", head)
        if magic == bytes(4):
            at += align
        elif magic == b"LZCK" and check == xxh32(head[8:56], at // 64 & M32):
            payload = data[at + 64:at + 64 + (packed or used)]
            if packed:
                payload = unpack_zstd(payload, used)
            if used:
                yield (kind, origin, depth), sequence, (
                    base_time, first_time, before, payload)
            at += size
        elif magic == b"LZCK" and used == 0 and flags & 2:
            at += chunk_bytes
        else:
            raise ValueError("damage at offset %d" % at)


def lane_of(kinds, key, chunks):
    kind, origin, _ = key
    seen, time = 0, 0
    for _, (base_time, first_time, before, payload) in sorted(chunks):
        gap = None
        if before > seen and kind == 1:
            gap = (base_time, "gap",
                   {"begin_ns": time if seen else first_time,
                    "end_ns": base_time, "events": before - seen})
        seen = before
        for event in events_of(kinds, payload, base_time):
            if gap:
                yield event[0], gap, origin
                gap = None
            yield event[0], event, origin
            seen += 1
            time = event[0]


def read(kinds, data):
    lanes = {}
    for key, sequence, chunk in chunks_of(data):
        lanes.setdefault(key, []).append((sequence, chunk))
    for phase in (2, 1):
        heap = []
        for key in sorted(k for k in lanes if k[0] == phase):
            lane = lane_of(kinds, key, lanes[key])
            first = next(lane, None)
            if first:
                heap.append((first[0], key, first, lane))
        heapq.heapify(heap)
        while heap:
            _, key, (_, (time, name, values), origin), lane = heap[0]
            yield {"time": time, "thread": origin, "event": name,
                   "fields": values}
            following = next(lane, None)
            if following:
                heapq.heapreplace(heap, (following[0], key, following, lane))
            else:
                heapq.heappop(heap)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        kinds = table_of(f.read())
    with open(sys.argv[2], "rb") as f:
        events = read(kinds, f.read())
    if len(sys.argv) == 3:
        for event in events:
            print(json.dumps(event))
        return 0
    command = sys.argv[3:] + ["dump", "--json", sys.argv[2]]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        count = 0
        for line in other.stdout:
            theirs, ours = json.loads(line), next(events, None)
            if theirs != ours:
                print("event %d differs:\n  %s\n  %s" % (count, theirs, ours))
                other.kill()
                return 1
            count += 1
        if other.wait() != 0 or next(events, None) is not None or count == 0:
            print("status %s after %d events" % (other.returncode, count))
            return 1
    print("%s: %d events agree" % (sys.argv[2], count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
