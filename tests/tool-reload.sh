#!/bin/sh
# Goal: SIGHUP: what can change does, what cannot is named, and a file with a
# mistake changes nothing and loses nothing.
. "$(dirname "$0")/tool.sh"
mkdir "$P2P_HOME"
conf=$P2P_HOME/p2p-node.conf
: >"$conf"
cid=QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n
here=/ip4/127.0.0.1/tcp/0
dht="dht = server
network = /x/kad/1.0.0
allow-private = yes"

# Two to be called, one of them with a DHT to join.
start_node a --ephemeral
a=$to
start_node b --ephemeral --dht server --network /x/kad/1.0.0 --allow-private
b=$to

# say LINES...: the file from now on
say() { printf '%s\n' "listen = $here" "$dht" "$@" >"$conf"; }
# again PATTERN: told to read it, it says so, once more than before
again() {
	what=$1
	n=$(count "$tmp/run.out" "$what")
	kill -HUP $run
	until_holds '[ "$(count "$tmp/run.out" "$what")" -gt $n ]'
}
# All of stdout and stderr in one file, so that it can be waited for.
begin() {
	rm -f "$tmp/run.out"
	$node run "$@" >"$tmp/run.out" 2>&1 </dev/null &
	run=$!
	pids="$pids $run"
}

say "connect = $a" "serve = echo"
begin --json
until_holds 'has "$tmp/run.out" \"ready\"'
to=$(sed -n 's/.*"listening","address":"\([^"]*\)".*/\1/p' "$tmp/run.out")
until_holds 'has "$tmp/run.out" "\"connected\".*\"peer\":\"${a##*/}\""'

again '"reloaded","changed":\[\],"ignored":\[\]}'

# Bad files, one after another: the error with its line, no reloaded, and the
# connection is what it was, the service too.
reloads=$(count "$tmp/run.out" '"reloaded"')
for bad in "lisetn = $here" "serve = http" "connect = nonsense" "dht = on" \
    "provide = x" "limit = nonsense=1" "bootstrap = $here" "log = loud" \
    "any-peer = maybe" "listen"; do
	say "connect = $a" "connect = $b" "$bad"
	again '"error":"usage","message":".*p2p-node.conf:7: '
done
chmod g+w "$conf"
again '"error":"usage","message":".*p2p-node.conf: group or others'
chmod g-w "$conf"
[ "$(count "$tmp/run.out" '"reloaded"')" = "$reloads" ] ||
    fail "a bad file was taken"
has "$tmp/run.out" '"disconnected"' && fail "a bad file lost the connection"
has "$tmp/run.out" "\"peer\":\"${b##*/}\"" && fail "half a bad file was taken"
expect 0 '"identical":true' echo --json --bytes 10 "$to"

# Good ones.
say "connect = $a" "connect = $b" "serve = perf" "log = debug" \
    "bootstrap = $b" "provide = $cid"
again '"reloaded","changed":\["bootstrap","provide","serve","connect","log"\],"ignored":\[\]}'
until_holds 'has "$tmp/run.out" "\"connected\".*\"peer\":\"${b##*/}\""'
until_holds 'has "$tmp/run.out" "\"event\":\"bootstrap\",.*\"peers\":1"'
until_holds 'has "$tmp/run.out" "\"event\":\"provided\",\"cid\":\"$cid\",\"peers\":1"'
expect 1 '"error":"no-protocol"' echo --json --bytes 10 "$to"
expect 0 '"type":"final"' perf --json --upload-bytes 10 "$to"
expect 0 "\"provider\",\"peerId\":\"${to##*/}\"" dht providers --json $cid \
    --network /x/kad/1.0.0 --allow-private --bootstrap "$b"

# What only a start can change is named, each time; what is live is done.
say "listen = /ip6/::1/tcp/0" "limit = streams-in=9" "muxer = mplex,yamux" \
    "security = noise" "namespace = x" "store = memory" "ephemeral = yes" \
    "dht-x = 1"
again '"error":"usage","message":".*p2p-node.conf:12: dht-x: no such key'
say "listen = /ip6/::1/tcp/0" "limit = streams-in=9" "muxer = mplex,yamux" \
    "security = noise" "namespace = x" "store = memory" "ephemeral = yes"
sed -i 's/^dht = .*/dht = client/' "$conf"
again '"reloaded","changed":\["bootstrap","dht","provide","serve","connect","log"\],"ignored":\["limit","ephemeral","security","muxer","listen","namespace","store"\]}'
again '"reloaded","changed":\[\],"ignored":\["limit","ephemeral",'
expect 1 '"error":"no-protocol"' perf --json --upload-bytes 10 "$to"
rm "$conf"
again '"reloaded","changed":\[.*\],"ignored":\[.*\]}'
has "$tmp/run.out" '"disconnected".*"initiator":"local"' &&
    fail "a reload closed a connection"
kill -TERM $run
ends $run 0
grep '^{' "$tmp/run.out" >"$tmp/run.json"
is_json "$tmp/run.json"
fields "$tmp/run.json" reloaded changed ignored

# In words; and flags stay before the file, --config names another one.
conf=$tmp/other.conf dht=
say "serve = echo"
begin --ephemeral --config "$conf" -l $here --log error
until_holds 'has "$tmp/run.out" ^Ready'
again '^reloaded: nothing changed$'
say "serve = echo,perf" "limit = handlers=9" "log = info"
again '^p2p-node: limit: needs a restart$'
has "$tmp/run.out" '^reloaded: serve$' || fail "what changed, in words"
has "$tmp/run.out" 'listen: needs' && fail "a flag was overridden"
say "srve = echo"
again '^p2p-node: reload: nothing was changed$'
has "$tmp/run.out" 'other.conf:3: srve: no such key$' || fail "the mistake"
has "$tmp/run.out" '^hint: did you mean serve?$' || fail "the hint"
# Many at once are one, or some; none is lost for good, none is a crash.
say "serve = perf"
i=0
while [ $i -lt 200 ]; do
	kill -HUP $run
	i=$((i + 1))
done
until_holds '[ "$(count "$tmp/run.out" "^reloaded: serve$")" = 2 ]'
kill -TERM $run
ends $run 0

# Without a home there is no key and no store to compare; it goes on.
start homeless env -u P2P_HOME -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u HOME \
    $node run --ephemeral -l $here
until_holds 'has "$tmp/homeless.out" ^Ready'
kill -HUP $pid
until_holds 'has "$tmp/homeless.err" "^reloaded: nothing changed$"'
kill -TERM $pid
ends $pid 0
echo "ok: reading the configuration again"
