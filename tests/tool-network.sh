#!/bin/sh
# Goal: what the tools offer, private networks, and looking inside: the options
# do what they say, and each start says what is less private by them.
. "$(dirname "$0")/tool.sh"
here=/ip4/127.0.0.1/tcp/0
fixed="--ephemeral --json -c 1"

# warned NAME PATTERN: stderr of the last command, or of a started one
warned() { grep -q -e "warning: $2" "$tmp/$1" || fail "no warning: $2"; }
silent() { ! grep -q warning "$tmp/$1" || fail "a warning: $1"; }
# agreed PATTERN ARGS...: connect says so
agreed() {
	pattern=$1
	shift
	$node connect --json "$@" >"$tmp/out" 2>"$tmp/err" </dev/null ||
	    fail "connect $*"
	grep -q "$pattern" "$tmp/out" || fail "connect $*: no $pattern"
}

# The dialer's preference decides; what is not named is not offered.
start_node any
silent any.err
agreed '"security":"/tls/1.0.0","muxer":"/yamux/1.0.0"' "$to"
silent err
agreed '"security":"/noise"' --security noise,tls "$to"
agreed '"security":"/noise"' --security /noise "$to"
expect 1 '"error":"no-protocol"' connect --json --security plaintext "$to"
warned err '--security plaintext: nothing is encrypted'
expect 1 '"error":"no-protocol"' connect --json --muxer mplex "$to"
expect 2 'unknown name in the list' connect --security secio "$to"
expect 2 'not in this build' connect --security /secio/1.0.0 "$to"
expect 2 'named twice' connect --security noise,noise "$to"
expect 2 'named twice' connect --muxer yamux,yamux "$to"
expect 2 'at most eight' connect --muxer /1,/2,/3,/4,/5,/6,/7,/8,/9 "$to"
expect 1 '^hint: it offers none of ours' connect --muxer mplex "$to"
expect 2 'an empty list' connect --security , "$to"
any=$to
start_node odd --security noise,plaintext --muxer mplex,yamux
warned odd.err '--security plaintext: nothing is encrypted'
agreed '"security":"/noise","muxer":"/yamux/1.0.0"' "$to"
agreed '"security":"/noise","muxer":"/mplex/6.7.0"' --muxer mplex "$to"
agreed '"security":"/plaintext/2.0.0"' --security plaintext "$to"
expect 0 '"received":1' ping $fixed --muxer mplex,yamux "$to"

# A private network: only who has its key, in any encoding.
key=6189c5cf0b87fb800c1a9feeda73c6ab5e998db48fb9e6a978575c770ceef683
printf '/key/swarm/psk/1.0.0/\n/base16/\n%s\n' $key >"$tmp/swarm.key"
printf '/key/swarm/psk/1.0.0/\r\n/base64/\r\n%s' \
    YYnFzwuH+4AMGp/u2nPGq16ZjbSPueapeFdcdwzu9oM= >"$tmp/same.key"
printf '/key/swarm/psk/1.0.0/\n/base16/\n%s\n' $(echo $key | tr 6 7) \
    >"$tmp/other.key"
echo nonsense >"$tmp/bad.key"
if $node version | grep -q ' pnet '; then
	start_node private --pnet "$tmp/swarm.key"
	silent private.err
	agreed '"security":"/tls/1.0.0"' --pnet "$tmp/swarm.key" "$to"
	agreed '"security":"/noise"' --pnet "$tmp/same.key" --security noise \
	    "$to"
	LIBP2P_FORCE_PNET=1 expect 0 '"received":1' ping $fixed \
	    --pnet "$tmp/swarm.key" "$to"
	for without in "--pnet $tmp/other.key" ""; do
		# Garbage: which end sees it first is not known.
		expect 1 '"error":"\(protocol\|disconnected\|reset\)"' \
		    connect --json $without "$to"
	done
	expect 2 'not in a private network' connect \
	    --security noise,plaintext --pnet "$tmp/swarm.key" "$to"
	expect 1 '^hint: no libp2p there, or in another private' \
	    connect "$to"
	expect 2 'not a swarm.key file' connect --pnet "$tmp/bad.key" "$to"
	expect 2 'none: No such file' connect --pnet "$tmp/none" "$to"
else
	expect 2 'no libsodium' connect --pnet "$tmp/swarm.key" "$any"
fi
for force in run connect; do
	LIBP2P_FORCE_PNET=1 expect 2 'LIBP2P_FORCE_PNET: set, but' $force \
	    $([ $force = run ] || echo "$any")
done
LIBP2P_FORCE_PNET=0 agreed '"event":"connected"' "$any"

# What is inside, for who asks: appended, for the owner alone, with a warning.
umask 0
agreed '"event":"connected"' --capture "$tmp/cap" "$any"
warned err "$tmp/cap: all that is sent and received goes"
expect 0 '"received":1' ping $fixed --security noise --capture "$tmp/cap" \
    "$any"
[ "$(stat -c %a "$tmp/cap")" = 600 ] || fail "the mode of a capture"
[ "$(count "$tmp/cap" ' > begins: dialed, ')" = 2 ] || fail "two beginnings"
[ "$(count "$tmp/cap" ' - is over$')" = 2 ] || fail "two ends"
has "$tmp/cap" ' > | .*/ipfs/ping/1.0.0\\n$' || fail "no ping in the capture"
! LC_ALL=C grep -q '[^ -~]' "$tmp/cap" || fail "no text in the capture"
export SSLKEYLOGFILE="$tmp/keys"
agreed '/noise' --security noise "$any"
warned err "$tmp/keys: the secrets of all connections go"
agreed '/tls/1.0.0' "$any"
unset SSLKEYLOGFILE
[ "$(stat -c %a "$tmp/keys")" = 600 ] || fail "the mode of a key log"
hex64='[0-9a-f]\{64\}'
for label in NOISE_DIALER_KEY NOISE_LISTENER_KEY CLIENT_TRAFFIC_SECRET_0 \
    SERVER_TRAFFIC_SECRET_0 CLIENT_HANDSHAKE_TRAFFIC_SECRET; do
	has "$tmp/keys" "^$label $hex64 [0-9a-f]\{64,96\}\$" ||
	    fail "no $label in the key log"
done
chmod 644 "$tmp/cap"
agreed '"event":"connected"' --capture "$tmp/cap" "$any"
warned err "$tmp/cap: others may read this file"
mkfifo "$tmp/pipe"
for odd in "$tmp/pipe" "$tmp" /dev/null; do
	expect 2 '^hint: name a file' connect --capture "$odd" "$any"
done
expect 2 'nowhere/cap: No such file' connect --capture "$tmp/nowhere/cap" "$any"
SSLKEYLOGFILE=$tmp/nowhere/keys expect 2 'nowhere/keys: No such file' \
    connect "$any"
[ ! -e "$tmp/nowhere" ] || fail "a directory was made"

# The chat takes the same options.
$chat --json -l $here --security noise --muxer mplex --capture "$tmp/chat.cap" \
    <"/dev/null" --linger 0 >"$tmp/chat.out" 2>"$tmp/chat.err" ||
    fail "a chat with options"
warned chat.err "$tmp/chat.cap: all that"
echo "ok: what is offered, private networks, looking inside"
