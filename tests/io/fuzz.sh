#!/bin/sh
# Fuzzes one reader of files: fuzz.sh FORMAT [SECONDS] [FOLDER], FORMAT being
# npy, safetensors, gguf or function. libFuzzer, with address and undefined-
# behaviour sanitizers in the rooms that parse; the rest of the runtime is
# linked as it is. The corpus stays in FOLDER. Needs clang; without it the
# project's own mutations run instead.
set -eu
format=$1
seconds=${2:-60}
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${3:-$root/build/fuzz-$format}
runtime=$root/build-fuzz
[ -f "$runtime/build.ninja" ] || cmake -S "$root" -B "$runtime" -G Ninja \
  -DCMAKE_C_COMPILER_LAUNCHER=ccache -DLAZULI_VULKAN=OFF -DLAZULI_VIEWER=OFF
ninja -C "$runtime" lazuli_static "fuzz_$format"
own=$runtime/bin/fuzz_$format
mkdir -p "$folder/corpus" "$folder/o"

if ! command -v clang >/dev/null; then
  end=$(($(date +%s) + seconds))
  while now=$(date +%s) && [ "$now" -lt "$end" ]; do "$own" 100000 "$now"; done
  exit
fi

"$own" --seeds "$folder/corpus" "$folder/words"
sources="$root/runtime/io/*.c $root/runtime/portable/*.c"
for name in array list map node scope vector; do
  sources="$sources $root/runtime/core/$name.c"
done
case $format in
  function) sources="$sources $root/tests/portable/fuzz_import.c
    $root/tests/portable/zoo.c" ;;
  *) sources="$sources $root/tests/io/fuzz_$format.c $root/tests/io/fuzz.c" ;;
esac
packages='openblas lapacke libcjson'
# Objects come before the archive, which then only fills in what they lack.
# shellcheck disable=SC2046,SC2086
(cd "$folder/o" && clang -g -O1 -std=gnu17 -D_GNU_SOURCE -DFUZZ_LIBFUZZER \
  -DLAZULI_PROBES=1 -DLAZULI_VERSION='"fuzzed"' -I"$root/runtime" -I"$root/runtime/include" \
  -I"$root/tests/io" -I"$root/tests/portable" $(pkg-config --cflags $packages) \
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $sources \
  "$runtime/lib/liblazuli_static.a" $(pkg-config --libs $packages) \
  -ldnnl -lsleef -l:libgomp.so.1 -lpthread -ldl -lm -o "$folder/fuzz")
LAZULI_THREADS=1 "$folder/fuzz" -max_total_time="$seconds" -max_len=16384 \
  -timeout=20 -rss_limit_mb=2048 -dict="$folder/words" \
  -artifact_prefix="$folder/" -print_final_stats=1 "$folder/corpus"
