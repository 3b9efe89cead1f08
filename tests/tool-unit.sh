#!/bin/sh
# Goal: systemd takes the units without a word, calls the one of the system well
# confined, and p2p-node does with what they leave it.
. "$(dirname "$0")/tool.sh"
units=$(dirname "$0")/../tools/systemd
here=$(cd "$(dirname "$node")" && pwd)
skipped=77

for kind in system user; do
	mkdir "$tmp/$kind"
	sed "s,@bindir@,$here,; s,@sysconfdir@,$tmp," "$units/$kind/p2p-node.service.in" \
	    >"$tmp/$kind/p2p-node.service"
	has "$tmp/$kind/p2p-node.service" "^ExecStart=$here/p2p-node run" ||
	    fail "$kind: it does not start p2p-node run"
done

# What is installed as its configuration says nothing, and can be uncommented.
conf=$units/p2p-node.conf
expect 0 'is right, 0 settings' config check "$conf"
sed 's/^# \([a-z-]* = .*\)$/\1/; s/\.\.\.$/FQnnKeHwZm2gmSdDSbgFJydr3Zj4EFW7sRCjJwEr3TZz/' \
    "$conf" >"$tmp/all.conf"
expect 0 'is right, 9 settings' config check "$tmp/all.conf"

# A home behind a link is what DynamicUser= makes of the state directory.
mkdir -m 700 "$tmp/private"
ln -s "$tmp/private" "$tmp/state"
P2P_HOME=$tmp/state
start_node a --dht server --allow-private --network lan
kill -HUP $pid
until_holds 'has "$tmp/a.out" \"event\":\"reload'
kill $pid
ends $pid 0
[ -f "$tmp/private/identity.key" ] || fail "no key in the state directory"

systemd-analyze --version >/dev/null 2>&1 || {
	echo "SKIP: no systemd-analyze"
	exit $skipped
}
for kind in system user; do
	flag=--$kind
	[ $kind = user ] || flag=
	# It speaks of other units of this machine, too.
	XDG_RUNTIME_DIR=$tmp systemd-analyze verify $flag --man=no --recursive-errors=no \
	    "$tmp/$kind/p2p-node.service" >"$tmp/out" 2>&1 ||
	    fail "$kind: $(cat "$tmp/out")"
	has "$tmp/out" p2p-node && fail "$kind: $(cat "$tmp/out")"
done
# Tenths: to be well below the 2.0 of what is called OK.
systemd-analyze security --offline=yes --threshold=15 \
    "$tmp/system/p2p-node.service" >"$tmp/out" 2>&1 ||
    fail "$(grep -a -e Overall -e '✗' "$tmp/out")"
grep -a Overall "$tmp/out"
