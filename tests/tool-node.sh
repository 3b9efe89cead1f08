#!/bin/sh
# Goal: p2p-node keeps its contract: each command, the fields of each event.
. "$(dirname "$0")/tool.sh"
other=12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA

# event NAME FIELDS...: of what the last command printed, all of it JSON
event() { fields "$tmp/out" "$@" && is_json "$tmp/out"; }

start_node run --serve echo,perf
run=$pid
self=${to##*/}
fields "$tmp/run.out" ready peerId limits
has "$tmp/run.out" '"ready","peerId":"'"$self"'","limits":{.*"connections":[1-9]' ||
    fail "ready does not say the limits"
[ -s "$tmp/run.err" ] && fail "stderr is not empty with --json"

expect 0 '"event":"summary","sent":3,"received":3,' ping -c 3 -i 0 --json "$to"
event ping seq time
event summary sent received min avg max p50 p99
expect 0 '^--- 2 pings, 2 ok, 0% loss, min/avg/max = [0-9.]*/' \
    ping -c 2 -i 0.01 "$to"
has "$tmp/out" "^PING $self (/ip4/127.0.0.1/tcp/[0-9]*) handshake " ||
    fail "no heading"
has "$tmp/out" '^32 bytes: seq=2 time=[0-9.]* ms$' || fail "no second ping"

expect 0 '"protocolVersion":"ipfs/0.1.0"' identify --json "$to"
event identify peerId protocolVersion agentVersion protocols listenAddresses \
    observedAddress publicKeyType signedRecord address security muxer
has "$tmp/out" '"peerId":"'"$self"'"' || fail "identify: another peer"
has "$tmp/out" '"publicKeyType":"ed25519","signedRecord":true' ||
    fail "identify: key or record"
has "$tmp/out" '"protocols":\["/.*"/echo/1.0.0","/perf/1.0.0"\]' ||
    fail "identify: protocols"
expect 0 '^Protocols  /' identify "$to"

expect 0 '"security":"/tls/1.0.0","muxer":"/yamux/1.0.0"' connect --json "$to"
event connected peer address direction security muxer time
has "$tmp/out" '"direction":"outbound"' || fail "connect: direction"
expect 0 '"count":20,"failed":0' connect --json -c 20 --parallel 4 "$to"
event summary count failed perSecond p50 p99
[ "$(count "$tmp/out" '"event":"connected"')" = 20 ] ||
    fail "connect -c: not 20 events"
expect 0 "^connected to $self" connect --hold 0.1 "$to"
expect 0 '^3 connections, 0 failed, ' connect -c 3 "$to"

expect 0 '"bytes":100000,"streams":50,' echo --json --bytes 100000 \
    --streams 50 --chunk 1000 "$to"
event echo bytes streams time identical
has "$tmp/out" '"identical":true' || fail "echo: not identical"
[ "$(count "$tmp/out" .)" = 1 ] || fail "echo: a summary without -c"
expect 0 '"count":3,"failed":0' echo --json --bytes 10 -c 3 "$to"
event summary count failed perSecond p50 p99
[ "$(count "$tmp/out" '"event":"echo"')" = 3 ] || fail "echo -c: not 3"
[ "$(printf 'through and back' | $node echo "$to")" = "through and back" ] ||
    fail "echo of stdin"
head -c 1000000 /dev/urandom >"$tmp/in.big"
$node echo "$to" <"$tmp/in.big" >"$tmp/back.big" || fail "echo of a million"
cmp -s "$tmp/in.big" "$tmp/back.big" || fail "echo changed a million bytes"

expect 0 '"type":"final",' perf --json --upload-bytes 1000003 \
    --download-bytes 999999 --streams 7 --chunk 4096 "$to"
event perf type timeSeconds uploadBytes downloadBytes
has "$tmp/out" '"uploadBytes":1000003,"downloadBytes":999999}' ||
    fail "perf: N in total over S streams"
expect 0 '^up 5 bytes, down 0 bytes in ' perf --upload-bytes 5 "$to"

expect 0 '"text":"/ip4/127.0.0.1/tcp/4321","hex":"047f0000010610e1"' \
    maddr --json /ip4/127.0.0.1/tcp/4321
event maddr text hex parts
has "$tmp/out" '"parts":\[{"name":"ip4","value":"127.0.0.1"},{"name":"tcp",' ||
    fail "maddr: parts"
expect 0 '^/ip4/127.0.0.1/tcp/4321$' maddr 0x047f0000010610e1
expect 0 '"hex":"0024080112' peerid --json $other
event peerid base58 cid hex keyType
hex=$(sed 's/.*"hex":"\([^"]*\)".*/\1/' "$tmp/out")
cid=$(sed 's/.*"cid":"\([^"]*\)".*/\1/' "$tmp/out")
expect 0 '"base58":"'$other'"' peerid --json "0x$hex"
expect 0 '"keyType":"ed25519"' peerid --json "$cid"
expect 0 "^$other" peerid $other

expect 0 '"peerId":"'"$self"'"' id --json
event id peerId peerIdCid publicKey keyType
expect 0 "^$self\$" id
[ -f "$P2P_HOME/identity.key" ] || fail "no key under P2P_HOME"
for type in ed25519 secp256k1 ecdsa rsa; do
	expect 0 '"keyType":"'$type'"' key new --json --type $type \
	    --out "$tmp/$type.key"
	event key peerId keyType path
	made=$(sed 's/.*"peerId":"\([^"]*\)".*/\1/' "$tmp/out")
	expect 0 "$made" key show --json --key "$tmp/$type.key"
	expect 0 "$made" id --key "$tmp/$type.key"
done
[ "$(stat -c %a "$tmp/rsa.key")" = 600 ] || fail "the mode of a key file"
expect 0 '"version":"[0-9]' version --json
event version version features
expect 0 '^p2p-node [0-9].*(tcp ' --version

# Several that make the first key at once have the same one.
for i in 1 2 3 4 5 6; do
	P2P_HOME=$tmp/first $node id --json >"$tmp/first$i.out" &
	eval "first$i=\$!"
done
for i in 1 2 3 4 5 6; do
	eval "wait \$first$i" || fail "a first key, made at once"
done
[ "$(cat "$tmp"/first?.out | sort -u | wc -l)" = 1 ] || fail "first keys differ"

# A key file is the node's identity; an ephemeral one leaves nothing behind.
start_node two --key "$tmp/secp256k1.key"
expect 0 "\"peerId\":\"${to##*/}\"" id --json --key "$tmp/secp256k1.key"
kill -TERM $pid
ends $pid 0
gone=$to
address_of run
P2P_HOME="$tmp/none" start_node three --ephemeral --connect "$gone" \
    --connect "$to"
three=$pid
[ -e "$tmp/none" ] && fail "--ephemeral wrote something"
until_holds 'has "$tmp/three.out" "\"event\":\"connected\".*\"peer\":\"$self\""'
until_holds 'has "$tmp/three.out" "\"event\":\"error\""'
has "$tmp/three.out" '"direction":"outbound"' || fail "three: direction"
fields "$tmp/three.out" error error message attempts
kill -INT $three
ends $three 0
until_holds 'has "$tmp/run.out" "disconnected.*\"peer\":\"${to##*/}\""'
is_json "$tmp/three.out"

# The end: events of all connections, and what a limit refused.
kill -TERM $run
ends $run 0
fields "$tmp/run.out" connected peer address direction security muxer
fields "$tmp/run.out" disconnected peer address direction security muxer \
    reason initiator
fields "$tmp/run.out" stopped refused
has "$tmp/run.out" '"refused":{}' || fail "refused without cause"
is_json "$tmp/run.out"
start_node few --ephemeral --limit connections-in=0 --limit streams-in=9
has "$tmp/few.out" '"connections-in":0,.*"streams-in":9,' ||
    fail "--limit is not in ready"
expect 1 '"event":"error"' ping --json --timeout 10 "$to"
kill -TERM $pid
ends $pid 0
has "$tmp/few.out" '"stopped","refused":{"connections-in":[1-9][0-9]*}' ||
    fail "nothing refused"

# What a peer says of itself is not for the terminal as it is.
agent=$(printf 'evil\033[31m\342\200\256\302\205/1')
mkfifo "$tmp/open"
exec 9<>"$tmp/open"
$raw silent /echo/1.0.0 "$agent" <"$tmp/open" >"$tmp/raw.out" \
    2>"$tmp/raw.err" &
raw_pid=$!
pids="$pids $raw_pid"
until_holds 'has "$tmp/raw.out" listening'
address_of raw
expect 0 '"agentVersion":"evil\\u001b\[31m\\u202e\\u0085/1"' identify --json "$to"
r=$(printf '\357\277\275')
expect 0 "^Agent      evil$r\[31m$r$r/1\$" identify "$to"
kill -KILL $raw_pid
ends $raw_pid 137

# For people: what listens, what to try, the limits on stderr.
start human $node run --ephemeral -l /ip4/127.0.0.1/tcp/0 --limit handlers=7
until_holds 'has "$tmp/human.out" "^Ready in .*twice forces"'
has "$tmp/human.out" '^Listening  /ip4/127.0.0.1/tcp/.*/p2p/' || fail Listening
has "$tmp/human.out" '^Try        p2p-node ping /ip4/127.0.0.1/tcp/' || fail Try
has "$tmp/human.out" '^Peer ID    12D3.*key: ephemeral$' || fail "Peer ID"
has "$tmp/human.err" '^limits: .* handlers=7 ' || fail limits
kill -INT $pid
ends $pid 0
start kept $node run -l /ip4/127.0.0.1/tcp/0 --dht server --allow-private
until_holds 'has "$tmp/kept.out" "^Ready in "'
has "$tmp/kept.out" "^Peer ID .*key: $P2P_HOME/identity.key" ||
    fail "the key file"
kill -INT $pid
ends $pid 0
echo "ok: the contract of p2p-node"
