#!/bin/sh
# README's library example compiles against the library alone and runs: tools/check_example.sh BUILD_DIR
set -eu
build=${1:-build/release}
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' README.md >"$build/example.c"
${CC:-cc} -std=gnu11 -Wall -Werror -Iinclude -o "$build/example" "$build/example.c" "$build/libhandfast.a"
${CC:-cc} -Iinclude -o "$build/example-shared" "$build/example.c" -L"$build" -lhandfast
said=$(timeout 10 "$build/example" && LD_LIBRARY_PATH=$build timeout 10 "$build/example-shared")
want='connect: -115, then 0
received 5 bytes'
[ "$said" = "$want
$want" ] || { echo "README's example said: $said" >&2; exit 1; }
foreign=$(nm -D --defined-only "$build/libhandfast.so" | awk '$2 != "A" && $3 !~ /^hf_/ { print $3 }')
[ -z "$foreign" ] || { echo "libhandfast.so shows more than hf_*: $foreign" >&2; exit 1; }
echo "example: compiles and runs, static and shared"
