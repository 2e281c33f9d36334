#!/bin/sh
# Runs one fuzz target for so many seconds: tools/fuzz.sh TARGET SECONDS. Needs clang.
set -eu
target=$1 seconds=$2
mkdir -p build/fuzz "fuzz/corpus/$target"
clang -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined -Iinclude -Isrc -o "build/fuzz/$target" \
    "fuzz/$target.c" $(find src/base src/wire src/net src/transport src/socket src/stack -name '*.c')
"build/fuzz/$target" -max_total_time="$seconds" -timeout=5 "fuzz/corpus/$target"
