#!/bin/sh
# Installs into an empty prefix, moves it, and builds a program against it by
# each way that a project elsewhere may take.
#
#   install.sh BUILD_DIR CC
set -eu
build=$1 cc=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "install: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$work/first" >"$work/log" ||
  fail "cmake --install: $(cat "$work/log")"
mv "$work/first" "$work/moved"
prefix=$work/moved
lib=$(dirname "$(find "$prefix" -name libmlxc.so)")
[ "$(readlink -f "$lib/libmlxc.so")" = "$(readlink -f "$lib/liblazuli.so")" ] ||
  fail "libmlxc.so and liblazuli.so are two libraries"

for module in mlxc lazuli; do
  flags=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --cflags --libs $module)
  # shellcheck disable=SC2086
  $cc -std=c17 -o "$work/program" "$here/program.c" $flags ||
    fail "pkg-config $module: $flags"
  [ "$(LD_LIBRARY_PATH=$lib "$work/program")" = 5 ] ||
    fail "built with pkg-config $module, the program fails"
  case $(LD_LIBRARY_PATH=$lib ldd "$work/program") in
    *"$lib/"*) ;;
    *) fail "the program runs on another library" ;;
  esac
done

mkdir "$work/project"
cp "$here/program.c" "$work/project"
cp "$here/CMakeLists.txt.in" "$work/project/CMakeLists.txt"
for package in MLXC Lazuli; do
  cmake -S "$work/project" -B "$work/$package" -DONLY=$package \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 ||
    fail "find_package($package): $(cat "$work/log")"
  cmake --build "$work/$package" >"$work/log" 2>&1 ||
    fail "building with $package: $(cat "$work/log")"
  [ "$("$work/$package/program")" = 5 ] ||
    fail "built with find_package($package), the program fails"
done

# Programs linked elsewhere need libmlxc.so by that name. Here elsewhere is a
# library of that name with the same functions, all empty.
$cc -std=c17 -I"$prefix/include" -c -o "$work/program.o" "$here/program.c"
nm -u "$work/program.o" | sed -n 's/^ *U \(mlx_.*\)/void \1(void) {}/p' \
  >"$work/empty.c"
$cc -shared -fPIC -Wl,-soname,libmlxc.so -o "$work/libmlxc.so" "$work/empty.c"
$cc -o "$work/program" "$work/program.o" -L"$work" -lmlxc
[ "$(LD_LIBRARY_PATH=$lib "$work/program")" = 5 ] ||
  fail "a program that needs libmlxc.so by that name fails"
echo "installed, moved and found five ways"
