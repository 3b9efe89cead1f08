#!/bin/sh
# Goal: the demo shows what it says within five seconds, writes nothing, and
# fails when something does.
. "$(dirname "$0")/tool.sh"
checks='five nodes
tcp + noise + yamux
tcp + tls 1.3 + yamux
tcp + noise + mplex
identify
kademlia: join
kademlia: record
kademlia: provider
echo
perf
shutdown'

# seconds: the time of the last demo
seconds() { sed -n 's/.*"summary".*"time":\([0-9]*\).*/\1/p' "$tmp/out"; }

expect 0 '"summary","ok":11,"warn":0,"fail":0,' demo --json
is_json "$tmp/out"
fields "$tmp/out" check name status time detail
[ -s "$tmp/err" ] && fail "talk on stderr"
sed -n 's/.*"check","name":"\([^"]*\)".*/\1/p' "$tmp/out" >"$tmp/names.out"
echo "$checks" | diff - "$tmp/names.out" >"$tmp/diff.out" || fail "the checks"
[ "$(seconds)" -lt "${DEMO_SECONDS:-5}" ] || fail "it took $(seconds) s"
has "$tmp/out" '"detail":"0 threads and 0 descriptors left"' || fail shutdown
has "$tmp/out" 'kept by [1-9] others; node 5 asked [1-9]' || fail "the record"
has "$tmp/out" 'said at [1-9] nodes; node 5 asked [1-9]' || fail "the provider"
has "$tmp/out" 'up [1-9][0-9]* MB/s, down [1-9]' || fail "perf"
expect 0 '^ok    tcp + tls 1.3 + yamux *[0-9.]* ms  handshake [0-9.]* ms, ping' demo
has "$tmp/out" '^Next: p2p-node run' || fail "what is next"
[ -e "$P2P_HOME" ] && fail "something was written"

# What cannot work fails, with the reason, and the rest is torn down anyhow.
failed() {
	has "$tmp/out" "\"name\":\"$1\",\"status\":\"fail\",.*\"detail\":\"[^\"]" ||
	    fail "$1 did not fail"
}
gone() {
	has "$tmp/out" '"detail":"0 threads and 0 descriptors left"' ||
	    fail "left behind"
	has "$tmp/out" Next && fail "go on, as if it had worked"
}
expect 1 '"summary",.*"fail":5,' demo --json --limit connections-in=0
for c in 'tcp + noise + yamux' 'tcp + tls 1.3 + yamux' 'tcp + noise + mplex' \
    identify 'kademlia: join'; do
	failed "$c"
done
gone
expect 1 '"summary",.*"fail":[1-9]' demo --json --limit handlers=1
gone
expect 2 '^p2p-node: --limit handlers=0: this value is out' demo --limit handlers=0
expect 2 '^p2p-node: --limit nonsense: no such limit' demo --limit nonsense=1
expect 2 '^p2p-node: -l: wants\|not an option of demo' demo -l /ip4/127.0.0.1/tcp/0
expect 4 '"error":"timeout"' demo --json --timeout 0.001
gone
(ulimit -n 40; expect 1 '^fail  ' demo) || exit 1
echo "ok: the demo"
