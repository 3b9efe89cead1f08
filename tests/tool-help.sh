#!/bin/sh
# Goal: the options of the contract (spec cli.md), of --help and of the manual
# are the same ones, command by command.
. "$(dirname "$0")/tool.sh"
man=$(dirname "$0")/../man

# As the contract has them; -h and what a contract need not say are extra.
common='--json --help --version --color'
shot='--timeout'
dht='--bootstrap --network --allow-private'
peer="--key --ephemeral --security --muxer --pnet --capture --limit --any-peer
$dht"
run="-l --listen $peer --serve --connect --dht --namespace --store --provide
--log --config"
of() {
	case $1 in
	run|doctor) echo $run $common ;;
	config) echo $run --origin $common ;;
	demo) echo --limit $common $shot ;;
	dht) echo -l --listen $peer --namespace --trace -n $common $shot ;;
	id) echo --key $common $shot ;;
	key) echo --key --type --out --bits $common $shot ;;
	ping) echo -c -i $peer $common $shot ;;
	identify) echo $peer $common $shot ;;
	connect) echo -c --parallel --hold $peer $common $shot ;;
	echo) echo --bytes --streams --chunk -c $peer $common $shot ;;
	perf) echo --upload-bytes --download-bytes --streams --chunk $peer \
	    $common $shot ;;
	maddr|peerid|version) echo $common $shot ;;
	chat) echo -l --listen -c --connect -n --nick --key --ephemeral \
	    --security --muxer --pnet --capture --json --plain --linger --color \
	    --framing --version --help ;;
	esac
}
commands='run id key ping identify connect echo perf dht maddr peerid demo doctor config
version'

# words: the options of a text, one a line, but -h
words() { grep -o -e '-\(-[a-z][a-z-]*\|[a-z]\)\>' | grep -vx -e -h | sort -u; }
# the options that begin a line of help
help_of() { sed -n 's/^  \(-.*[^ ]\)   *[^ ].*/\1/p' | sed 's/ [A-Z=]*$//' | words; }
# the options a page has: .Fl of items and text
man_of() {
	grep '^\.\(It\|Fl\)' "$1" | grep -o 'Fl [^ ]*' | sed 's/Fl /-/' | words
}
same() {
	diff "$tmp/$1" "$tmp/$2" >"$tmp/diff.out" || fail "$3"
}

for c in $commands; do
	of $c | tr ' ' '\n' | sort -u >"$tmp/want.out"
	$node $c --help >"$tmp/$c.help" || fail "$c --help"
	help_of <"$tmp/$c.help" >"$tmp/help.out"
	same want.out help.out "p2p-node $c --help and the contract"
	cat "$tmp/want.out" >>"$tmp/all"
	$node --help | grep -q "^  $c " || fail "--help without $c"
	grep -q "^\.It Cm $c" "$man/p2p-node.1" || fail "p2p-node.1 without $c"
done
$node --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' >"$tmp/commands.out"
[ "$(tr '\n' ' ' <"$tmp/commands.out")" = "$(echo $commands) " ] || fail "the commands"
for v in find-peer closest put get provide providers table; do
	grep -q "^  $v " "$tmp/dht.help" || fail "dht --help without $v"
	grep -q "^\.It Cm dht $v" "$man/p2p-node.1" || fail "p2p-node.1 without $v"
done
for v in show check path; do
	grep -q "^  $v " "$tmp/config.help" || fail "config --help without $v"
	grep -q "^\.It Cm config $v" "$man/p2p-node.1" ||
	    fail "p2p-node.1 without config $v"
done
# The keys: options of run, but those of the call; as they are shown, with a
# variable each, and in their page.
$node config show --json | sed 's/.*"key":"\([^"]*\)".*/\1/' | sort -u \
    >"$tmp/key.out"
of run | tr ' ' '\n' | sort -u |
    grep -vx -e '-l\|--json\|--help\|--version\|--color\|--config' |
    sed 's/^--//' >"$tmp/want.out"
same want.out key.out "the keys and the options of run"
sed -n 's/^\.It Ic \([a-z-]*\) = .*/\1/p' "$man/p2p-node.conf.5" \
    >"$tmp/page.out"
same key.out page.out "the keys and p2p-node.conf.5"
while read -r k; do
	env "P2P_$(echo $k | tr a-z- A-Z_)=-" $node config show --json \
	    >"$tmp/env.out" 2>&1
	has "$tmp/env.out" "P2P_$(echo $k | tr a-z- A-Z_)[:\"]" ||
	    fail "no variable of $k"
done <"$tmp/key.out"
# Defaults of the page and of the table.
for k in allow-private any-peer bootstrap dht ephemeral log muxer network \
    security; do
	d=$(sed -n "s/^$k = //p" <<-EOF
		$($node config show)
	EOF
	)
	sed -n "/^\.It Ic $k = /,/^\.It\|^\.El/p" "$man/p2p-node.conf.5" |
	    grep -q "($d)" || fail "p2p-node.conf.5: the default of $k"
done

[ "$(wc -L <"$tmp/dht.help")" -le 80 ] || fail "dht --help is wider than 80"
sort -u "$tmp/all" >"$tmp/want.out"
$node --help | help_of >"$tmp/help.out"
same want.out help.out "p2p-node --help and the contract"
man_of "$man/p2p-node.1" >"$tmp/man.out"
same want.out man.out "p2p-node.1 and the contract"

of chat | tr ' ' '\n' | sort -u >"$tmp/want.out"
$chat --help | help_of >"$tmp/help.out"
same want.out help.out "p2p-chat --help and the contract"
man_of "$man/p2p-chat.1" >"$tmp/man.out"
same want.out man.out "p2p-chat.1 and the contract"

# The events and their fields stand in the manual too.
event() {
	page=$1 event=$2
	shift 2
	grep "^\.It $event Ta" "$man/$page.1" >"$tmp/event.out" ||
	    fail "$page.1 without $event"
	for f in "$@"; do
		grep -q "[ ,;]$f\([ ,;]\|\$\)" "$tmp/event.out" ||
		    fail "$page.1: $event without $f"
	done
}
event p2p-node listening address
event p2p-node ready peerId limits
event p2p-node connected peer address direction security muxer time
event p2p-node disconnected peer address direction security muxer reason \
    initiator
event p2p-node stopped refused
event p2p-node id peerId peerIdCid publicKey keyType
event p2p-node key peerId keyType path
event p2p-node ping seq time
event p2p-node summary sent received min avg max p50 p99
event p2p-node summary count failed perSecond p50 p99
event p2p-node identify peerId protocolVersion agentVersion protocols \
    listenAddresses observedAddress publicKeyType signedRecord address \
    security muxer
event p2p-node echo bytes streams time identical
event p2p-node perf type timeSeconds uploadBytes downloadBytes
event p2p-node bootstrap peers table time
event p2p-node provided cid peers
event p2p-node hop peer distance hops time error
event p2p-node peer peerId addresses
event p2p-node provider peerId addresses
event p2p-node value key value hex
event p2p-node bucket prefix peers stale
event p2p-node summary asked failed hops found stored refused crowded time
event p2p-node check name status detail hint time
event p2p-node summary ok warn fail time
event p2p-node config key value origin
event p2p-node checked path found settings
event p2p-node path path
event p2p-node reloaded changed ignored
event p2p-node maddr text hex parts
event p2p-node peerid base58 cid hex keyType
event p2p-node version version features
event p2p-node error error message expected actual attempts
event p2p-chat listening address
event p2p-chat joined peer nick address
event p2p-chat left peer reason
event p2p-chat message peer nick text direction
event p2p-chat notice text
event p2p-chat error error message
echo "ok: contract, help and manual agree"
