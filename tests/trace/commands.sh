#!/bin/sh
# commands.sh MAKE_SAMPLE LAZULI: exit statuses and messages of the dispatcher,
# of dump and of pack.
set -u
make_sample=$1 lazuli=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# expect STATUS TEXT COMMAND…: exit status, and TEXT on stderr in one line.
expect() {
  status=$1 text=$2
  shift 2
  "$@" >"$folder/out" 2>"$folder/err"
  got=$?
  lines=$(wc -l <"$folder/err")
  right=yes
  [ "$got" = "$status" ] || right=no
  if [ -n "$text" ]; then
    grep -qF -- "$text" "$folder/err" && [ "$lines" = 1 ] || right=no
  else
    [ "$lines" = 0 ] || right=no
  fi
  if [ "$right" = no ]; then
    echo "$*: status $got, expected $status with '$text'; said:"
    cat "$folder/err"
    failures=$((failures + 1))
  fi
}

"$make_sample" "$folder/good.lzt" 1 500 2 0
head -c 20000 "$folder/good.lzt" >"$folder/cut.lzt"
: >"$folder/empty.lzt"
printf '\211PNG\r\n\032\n' >"$folder/picture.lzt"

expect 2 "no command 'frobnicate'" "$lazuli" frobnicate
expect 2 "" "$lazuli"
expect 0 "" "$lazuli" help
grep -q '^  dump ' "$folder/out" || failures=$((failures + 1))
expect 0 "" "$lazuli" help dump
grep -q '^usage: lazuli dump' "$folder/out" || failures=$((failures + 1))
expect 2 "no command 'nothing'" "$lazuli" help nothing
expect 0 "" "$lazuli" --version
expect 0 "" "$lazuli" dump "$folder/good.lzt"
[ "$(wc -l <"$folder/out")" = 1000 ] || failures=$((failures + 1))
expect 2 "which file" "$lazuli" dump
expect 2 "no option '--frob'" "$lazuli" dump --frob "$folder/good.lzt"
expect 2 "is too much" "$lazuli" dump "$folder/good.lzt" "$folder/cut.lzt"
expect 1 "$folder/cut.lzt: offset 20000: cut off" \
  "$lazuli" dump "$folder/cut.lzt"
[ -s "$folder/out" ] || failures=$((failures + 1))
expect 1 "$folder/empty.lzt: empty file" "$lazuli" dump "$folder/empty.lzt"
expect 1 "$folder/picture.lzt: not a Lazuli trace" \
  "$lazuli" dump "$folder/picture.lzt"
expect 1 "$folder: a directory" "$lazuli" dump "$folder"
expect 1 "$folder/none: No such file" "$lazuli" dump "$folder/none"
expect 2 "usage" "$lazuli" pack "$folder/good.lzt"
expect 0 "" "$lazuli" pack "$folder/good.lzt" -o "$folder/packed.lzt"
expect 1 "packed already" "$lazuli" pack "$folder/packed.lzt" -o "$folder/x"
expect 1 "cut off" "$lazuli" pack "$folder/cut.lzt" -o "$folder/x"
expect 1 "No such file" "$lazuli" pack "$folder/good.lzt" -o "$folder/no/x"
[ ! -e "$folder/x" ] || failures=$((failures + 1))
"$lazuli" dump --json "$folder/good.lzt" >"$folder/a"
"$lazuli" dump --json "$folder/packed.lzt" | cmp - "$folder/a" ||
  failures=$((failures + 1))
if [ -w /dev/full ]; then
  "$lazuli" dump "$folder/good.lzt" >/dev/full 2>"$folder/err"
  { [ $? = 1 ] && grep -q "cannot write" "$folder/err"; } ||
    failures=$((failures + 1))
fi
[ "$failures" = 0 ] || echo "$failures failures"
exit "$failures"
