#!/bin/sh
# Goal: each C example of the manual compiles against the library, runs, and
# does what its page says; an example that nobody has thought of here fails.
. "$(dirname "$0")/tool.sh"
top=$(dirname "$0")/..
. "$top/tests/examples.sh"
abs=$(cd "$top" && pwd)

# build NAME: tests the example in $tmp/ex/NAME.c
build() {
	"${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L ${CFLAGS-} -Wall \
	    -Wextra -Werror -I"$abs/libp2p/include" -c -o "$tmp/$1.o" \
	    "$tmp/ex/$1.c" >"$tmp/cc.out" 2>&1 || fail "$1 does not compile"
	./libtool --silent --tag=CC --mode=link "${CC:-cc}" ${CFLAGS-} \
	    -o "$tmp/$1" "$tmp/$1.o" libp2p/libp2p.la >"$tmp/cc.out" 2>&1 ||
	    fail "$1 does not link"
}

# runs NAME PATTERN ARGS...: it ends well, and a line fits
runs() { ends_with 0 "$@"; }
# ends_with STATUS NAME PATTERN ARGS...
ends_with() {
	want=$1 name=$2 pattern=$3
	shift 3
	build "$name"
	(cd "$tmp" && "./$name" "$@" >"$name.out" 2>"$name.err" </dev/null)
	got=$?
	[ $got = "$want" ] || fail "$name $*: exit $got, not $want"
	[ -z "$pattern" ] || cat "$tmp/$name.out" "$tmp/$name.err" | grep -q -e "$pattern" ||
	    fail "$name $*: no $pattern"
	done="$done $name"
}

# waits NAME: it runs until its input, $tmp/NAME.in, ends; sets pid
waits() {
	build "$1"
	mkfifo "$tmp/$1.in"
	"$tmp/$1" >"$tmp/$1.out" 2>"$tmp/$1.err" <"$tmp/$1.in" &
	pid=$!
	pids="$pids $pid"
	exec 9>"$tmp/$1.in"
	done="$done $1"
}

[ -x ./libtool ] || fail "no ./libtool here: run it in the build tree"
done=
examples "$abs/man" "$tmp/ex"
cid=bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku
start_node peer --ephemeral --serve echo,perf --dht server \
    --network /x/kad/1.0.0 --allow-private

runs p2p-1 '^[0-9][0-9]* us over /ip4/127.0.0.1/' "$to"
waits p2p-2
until_holds 'has "$tmp/p2p-2.out" /p2p/'
"$tmp/p2p-2" "$(cat "$tmp/p2p-2.out")" 'hello you' >"$tmp/upper.out" ||
    fail "p2p-2: the client failed"
has "$tmp/upper.out" '^HELLO YOU$' || fail "p2p-2: another answer"
kill -INT "$pid"
ends "$pid" 0
exec 9>&-
runs p2p_error-1 '^-1001 '
waits p2p_host-1
until_holds 'has "$tmp/p2p_host-1.out" /p2p/'
runs p2p_stream-1 '^to and fro$' "$(cat "$tmp/p2p_host-1.out")" 'to and fro'
exec 9>&-
ends "$pid" 0
ends_with 1 p2p_host-2 '/ip4/127.0.0.1/tcp/.*refused' \
    "$(cat "$tmp/p2p_host-1.out")"
runs p2p_identify-1 '^sees us at: /ip4/127.0.0.1/tcp/' "$to"
runs p2p_kad-1 ' is at /ip4/127.0.0.1/tcp/' "$to" "$cid"
runs p2p_key-1 '^12D3KooW'
runs p2p_key-1 "^$(cat "$tmp/p2p_key-1.out")\$"
waits p2p_log-1
until_holds 'has "$tmp/p2p_log-1.out" /tcp/'
$node ping --any-peer --ephemeral --security noise --muxer mplex -c 1 \
    "$(cat "$tmp/p2p_log-1.out")" >"$tmp/ping.out" 2>"$tmp/ping.err" &&
    fail "a muxer that was not offered was accepted"
until_holds 'has "$tmp/p2p_log-1.err" "^<[0-9]> swarm: inbound from /ip4/"'
exec 9>&-
ends "$pid" 0
runs p2p_multiaddr-1 '^tcp	4001$'
runs p2p_peer_id-1 '^bafzbei'
runs p2p_peerstore-1 '/ipfs/ping/1.0.0' "$to"
runs p2p_perf-1 '^[0-9.]* MB/s$' "$to"
runs p2p_ping-1 '^[0-9.]* ms$' "$to"
runs p2p_pnet-1 '^/key/swarm/psk/1.0.0/$'
runs p2p_record-1 '^/ipfs/bafkqaaa$'
runs p2p_record-2 ''
runs p2p_store-1 '^1$'
runs p2p_store-1 '^2$'
runs p2p_text-1 'columns)$'
runs p2p_version-1 '^libp2p [0-9]'

for f in "$tmp"/ex/*.c; do
	name=$(basename "$f" .c)
	case " $done " in
	*" $name "*) ;;
	*) fail "$name: an example that was not run" ;;
	esac
done
