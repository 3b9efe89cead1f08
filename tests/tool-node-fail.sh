#!/bin/sh
# Goal: whatever goes wrong, p2p-node says what and why in the form asked for,
# and ends with the status of the contract.
. "$(dirname "$0")/tool.sh"
other=12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA

# both STATUS CODE TEXT ARGS...: as an error event, with nothing on stderr; and
# in words, with nothing on stdout
both() {
	want=$1 code=$2 text=$3
	shift 3
	expect "$want" "^{\"schema\":1,\"event\":\"error\",\"error\":\"$code\",\"message\":\".*$text" \
	    --json "$@"
	is_json "$tmp/out"
	[ -s "$tmp/err" ] && fail "p2p-node --json $*: talk on stderr"
	expect "$want" "$text" "$@"
	has "$tmp/err" "^p2p-node: .*: " || fail "p2p-node $*: no what: why"
	[ -s "$tmp/out" ] && fail "p2p-node $*: data on stdout"
	:
}
hint() { has "$tmp/err" "^hint: .*$1" || fail "no hint with $1"; }

# The command line.
both 2 usage 'pign: no such command' pign
hint 'did you mean ping?'
both 2 usage 'pnig: no such command' pnig
hint 'did you mean ping?'
both 2 usage '--lisetn=x: no such option' --lisetn=x
hint 'did you mean --listen?'
both 2 usage 'chekc: config wants' config chekc
hint 'did you mean config check?'
both 2 usage 'provdie: dht wants' dht provdie
hint 'did you mean dht provide?'
both 2 usage 'ident: no such command' ident
both 2 usage 'nonsense: no such command' nonsense
hint 'p2p-node --help'
both 2 usage '--frob: no such option' --frob
both 2 usage '-x: no such option' -x
both 2 usage '--key: wants a value' run --key
both 2 usage '-c: wants a value' ping -c
both 2 usage '--ephemeral=1: takes no value' run --ephemeral=1
both 2 usage '--serve: not an option of ping' ping --serve echo
both 2 usage '-c: not an option of run' -c 3
both 2 usage 'an argument is missing' ping
both 2 usage 'one argument too many' version now
both 2 usage '--timeout: not a number' ping --timeout x $other
both 2 usage '--timeout: must be more than 0' ping --timeout 0 $other
both 2 usage '-c: must be more than 0' ping -c 0 $other
both 2 usage '-c: not a number' ping -c -1 $other
both 2 usage '--streams: must be more than 0' perf --streams 0 $other
both 2 usage '--security: unknown name' run --security rot13
both 2 usage '--muxer: unknown name' run --muxer tls
both 2 usage '--security: an empty list' run --security ,
both 2 usage '--security: not in this build' run --ephemeral --security /x/1
both 2 usage '--muxer: not in this build' run --ephemeral --muxer /x/1
both 2 usage '--serve: knows echo' run --serve http
both 2 usage '--limit nonsense: no such limit' run --ephemeral \
    --limit streams-in=9 --limit nonsense=3
both 2 usage '--limit: values' run --ephemeral --limit connections=0 \
    --limit upgrades=0
both 2 usage '--limit connections=0: this value' run --ephemeral \
    --limit streams-in=9 --limit connections=0
both 2 usage '--limit handlers: wants NAME=VALUE' run --limit handlers
both 2 usage '--limit handlers=many: not a number' run --limit handlers=many
# The same words where a private network is forced.
printf '/key/swarm/psk/1.0.0/\n/base16/\n%064d\n' 0 >"$tmp/swarm.key"
if $node version --json | grep -q '"pnet"'; then
	forced="run --ephemeral --pnet $tmp/swarm.key"
	export LIBP2P_FORCE_PNET=1
	both 2 usage 'LIBP2P_FORCE_PNET: set' run --ephemeral
	both 2 usage '--limit foo: no such limit' $forced --limit foo=1
	both 2 usage '--limit connections=0: this value' $forced \
	    --limit streams-in=9 --limit connections=0
	both 2 usage '--muxer: not in this build' $forced --muxer /x/1
	both 2 usage '--security: not in this build' $forced --security /x/1
	expect 2 '"--security plaintext: not in a private' --json $forced \
	    --security plaintext
	unset LIBP2P_FORCE_PNET
fi
both 2 usage 'want --bytes' echo -c 3 $other
expect 2 'json.* want' echo --json $other

# Addresses and peers.
both 2 format '' ping nonsense
both 2 format '' maddr /ip4/1.2.3
both 2 format '' maddr 0x0400
both 2 usage 'not a peer id' peerid nonsense
both 2 format '/ip4/1.2.3' run --ephemeral -l /ip4/1.2.3
both 2 unsupported '' run --ephemeral -l /ip4/127.0.0.1/udp/0/quic-v1
both 2 no-peer '' ping /ip4/127.0.0.1/tcp/1
hint '--any-peer'
both 3 no-address '' ping $other
both 1 refused 'Connection refused' ping /ip4/127.0.0.1/tcp/1/p2p/$other
hint 'running'
for c in identify connect 'echo --bytes 1' perf; do
	both 1 refused '' $c /ip4/127.0.0.1/tcp/1/p2p/$other
done

start_node run --key "$tmp/run.key"
bare=${to%/p2p/*}
expect 1 '"error":"wrong-peer".*"expected":"'$other'","actual":"'"${to##*/}" \
    ping --json "$bare/p2p/$other"
fields "$tmp/out" error error message expected actual attempts
has "$tmp/out" '"attempts":\[{"address":"/ip4.*","stage":"security","error":"wrong-peer","time":0' ||
    fail "the attempt of a wrong peer"
expect 1 'dialed .* answered' ping "$bare/p2p/$other"
hint 'new id'
expect 0 ' 1 ok' ping -c 1 --any-peer "$bare"
both 1 no-protocol '' echo --bytes 1 "$to"
hint identify
both 1 no-protocol '' perf --upload-bytes 1 "$to"
printf x | $node echo "$to" >"$tmp/out" 2>"$tmp/err" && fail "echo of stdin"
hint identify
# One key, two nodes: they are the same peer.
start_node twin --key "$tmp/run.key" --connect "$to"
address_of run
until_holds 'has "$tmp/twin.out" "\"error\":\"self\""'
both 1 self '' ping --key "$tmp/run.key" "$to"
# The port of another.
both 1 address-in-use "$bare" run --ephemeral -l "$bare"
hint 'port 0'
# The default port is taken: a free one will do.  In a net of its own, where
# that can be had, as it is a fixed port.
if unshare -rn true 2>/dev/null; then
	mkfifo "$tmp/go"
	unshare -rn sh -c '"$0" run --json --ephemeral & first=$!
	"$0" run --json --ephemeral & second=$!
	read -r go
	kill $first $second
	wait $first && wait $second' "$node" <"$tmp/go" >"$tmp/net.out" \
	    2>"$tmp/net.err" &
	pid=$!
	pids="$pids $pid"
	exec 7>"$tmp/go"
	until_holds '[ "$(count "$tmp/net.out" "\"ready\"")" = 2 ]'
	echo >&7
	ends $pid 0
	exec 7>&-
	has "$tmp/net.err" '/tcp/4001: the port is busy, taking a free one' ||
	    fail "no notice of a busy port"
fi

# Key files.
both 2 not-found 'none.key' key show --key "$tmp/none.key"
$node key new --out "$tmp/k" >/dev/null || fail "key new"
cp "$tmp/k" "$tmp/k.saved"
both 1 exists 'already' key new --out "$tmp/k"
cmp -s "$tmp/k" "$tmp/k.saved" || fail "key new changed a file"
both 2 usage 'wants new or show' key make
both 2 usage '--type: knows' key new --type dsa --out "$tmp/l"
both 2 usage '--bits: from 2048' key new --type rsa --bits 512 --out "$tmp/l"
both 2 usage '--bits: is for rsa' key new --bits 2048 --out "$tmp/l"
both 2 system '' key new --out "$tmp/k/l"
[ -e "$tmp/l" ] && fail "a refused key was written"
chmod 644 "$tmp/k"
for c in "key show" id run "ping $to"; do
	both 2 key-file 'group\|others\|mode' $c --key "$tmp/k"
done
chmod 600 "$tmp/k"
printf x >>"$tmp/k"
both 2 key-file '' id --key "$tmp/k"
ln -s "$tmp/k.saved" "$tmp/link"
both 2 key-file '' id --key "$tmp/link"
(export P2P_HOME= XDG_DATA_HOME= HOME=; both 2 usage 'no HOME' id) || exit 1

# A stdout that takes nothing is an error, whatever the command.
for c in version "version --json" id --help "ping --json -c 1 $to" \
    "run --json --ephemeral -l /ip4/127.0.0.1/tcp/0" \
    "run --ephemeral -l /ip4/127.0.0.1/tcp/0"; do
	timeout 20 $node $c >/dev/full 2>"$tmp/err"
	[ $? = 1 ] || fail "p2p-node $c >/dev/full"
	has "$tmp/err" 'standard output: No space' || fail "$c: the reason"
	timeout 20 $node $c >&- 2>"$tmp/err"
	[ $? = 1 ] || fail "p2p-node $c >&-"
done
# Nor does run outlive its reader.
mkfifo "$tmp/pipe"
$node run --json --ephemeral -l /ip4/127.0.0.1/tcp/0 >"$tmp/pipe" \
    2>"$tmp/err" &
pid=$!
pids="$pids $pid"
head -n 1 <"$tmp/pipe" >"$tmp/out"
until_holds "ended $pid"
wait $pid && fail "run ended well with nobody to read it"
pids=$(echo " $pids " | sed "s/ $pid / /")
# A reader that does not read is no reason to stay.
mkfifo "$tmp/full"
exec 8<>"$tmp/full"
$node run --json --ephemeral -l /ip4/127.0.0.1/tcp/0 >"$tmp/full" \
    2>"$tmp/full.err" &
pid=$!
pids="$pids $pid"
read -r line <&8
to=${line#*'"address":"'}
$node connect -c 1000 --timeout 5 "${to%%'"'*}" >"$tmp/out" 2>"$tmp/err" &&
    fail "1000 connections, and the pipe was not full"
kill -TERM $pid
until_holds 'has "$tmp/full.err" "output: nobody reads it"' 6
# With the thread sanitizer, _exit(2) flushes stdout.
[ -n "${TSAN_OPTIONS-}" ] || ends $pid 1 6
exec 8>&-
echo "ok: the errors of p2p-node"
