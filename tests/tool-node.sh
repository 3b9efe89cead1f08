#!/bin/sh
# Goal: p2p-node keeps its contract: events, exit codes, errors with a hint.
set -u
node=${NODE:-./p2p-node}
tmp=$(mktemp -d) || exit 99
pid=
trap 'kill $pid 2>/dev/null; rm -rf "$tmp"' EXIT
export P2P_HOME="$tmp/home"
fail() { echo "FAIL: $*"; tail -n 20 "$tmp"/out "$tmp"/err "$tmp"/run; exit 1; }

# expect STATUS PATTERN ARGS...: p2p-node ARGS ends so and prints that
expect() {
	want=$1 pattern=$2
	shift 2
	$node "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ $got = "$want" ] || fail "p2p-node $*: exit $got, not $want"
	cat "$tmp/out" "$tmp/err" | grep -q -- "$pattern" ||
	    fail "p2p-node $*: no $pattern"
}

$node run --json -l /ip4/127.0.0.1/tcp/0 --serve echo,perf >"$tmp/run" 2>&1 &
pid=$!
n=0
until grep -q '"event":"ready"' "$tmp/run"; do
	n=$((n + 1))
	[ $n -lt 100 ] || fail "never ready"
	sleep 0.1
done
to=$(sed -n 's/.*"listening","address":"\([^"]*\)".*/\1/p' "$tmp/run")
expect 0 '"event":"summary","sent":3,"received":3' ping -c 3 -i 0 --json "$to"
expect 0 '"protocolVersion":"ipfs/0.1.0"' identify --json "$to"
expect 0 '"security":"/tls/1.0.0","muxer":"/yamux/1.0.0"' connect --json "$to"
expect 0 '"count":20,"failed":0' connect --json -c 20 --parallel 4 "$to"
expect 0 '"identical":true' echo --json --bytes 1000000 --streams 50 "$to"
expect 0 '"type":"final"' perf --json --upload-bytes 1000000 \
    --download-bytes 1000000 "$to"
[ "$(printf 'through and back' | $node echo "$to")" = "through and back" ] ||
    fail "echo of stdin"
other=12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA
expect 1 '"error":"wrong-peer".*"expected":"'$other'","actual":' \
    ping --json "${to%/p2p/*}/p2p/$other"
expect 1 'dialed .* answered' ping "${to%/p2p/*}/p2p/$other"
expect 2 'any-peer' ping "${to%/p2p/*}"
expect 0 'ok' ping -c 1 --any-peer "${to%/p2p/*}"
expect 1 'hint: ' ping /ip4/127.0.0.1/tcp/1/p2p/$other
expect 2 'no such command' nonsense
expect 2 '"error":"usage"' ping --json
expect 0 047f0000010610e1 maddr --json /ip4/127.0.0.1/tcp/4321
expect 0 /ip4/127.0.0.1/tcp/4321 maddr 0x047f0000010610e1
expect 0 '"keyType":"ed25519"' peerid --json $other
expect 0 '"keyType":"ed25519"' id --json
expect 0 secp256k1 key new --type secp256k1 --out "$tmp/k"
expect 1 'already' key new --out "$tmp/k"
expect 0 16Uiu2 key show --key "$tmp/k"
chmod 644 "$tmp/k"
expect 2 'chmod 600\|group\|mode' key show --key "$tmp/k"
kill $pid
wait $pid || fail "run ended with $?"
pid=
grep -q '"event":"stopped"' "$tmp/run" || fail "no stopped event"
grep -q '"event":"disconnected".*"reason":"ok"' "$tmp/run" ||
    fail "no disconnected event"
echo "ok: the contract of p2p-node"
