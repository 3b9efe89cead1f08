#!/bin/sh
# Goal: p2p-node dht keeps its contract: every verb, its events, its exit status;
# a node with a store in a file has its records after a kill; what is ephemeral
# leaves nothing behind.
. "$(dirname "$0")/tool.sh"
other=12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA
cid=bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy
cid2=bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e
way='--network /x/kad/1.0.0 --allow-private'
net="$way --namespace test"
serve="--dht server $net"

# event NAME FIELDS...: of what the last command printed, all of it JSON
event() { fields "$tmp/out" "$@" && is_json "$tmp/out"; }
summary='summary asked failed hops found stored refused crowded time'
# dht ARGS...: as expect takes them, but for STATUS and PATTERN
ask() {
	want=$1 pattern=$2
	shift 2
	expect "$want" "$pattern" dht $net --bootstrap "$first" "$@"
}

# 1. Four servers that know each other by the first, and keep nothing on disk.
start_node one --ephemeral $serve
first=$to one=${to##*/}
for n in two three four; do
	start_node $n --ephemeral $serve --bootstrap "$first"
	until_holds 'has "$tmp/$n.out" "\"event\":\"bootstrap\""'
	fields "$tmp/$n.out" bootstrap peers table time
	eval "$n=\${to##*/}"
done

# 2. A record goes in and comes out: as text, as bytes, as a file.
ask 0 '"stored":4,"refused":0,' put --json /test/a 'some text'
event $summary
ask 0 '"event":"value"' get --json /test/a
event value key value hex
event $summary
has "$tmp/out" '"key":"/test/a","value":"some text","hex":"736f6d652074657874"' ||
    fail "get: another value"
ask 0 'keep it, 0 do not' put /test/b 0x00ff0a
ask 0 '"hex":"00ff0a"' get --json 0x2f746573742f62
printf '\000\001\377 a file\000\n\000' >"$tmp/bytes"
ask 0 'keep it' put /test/c "@$tmp/bytes"
$node dht $net --bootstrap "$first" get /test/c >"$tmp/back" 2>"$tmp/err" ||
    fail "get of a file"
cmp -s "$tmp/bytes" "$tmp/back" || fail "a file came back changed"
ask 0 'keep it' put /test/none ''
ask 0 '"value":"","hex":""' get --json /test/none
# The newest received wins, where there is no rule.
ask 0 'keep it' put /test/a newer
ask 0 '"value":"newer"' get --json /test/a
# Everybody's key is there without being put.
ask 0 '"key":"/pk/' get --json "/pk/$one"

# 3. A provider says so, stays, is found, and ends well.
P2P_HOME="$tmp/none" start provider $node dht --json $net \
    --bootstrap "$first" -l /ip4/127.0.0.1/tcp/0 provide $cid
provider=$pid
until_holds 'has "$tmp/provider.out" "\"event\":\"provided\""'
until_holds 'has "$tmp/provider.out" "\"event\":\"summary\""'
fields "$tmp/provider.out" provided cid peers
fields "$tmp/provider.out" $summary
has "$tmp/provider.out" '"cid":"'$cid'","peers":4}' || fail "provided"
is_json "$tmp/provider.out"
ask 0 '"event":"provider"' providers --json -n 1 $cid
event provider peerId addresses
has "$tmp/out" '"addresses":\["/ip4/127.0.0.1/tcp/[1-9]' ||
    fail "a provider without its address"
[ "$(count "$tmp/out" '"event":"provider"')" = 1 ] || fail "-n 1"
ask 0 '1 found' providers $cid
has "$tmp/out" '^12D3Koo' || fail "providers, for people"
has "$tmp/out" '^    /ip4/127' || fail "their addresses, for people"
kill -INT $provider
ends $provider 0
start_node five --ephemeral --dht client $net --bootstrap "$first" \
    --provide $cid2
five=$pid
until_holds 'has "$tmp/five.out" "\"event\":\"provided\""'
ask 0 '"peerId":"'"${to##*/}"'"' providers --json $cid2
kill -TERM $five
ends $five 0
fields "$tmp/five.out" provided cid peers
is_json "$tmp/five.out"

# 4. Peers: where one is, who is near, what a table looks like, and each hop.
ask 0 '"event":"peer","peerId":"'$three'","addresses":\["/ip4/127' \
    find-peer --json $three
event peer peerId addresses
event $summary
ask 0 '"event":"hop"' closest --json --trace $other
event hop peer distance hops time
event peer peerId addresses
[ "$(count "$tmp/out" '"event":"peer"')" = 4 ] || fail "closest: not all"
ask 0 '^hop [0-9]*  2^[0-9]* .* ms  12D3Koo' closest --trace some-key
ask 0 '"event":"bucket"' table --json
event bucket prefix peers stale
event $summary
# Found is who was drawn, not also who told of them.
drawn=$(sed -n 's/.*"event":"bucket".*"peers":\([0-9]*\).*/\1/p' "$tmp/out" |
    paste -s -d + -)
has "$tmp/out" "\"event\":\"summary\".*\"found\":$(($drawn))," ||
    fail "table: found is not the sum of $drawn"
ask 0 '^     0  [#?.]\{20\}  [ 0-9][0-9] peers' table
# A bare peer id is enough for the other commands, where a DHT knows more.
expect 0 ' 1 ok, ' ping $way -c 1 --bootstrap "$first" $two
expect 0 '"peerId":"'$four'"' identify --json $way \
    --bootstrap "$first" $four
expect 3 '"error":"not-found"' ping --json $way --bootstrap "$first" \
    $other

# 5. What is not there, and what makes no sense.
ask 3 '"error":"not-found"' get --json /test/nobody
ask 3 'not found' providers bafkqaaa
ask 3 '"error":"not-found"' find-peer --json $other
expect 2 '"error":"usage".*nobody to ask' dht --json get /test/a
expect 2 'nobody to ask' dht --bootstrap none get /test/a
usage() {
	want=$1
	shift
	ask 2 "$want" "$@"
	has "$tmp/err" '^p2p-node: .*: ' || fail "p2p-node dht $*: no what: why"
	[ -s "$tmp/out" ] && fail "p2p-node dht $*: data on stdout"
	ask 2 '"error":"usage"' --json "$@"
	is_json "$tmp/out"
}
usage 'dht wants find-peer' frob
usage 'get: is: dht get KEY' get
usage 'put: is: dht put KEY VALUE' put /test/a
usage 'table: is: dht table' table /test/a
usage 'no rule for this namespace' get /elsewhere/a
usage 'no rule for this namespace' put /elsewhere/a b
usage 'no such record, or key' put /ipns/$one nonsense
usage 'not a CID' provide nonsense -l /ip4/127.0.0.1/tcp/0
usage 'not a CID' providers /ip4/127.0.0.1
usage 'not a key in hex' get 0x0
usage 'not a key in hex' get 0x
usage 'not a key in hex' closest 0xnonsense
usage 'not a value in hex' put /test/a 0x0
usage 'has 1 to 256 bytes' get ''
usage 'not a peer id' find-peer nonsense
usage 'nobody could come' provide $cid
usage 'one at a time' get /test/a --network lan
usage '--namespace' get /test/a --namespace pk
usage '-n: must be more than 0' providers -n 0 $cid
usage '--dht: not an option of dht' get /test/a --dht client
head -c 65537 /dev/zero >"$tmp/large"
usage 'too large for a record' put /test/a "@$tmp/large"
usage 'No such file' put /test/a "@$tmp/nil"
# A fifo is not waited for.
mkfifo "$tmp/fifo"
(node="timeout 10 $node"; usage 'not a regular file' put /test/a "@$tmp/fifo") ||
    exit 1
expect 2 'no such network' dht --network nonsense --bootstrap "$first" \
    get /test/a
expect 2 'names no peer' dht $net --bootstrap "${first%/p2p/*}" get /test/a
expect 2 'not an address' dht $net --bootstrap nonsense get /test/a
expect 2 'who answered has no address that counts' dht --network /x/kad/1.0.0 \
    --bootstrap "$first" get /pk/$one
has "$tmp/err" '^hint: --allow-private' || fail "no hint at --allow-private"
for o in "--provide $cid" '--network lan' '--store memory' '--namespace x' \
    "--bootstrap $first"; do
	expect 2 '--dht: is off' run --ephemeral -l /ip4/127.0.0.1/tcp/0 $o
	expect 2 '--dht: is off' run --ephemeral -l /ip4/127.0.0.1/tcp/0 \
	    --dht off $o
done
start_node nowhere --ephemeral --dht client --network /x/kad/1.0.0 --provide $cid
until_holds 'has "$tmp/nowhere.out" "nobody could come"'
kill -TERM $pid
ends $pid 0
run="run --ephemeral -l /ip4/127.0.0.1/tcp/0 --dht"
expect 2 '--dht: off, client, server or auto' $run nonsense
expect 2 'no such network' $run client --network nonsense
expect 2 'twice the same' $run server --network lan --network lan
expect 2 'twice the same' $run client --namespace ipns
expect 2 '64 inbound' $run server --limit connections-in=63
expect 2 'not a CID' $run client --provide nonsense
# Nobody is there, or nobody replies.
expect 1 '"error":"unreachable"' dht $net --json --bootstrap \
    /ip4/127.0.0.1/tcp/1/p2p/$other get /test/a
start_node still --ephemeral $serve
still=$pid
kill -STOP $still
expect 4 '"error":"timeout"' dht $net --json --timeout 1 --bootstrap "$to" \
    get /test/a
kill -KILL $still
ends $still 137

# 6. Nothing of all that was written.
[ -e "$P2P_HOME" ] && fail "something was written: $(find "$P2P_HOME")"
start_node memory --key "$tmp/memory.key" $serve --store memory
kill -TERM $pid
ends $pid 0
[ -e "$P2P_HOME" ] && fail "--store memory: $(find "$P2P_HOME")"

# 7. A store in a file has its records after a kill; nobody else has it then.
if $node version --json | grep -q '"sqlite"'; then
	stored="--key $tmp/kept.key $serve --store $tmp/kept.sqlite"
	start_node kept $stored
	kept=$pid
	first=$to
	ask 0 '"stored":1,' put --json /test/kept 'after all'
	ask 0 'keep it' put /test/bytes "@$tmp/bytes"
	expect 1 "kept.sqlite: " run -l /ip4/127.0.0.1/tcp/0 --key "$tmp/o.key" \
	    $serve --store "$tmp/kept.sqlite"
	has "$tmp/err" ': open already, here or in another process' ||
	    fail "a store that another process has"
	has "$tmp/err" '^hint: nothing was changed' || fail "no hint"
	kill -KILL $kept
	ends $kept 137
	start_node again $stored
	first=$to
	ask 0 '"value":"after all"' get --json /test/kept
	$node dht $net --bootstrap "$first" get /test/bytes >"$tmp/back" \
	    2>"$tmp/err" || fail "get after a kill"
	cmp -s "$tmp/bytes" "$tmp/back" || fail "a record changed by a kill"
	kill -TERM $pid
	ends $pid 0
	# By default it is next to the key.
	start_node home $serve
	kill -TERM $pid
	ends $pid 0
	[ -f "$P2P_HOME/store.sqlite" ] || fail "no store next to the key"
	[ "$(stat -c %a "$P2P_HOME/store.sqlite")" = 600 ] || fail "its mode"
	# What is no store of ours is left as it is.
	head -c 5000 /dev/urandom >"$tmp/garbage"
	cp "$tmp/garbage" "$tmp/garbage.saved"
	expect 2 'garbage: not a database' $run server --store "$tmp/garbage"
	[ "$(count "$tmp/err" '^hint: ')" = 1 ] || fail "not one hint"
	expect 2 '"error":"format"' --json $run server --store "$tmp/garbage"
	cmp -s "$tmp/garbage" "$tmp/garbage.saved" || fail "garbage was changed"
else
	expect 2 'no SQLite' $run server --store "$tmp/kept.sqlite"
fi
echo "ok: the DHT of p2p-node"
