#!/bin/sh
# Goal: each text of an error in tools/ is seen once, with its status, as an
# event and in words; what cannot be provoked here is listed with the reason,
# and nothing else is missing.
. "$(dirname "$0")/tool.sh"
src=$(dirname "$0")/../tools
here=/ip4/127.0.0.1/tcp/0
other=12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA
nobody=/ip4/127.0.0.1/tcp/1/p2p/$other
cid=QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n
: >"$tmp/said"

# err STATUS CODE TEXT ARGS...: by p2p-node, twice
err() { tool=$node; both "$@"; }
chat() { tool=$chat; both "$@"; }
both() {
	want=$1 code=$2 text=$3
	shift 3
	timeout 20 $tool --json "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	[ $got = "$want" ] || fail "$*: exit $got, not $want"
	has "$tmp/out" "\"error\":\"$code\",\"message\":\".*$text" ||
	    fail "$*: no $code with $text"
	is_json "$tmp/out"
	grep '"event":"error"' "$tmp/out" >>"$tmp/said"
	timeout 20 $tool "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	[ $got = "$want" ] || fail "$*: exit $got in words, not $want"
	has "$tmp/err" "$text" || fail "$*: no $text in words"
	cat "$tmp/err" >>"$tmp/said"
}

# The command line.
err 2 usage 'pign: no such command' pign
err 2 usage '--frob: no such option' --frob
err 2 usage '-x: no such option' -x
err 2 usage '--key: wants a value' run --key
err 2 usage '-c: wants a value' ping -c
err 2 usage '--ephemeral=1: takes no value' run --ephemeral=1
err 2 usage '--serve: not an option of ping' ping --serve echo x
err 2 usage 'ping: an argument is missing' ping
err 2 usage 'now: one argument too many' version now
err 2 usage 'x: one argument too many' config show x
err 2 usage '--timeout: not a number of seconds' ping --timeout x $other
err 2 usage '--timeout: must be more than 0' ping --timeout 0 $other
err 2 usage '-c: not a number in range' ping -c -1 $other
err 2 usage '--color: auto, always or never' --color=maybe
err 2 usage '--log: off, error, warn, info or debug' run --log loud
err 2 usage '--security: unknown name in the list' run --security rot13
err 2 usage '--muxer: an empty list' run --muxer ,
err 2 usage '--serve: knows echo and perf' run --serve http
err 2 usage '--limit x: wants NAME=VALUE' run --limit x
err 2 usage '--limit handlers=8: has another value already' run \
    --limit handlers=7 --limit handlers=8
err 2 usage '--limit x: no such limit' run --ephemeral --limit x=1
err 2 usage '--limit: values that are out of range, or do not go together' \
    run --ephemeral --limit connections=0 --limit upgrades=0
err 2 usage '--limit connections=0: this value is out of range' run \
    --ephemeral --limit connections=0
err 2 usage '--connect: too many' run $(yes -- "--connect $other" | head -n 33)
err 2 usage '--security: not in this build, or named twice' run --ephemeral \
    --security /x/1
err 2 usage '--muxer: not in this build, or named twice' run --ephemeral \
    --muxer yamux,yamux
err 2 usage '--security, --muxer: at most eight names each' run --ephemeral \
    --muxer /1,/2,/3,/4,/5,/6,/7,/8,/9
err 2 usage 'echo: --json, -c and --streams want --bytes' echo -c 3 $other
(export LIBP2P_FORCE_PNET=1
err 2 usage 'LIBP2P_FORCE_PNET: set, but no private network is given' \
    run --ephemeral) || exit 1
(export P2P_HOME= XDG_DATA_HOME= XDG_CONFIG_HOME= HOME=
err 2 usage 'home: no HOME is set' id
err 2 usage 'config: no HOME is set' config path) || exit 1

# The configuration; see tool-config.sh for its texts on their lines.
err 2 usage 'frob: config wants show, check or path' config frob
conf() { printf "$2" >"$tmp/x.conf"; err 2 usage "$1" config check "$tmp/x.conf"; }
conf 'lisetn: no such key' 'lisetn = x\n'
conf 'is not: key = value' 'x\n'
conf 'no value behind =' 'key =\n'
conf 'a control character' 'key = \033\n'
conf 'is on line 1 already' 'dht = off\ndht = off\n'
conf 'is yes or no' 'ephemeral = x\n'
conf 'not an address' 'listen = x\n'
conf 'the address names no peer' 'bootstrap = /ip4/1.2.3.4/tcp/1\n'
conf 'off, client, server or auto' 'dht = x\n'
conf 'ipfs, lan, or a protocol id' 'network = x\n'
conf 'not a CID' 'provide = x\n'
conf 'no such limit' 'limit = x=1\n'
conf 'too many settings' "$(yes 'serve = echo' | head -n 257)"
head -c 65537 /dev/zero >"$tmp/x.conf"
err 2 usage 'too large' config check "$tmp/x.conf"
: >"$tmp/x.conf"; chmod g+w "$tmp/x.conf"
err 2 usage 'group or others may write it' config check "$tmp/x.conf"
err 2 usage 'not a regular file' config check "$tmp"

# Keys, addresses, ids.
err 2 usage 'make: key wants new or show' key make
err 2 usage '--type: knows ed25519, secp256k1, ecdsa, rsa' key new --type x
err 2 usage '--bits: is for rsa' key new --bits 2048
err 2 usage '--bits: from 2048 to 8192' key new --type rsa --bits 512
err 2 system '' key new --out /dev/null/x
$node key new --out "$tmp/k" >"$tmp/key.out" || fail "key new"
err 1 exists "$tmp/k: " key new --out "$tmp/k"
cp "$tmp/k" "$tmp/open"; chmod 644 "$tmp/open"
err 2 key-file "$tmp/open: " key show --key "$tmp/open"
err 2 key-file "$tmp/open: " id --key "$tmp/open"
err 2 format nonsense maddr nonsense
err 2 usage 'nonsense: not a peer id' peerid nonsense
err 2 format nonsense ping nonsense
err 2 no-peer /ip4/127.0.0.1/tcp/1 ping /ip4/127.0.0.1/tcp/1
err 3 no-address $other ping $other
for c in ping identify connect 'connect -c 2' 'echo --bytes 1' perf; do
	err 1 refused "$nobody: " $c $nobody
done
err 2 format /ip4/1 run --ephemeral -l /ip4/1
err 2 format /ip4/1 dht --bootstrap $nobody -l /ip4/1 get /pk/$other

# Private networks and what looks inside.
err 2 usage "$tmp/none: " ping --pnet "$tmp/none" $nobody
err 2 usage 'not a swarm.key file' ping --pnet "$tmp/key.out" $nobody
printf '/key/swarm/psk/1.0.0/\n/base16/\n%064d\n' 0 >"$tmp/swarm.key"
chmod o+w "$tmp/swarm.key"
err 2 usage 'not safe to use' ping --pnet "$tmp/swarm.key" $nobody
chmod o-w "$tmp/swarm.key"
err 2 usage "$tmp/none/x: " ping --capture "$tmp/none/x" $nobody
err 2 usage '/dev/null: no regular file' ping --capture /dev/null $nobody
if $node version | grep -q ' pnet '; then
	err 2 usage '--security plaintext: not in a private network' run \
	    --ephemeral --security plaintext --pnet "$tmp/swarm.key"
else
	err 2 usage '--pnet: not in this build, which has no libsodium' run \
	    --ephemeral --pnet "$tmp/swarm.key"
fi

# Peers that answer otherwise; the deadline.
start_node run --ephemeral --dht server --network /x/kad/1.0.0 --allow-private
bare=${to%/p2p/*}
err 1 wrong-peer "$bare" ping "$bare/p2p/$other"
err 1 no-protocol 'echo: ' echo --bytes 1 "$to"
err 1 no-protocol 'perf: ' perf --upload-bytes 1 "$to"
err 1 address-in-use "$bare: " run --ephemeral -l "$bare"
err 4 timeout 'hold: ' connect --hold 9 --timeout 0.5 "$to"
err 4 timeout 'connect: ' connect -c 100000000 --timeout 0.5 "$to"
mkfifo "$tmp/stay"
exec 9<>"$tmp/stay"
$raw silent /ipfs/ping/1.0.0 <"$tmp/stay" >"$tmp/raw.out" 2>"$tmp/raw.err" &
raw_pid=$!
pids="$pids $raw_pid"
until_holds 'has "$tmp/raw.out" listening'
dht_to=$to
address_of raw
err 4 timeout 'ping: ' ping --timeout 0.5 "$to"

# The DHT.
net="--network /x/kad/1.0.0 --allow-private"
d="$net --bootstrap $dht_to"
err 2 usage 'dht wants find-peer, closest' dht frob
err 2 usage 'get: is: dht get KEY' dht get
err 2 usage 'dht: nobody to ask' dht get /pk/$other
err 2 usage '--network: one at a time' dht $d --network lan get /pk/$other
err 2 usage 'provide: nobody could come' dht $d provide $cid
err 2 usage 'x: not a peer id' dht $d find-peer x
err 2 usage '0xg: not a key in hex' dht $d get 0xg
err 2 usage 'KEY: has 1 to 256 bytes' dht $d get ""
err 2 usage 'VALUE: not a value in hex' dht $d put /x/a 0xg
err 2 usage 'VALUE: too large for a record' dht $d put /x/a \
    "$(head -c 65537 /dev/zero | tr '\0' x)"
head -c 65537 /dev/zero >"$tmp/big"
err 2 usage "$tmp/big: too large for a record" dht $d put /x/a "@$tmp/big"
err 2 usage "$tmp: not a regular file" dht $d put /x/a "@$tmp"
err 2 usage "$tmp/none: " dht $d put /x/a "@$tmp/none"
err 2 usage 'x: not a CID' dht $d providers x
err 2 usage '--bootstrap: not an address' dht --bootstrap x get /pk/$other
err 2 usage '--bootstrap: the address names no peer' dht --bootstrap $bare \
    get /pk/$other
err 2 usage '--network: no such network' dht --network x --bootstrap \
    $dht_to get /pk/$other
err 2 usage 'no name of a protocol, or of a namespace' dht $d --namespace \
    a/b get /pk/$other
err 2 usage '--network, --namespace: twice the same' dht $d --namespace a \
    --namespace a get /pk/$other
err 2 usage '--namespace: too many' dht $d $(seq -f '--namespace n%g' 15) \
    get /pk/$other
err 2 usage 'no rule for this namespace' dht $d get /x/a
err 2 usage 'no such record, or key' dht $d put /pk/$other x
err 3 not-found /ipns/ dht $d get /ipns/$other
err 3 not-found "$other: " dht $d find-peer $other
err 3 not-found "$cid: " dht $d providers $cid
err 3 not-found "$other: " ping $d $other
err 1 unreachable 'bootstrap: ' dht $net --bootstrap $nobody get /pk/$other
err 2 usage 'bootstrap: who answered has no address that counts' dht \
    --network /x/kad/1.0.0 --bootstrap $dht_to get /pk/$other
run="run --ephemeral -l $here"
err 2 usage '--dht: off, client, server or auto' $run --dht x
err 2 usage '--dht: is off' $run --provide $cid
err 2 usage '--network: twice the same' $run --dht client --network lan \
    --network lan
err 2 usage 'a server wants at least 64 inbound' $run --dht server \
    --limit connections-in=9
if $node version | grep -q sqlite; then
	echo nonsense >"$tmp/store"
	chmod 600 "$tmp/store"
	err 2 format "$tmp/store: " $run --dht client --store "$tmp/store"
else
	err 2 usage '--store: not in this build' $run --dht client \
	    --store "$tmp/store"
fi

# What is given by a running node, and is no end of it.
start_node ends --ephemeral --dht client --provide $cid --connect $nobody \
    --network /x/kad/1.0.0 --bootstrap $dht_to
until_holds 'has "$tmp/ends.out" "nobody could come: no address of ours counts"'
has "$tmp/ends.out" '"error":"refused","message":"'$nobody || fail "--connect"
cat "$tmp/ends.out" >>"$tmp/said"

# What the chat has in common, and its own.
chat 2 usage '--frob: no such option' --frob
chat 2 usage '-l: wants a value' -l
chat 2 usage 'x: no such argument' x
chat 2 usage '--nick: ' --nick ''
chat 2 usage '--linger: not a number of seconds' --linger x
chat 2 format /ip4/1 -l /ip4/1
chat 2 usage '--security: unknown name in the list' --security rot13
chat 2 usage '--muxer: an empty list' --muxer ,
chat 2 key-file "$tmp/open: " --key "$tmp/open"
chat 2 usage '--listen: too many' $(yes -- "-l $here" | head -n 33)

# With the words of the library, and not provoked here: no memory (options,
# VALUE, ping, echo, dht, connect, reload), no thread (start, connect), no
# descriptor for a pipe, a host that does not stop, a key that cannot be made.
# Every text that the sources have for it: said above, or here with the reason.
cat >"$tmp/not" <<'EOF'
nothing is listened on	run listens before, or ends
not in this build, which has no SQLite	only of a build without it
not in this build, which has no libsodium	only of a build without it
not in a private network	only of a build with libsodium
the port is busy, taking a free one	port 4001: tool-node-fail.sh, in a net of its own
needs a restart	tool-reload.sh
no such variable	a warning: tool-config.sh
nothing was changed	tool-reload.sh
EOF
perl -0777 -ne '
	sub texts { my $s = shift; my @t;
		while ($s =~ /((?:"(?:[^"\\]|\\.)*"\s*)+)/g) {
			my $t = $1; $t =~ s/"\s*"//g; $t =~ s/^"|"\s*$//g;
			push @t, $t;
		}
		return @t;
	}
	# The second argument of these calls.
	while (/tool_(?:usage|usage_hint|say)(\((?:[^()"]|"(?:[^"\\]|\\.)*"|(?1))*\))/g) {
		my ($a, $depth, $n, $arg) = (substr($1, 1, -1), 0, 0, "");
		while ($a =~ /("(?:[^"\\]|\\.)*"|.)/gs) {
			my $c = $1;
			$depth++ if $c eq "(";
			$depth-- if $c eq ")";
			if ($c eq "," && $depth == 0) { $n++; next }
			$arg .= $c if $n == 1;
		}
		print "$_\n" for texts($arg);
	}
	# What functions of values and files answer.
	if ($ARGV =~ /node_take|conf\.c|tool_net/) {
		while (/(?:return|\*why =)([^;]*);/g) { print "$_\n" for texts($1) }
	}
	print "$1\n" while /#define (?:TOOL_NO|TOOL_TOO|NOT_)\w*\s+"([^"]*)"/g;
' "$src"/node_*.c "$src"/tool*.[ch] "$src"/conf.c | sort -u >"$tmp/texts"
lines "$tmp/texts" 60 || fail "the texts were not found in the sources"
while read -r t; do
	grep -qF -e "$t" "$tmp/said" && seen=1 || seen=0
	grep -qF -e "$t	" "$tmp/not" && listed=1 || listed=0
	[ $seen$listed != 00 ] || { echo "never said: $t"; bad=1; }
done <"$tmp/texts"
[ -z "${bad-}" ] || fail "texts that nobody has seen"
while IFS='	' read -r t why; do
	grep -qxF -e "$t" "$tmp/texts" || fail "no such text any more: $t"
done <"$tmp/not"
echo "ok: $(wc -l <"$tmp/texts") texts of errors"
