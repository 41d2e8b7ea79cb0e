#!/bin/sh
# Records the sample traces anew: refresh.sh [FOLDER]
#
# A trace names the paths of the program and of its sources, so the tree as
# committed is built in a folder that says nothing of whoever refreshes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-/tmp/lazuli}
mkdir -p "$folder"
git -C "$root" archive HEAD | tar -x -C "$folder"
cd "$folder"
[ -f build/build.ninja ] || cmake -S . -B build -G Ninja \
  -DCMAKE_C_COMPILER_LAUNCHER=ccache -DLAZULI_VIEWER=OFF
ninja -C build lazuli lazuli-record chain attention digits

sample() {
  name=$1
  shift
  rm -f "build/$name.lzt"
  build/bin/lazuli record -o "build/$name.lzt" -- "$@" >/dev/null
  build/bin/lazuli pack "build/$name.lzt" -o "$root/traces/$name.lzt"
}

sample chain build/programs/chain
sample attention build/programs/attention
sample digits build/programs/digits 5
