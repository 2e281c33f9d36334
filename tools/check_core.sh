#!/bin/sh
# The core's purity, read off its release objects: tools/check_core.sh BUILD_DIR
#   - calls nothing outside itself but memcpy, memmove, memset, memcmp and libgcc's arithmetic
#   - has no writable data and no thread-locals (.data.rel.ro is constant once loaded)
set -eu
build=${1:-build/release}
objects=$(find "$build"/src/base "$build"/src/wire "$build"/src/net "$build"/src/transport \
    "$build"/src/netlink "$build"/src/socket "$build"/src/stack -name '*.o' 2>/dev/null | sort) || true
[ -n "$objects" ] || { echo "check_core: no objects of the core in $build; run make" >&2; exit 1; }

defined=$(mktemp)
trap 'rm -f "$defined"' EXIT
nm -g --defined-only $objects | awk 'NF == 3 { print $3 }' | sort -u >"$defined"

foreign=$(nm -uA $objects | awk '{ print $NF, $1 }' | while read -r symbol object; do
    case $symbol in
    memcpy | memmove | memset | memcmp | _GLOBAL_OFFSET_TABLE_) ;;
    __*ti3 | __*di2 | __*ti2 | __*tf* | __bswap*) ;;
    *) grep -qxF -- "$symbol" "$defined" || echo "$object calls $symbol" ;;
    esac
done)
writable=$(for object in $objects; do
    readelf -SW "$object" | sed 's/^ *\[ *[0-9]*\] *//' | awk -v object="$object" '
        $1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $5 !~ /^0+$/ {
            print object ": writable section " $1 }'
    nm "$object" | awk -v object="$object" '$2 == "C" { print object ": common symbol " $3 }'
done)

if [ -n "$foreign$writable" ]; then
    printf '%s\n' "$foreign" "$writable" | sed '/^$/d'
    exit 1
fi
echo "core: $(echo "$objects" | wc -w) objects are pure"
