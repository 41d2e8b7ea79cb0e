#!/bin/sh
# The library's thread-local variables are found without a call, and so come
# out of the static room that the loader keeps for libraries loaded late: 512
# bytes for certain, for all libraries of a process.
#
#   tls.sh LIBRARY
size=$(readelf -lW "$1" | awk '$1 == "TLS" { print $6 }')
[ -n "$size" ] || { echo "$1 has no thread-local variables"; exit 1; }
[ $((size)) -le 320 ] || {
  echo "$1 has $((size)) bytes of thread-local variables, at most 320"
  exit 1
}
echo "$((size)) bytes"
