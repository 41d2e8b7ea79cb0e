#!/bin/sh
# agree.sh MAKE_SAMPLE LAZULI PYTHON ROOT: the independent reader, written from
# FORMAT.md alone, and `lazuli dump --json` say the same of every trace; and the
# kept trace still reads as the text kept beside it.
set -eu
make_sample=$1 lazuli=$2 python=$3 root=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
compare() {
  "$python" "$root/tests/trace/format_reader.py" "$root/traces/FORMAT.md" \
    "$1" "$lazuli"
}
"$make_sample" "$folder/one.lzt" 1 3000 1 0
"$make_sample" "$folder/many.lzt" 2 2000 6 0
"$make_sample" "$folder/ring.lzt" 3 9000 2 300000
"$lazuli" dump --json "$folder/ring.lzt" | grep -q '"event":"gap"' ||
  { echo "the ring has overwritten nothing"; exit 1; }
for name in one many ring; do
  "$lazuli" pack "$folder/$name.lzt" -o "$folder/$name.packed.lzt"
  compare "$folder/$name.lzt"
  compare "$folder/$name.packed.lzt"
done
for trace in "$root"/traces/*.lzt; do
  compare "$trace"
done
"$lazuli" dump "$root/traces/every-event.lzt" |
  diff "$root/traces/every-event.txt" -
# A reader that agrees with anything would be no witness.
"$make_sample" "$folder/other.lzt" 9 3000 1 0
cat >"$folder/liar" <<END
#!/bin/sh
exec "$lazuli" dump --json "$folder/other.lzt"
END
chmod +x "$folder/liar"
if "$python" "$root/tests/trace/format_reader.py" "$root/traces/FORMAT.md" \
  "$folder/one.lzt" "$folder/liar" >/dev/null; then
  echo "two different traces were called equal"
  exit 1
fi
