#!/bin/sh
# Compares what the library exports with the interface (functions.tsv).
#
#   exports.sh LIBRARY            fails on a function that is missing and not in
#                                 pending.txt, on one that stands there and is
#                                 not missing any more, and on anything exported
#                                 that is neither of the interface nor lazuli_*
#   exports.sh --update LIBRARY   strikes from pending.txt what is there now
set -eu
here=$(dirname "$0")
update=
[ "$1" = --update ] && update=yes && shift
library=$1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LC_ALL=C
export LC_ALL

# The accessors of half-precision types exist where C has the types: half.h.
case $(uname -m) in
  aarch64) awk -F'\t' 'NR > 1 { print $2 }' "$here/functions.tsv" ;;
  *) awk -F'\t' 'NR > 1 && $2 !~ /^mlx_array_(item|data)_b?float16$/ { print $2 }' \
    "$here/functions.tsv" ;;
esac | sort >"$work/wanted"
nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' |
  grep -v '^__odr_asan' | sort -u >"$work/exported"
sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$here/pending.txt" |
  sort >"$work/pending"
comm -23 "$work/wanted" "$work/exported" >"$work/missing"

if [ -n "$update" ]; then
  { grep '^#' "$here/pending.txt" || :; } >"$work/new"
  comm -12 "$work/pending" "$work/missing" >>"$work/new"
  cp "$work/new" "$here/pending.txt"
  echo "pending: $(wc -l <"$work/pending") before, $(grep -vc '^#' "$here/pending.txt" || :) now"
  exit 0
fi

status=0
complain() {
  [ -s "$work/wrong" ] || return 0
  echo "$1:"
  sed 's/^/  /' "$work/wrong"
  status=1
}
comm -23 "$work/missing" "$work/pending" >"$work/wrong"
complain "not exported, and not in pending.txt"
comm -23 "$work/pending" "$work/missing" >"$work/wrong"
complain "in pending.txt though exported (strike them: $0 --update $library)"
comm -13 "$work/wanted" "$work/exported" |
  grep -v '^lazuli_' >"$work/wrong" || :
complain "exported, but not of the interface"
echo "$(comm -12 "$work/wanted" "$work/exported" | wc -l) of $(wc -l <"$work/wanted") functions exported, $(wc -l <"$work/pending") pending"
exit $status
