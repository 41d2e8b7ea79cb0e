#!/bin/sh
# Fuzzes the trace reader with libFuzzer, address and undefined-behaviour
# sanitizers: fuzz.sh [SECONDS] [FOLDER]. The corpus stays in FOLDER. Needs
# clang; without it the project's own mutations run instead.
set -eu
seconds=${1:-60}
folder=${2:-build/fuzz-trace}
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$folder/corpus"
flags="-g -O1 -std=gnu17 -D_GNU_SOURCE -I$root/profiler/trace"
sources="$root/profiler/trace/*.c $root/tests/trace/fuzz_reader.c"
if command -v clang >/dev/null; then
  # shellcheck disable=SC2086
  clang $flags -DFUZZ_LIBFUZZER -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=all $sources -lzstd -lpthread -o "$folder/fuzz"
  cp -n "$root"/traces/*.lzt "$folder/corpus/" 2>/dev/null || true
  "$folder/fuzz" -max_total_time="$seconds" -max_len=131072 -timeout=10 \
    -rss_limit_mb=1024 -artifact_prefix="$folder/" "$folder/corpus"
else
  # shellcheck disable=SC2086
  cc $flags -fsanitize=address,undefined -fno-sanitize-recover=all \
    $sources -lzstd -lpthread -o "$folder/fuzz"
  "$folder/fuzz" "$seconds" "$(date +%s)"
fi
