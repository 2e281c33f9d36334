#!/bin/sh
# The manual pages are whole: every option and link word of `handfast run --help` is in handfast(1), every
# error of hf_connect's comment in hf_connect(3), and they render. Usage: tools/check_man.sh BUILD_DIR
set -eu
cd "$(dirname "$0")/.."
bad=0

missing() { # PAGE WORD...
    page=docs/man/$1
    shift
    for word in "$@"; do
        grep -q -F -e "$word" "$page" || { echo "$page: $word is not there"; bad=1; }
    done
}

# shellcheck disable=SC2046
missing handfast.1.md $("$1/handfast" run --help | grep -oE '^ +(--?[a-z-]+|[a-z]+[=:])|-vv' | tr -d ' ' | sort -u)
# shellcheck disable=SC2046
missing hf_connect.3.md $(awk '/^\/\* Connects a stream/, /^int hf_connect/' include/handfast/posix.h |
    grep -oE '\bE[A-Z]{3,}\b' | sort -u)
for page in "$1"/man/*; do
    [ -z "$(groff -man -t -Tutf8 -rcR=1 -ww -z "$page" 2>&1)" ] || { echo "$page: does not render"; bad=1; }
done
exit $bad
