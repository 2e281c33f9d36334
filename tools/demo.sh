#!/bin/sh
# An unmodified curl fetches a file from a real HTTP server through Handfast, in a network namespace
# of its own: make demo
set -eu
cd "$(dirname "$0")/.."
if [ "${HF_DEMO:-}" != inside ]; then
    as_root=$([ "$(id -u)" = 0 ] || echo -r)
    HF_DEMO=inside exec unshare $as_root -n "$0"
fi
handfast=${HANDFAST:-build/release/handfast}
ip link set lo up
dir=$(mktemp -d)
trap 'kill $server 2>/dev/null; rm -rf "$dir"' EXIT
head -c 67108864 /dev/urandom >"$dir/file"
mkfifo "$dir/said"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$dir" >"$dir/said" 2>/dev/null &
server=$!
# "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..."
read -r line <"$dir/said"
port=${line#* port }
port=${port%% *}

set -x
"$handfast" run -v --host-loopback -- curl -o "$dir/copy" "http://10.0.2.2:$port/file"
cmp "$dir/file" "$dir/copy"
set +x
echo "curl's socket, connect, recv and close were Handfast's; the 64 MiB are the same."
