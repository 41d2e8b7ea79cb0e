#!/bin/sh
# Runs a script with the interpreter that has MLX in it; without one: skipped.
#
#   original.sh SCRIPT ARGUMENTS…
[ -x "${LAZULI_MLX_PYTHON:-}" ] || {
  echo "skipped: LAZULI_MLX_PYTHON names no interpreter that has MLX"
  exit 77
}
exec "$LAZULI_MLX_PYTHON" "$@"
