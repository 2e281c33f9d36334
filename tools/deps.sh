#!/bin/sh
# Installs what a goal needs: tools/deps.sh demo|check|bench|realworld. With apt when root, else says what to install.
# Nothing is touched when all is there.
set -eu

# a command, or a path that may be a pattern : its Debian package
build="cc:gcc make:make ar:binutils /usr/include/seccomp.h:libseccomp-dev"
demo="$build curl:curl python3:python3 ip:iproute2 unshare:util-linux"
check="$demo prove:perl clang:clang
    /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a:libclang-rt-14-dev
    clang-format:clang-format go:golang-go musl-gcc:musl-tools node:nodejs javac:default-jdk-headless
    redis-server:redis-server redis-cli:redis-tools nginx:nginx-light ab:apache2-utils wrk:wrk sshd:openssh-server ssh:openssh-client socat:socat
    dnsmasq:dnsmasq-base setpriv:util-linux lowdown:lowdown groff:groff-base valgrind:valgrind"
bench="$build python3:python3 ip:iproute2 unshare:util-linux slirp4netns:slirp4netns pasta:passt"

realworld="$demo /usr/lib/python3.11/test/test_socket.py:libpython3.11-testsuite go:golang-go
    /usr/share/go-1.19/src/net/net_test.go:golang-1.19-src"

case ${1:-} in
demo) wanted=$demo ;;
check) wanted=$check ;;
bench) wanted=$bench ;;
realworld) wanted=$realworld ;;
*) echo "usage: tools/deps.sh demo|check|bench|realworld" >&2; exit 2 ;;
esac

PATH=$PATH:/usr/sbin:/sbin
missing=
for pair in $wanted; do
    thing=${pair%%:*} package=${pair#*:}
    case $thing in
    /*) ls $thing >/dev/null 2>&1 || missing="$missing $package" ;;
    *) command -v "$thing" >/dev/null || missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing. As root: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

# Debian would start redis, nginx and sshd on install; policy-rc.d says no (101: action forbidden).
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q || true
apt-get install -y -q --no-install-recommends $missing
