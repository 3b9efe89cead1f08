#!/bin/sh
# Goal: flags, environment, file and defaults, in this order; a file that is
# wrong in any way is refused with its line; no byte of it drives a terminal.
. "$(dirname "$0")/tool.sh"
here=/ip4/127.0.0.1/tcp/0
peer=12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA
mkdir "$P2P_HOME"
conf=$P2P_HOME/p2p-node.conf
unset XDG_CONFIG_HOME

# origin KEY VALUE ORIGIN [ARGS...]: what holds, and where it was said
origin() {
	want="\"key\":\"$1\",\"value\":$2,\"origin\":\"$3\"}"
	shift 3
	$node config show --json "$@" >"$tmp/out" 2>"$tmp/err" ||
	    fail "config show $*"
	is_json "$tmp/out"
	has "$tmp/out" "$want" || fail "config show $*: no $want"
}

# No file is fine, unless it was named.
origin dht '"off"' default
origin serve null default
expect 0 'no file there' config check
expect 2 "$tmp/none: No such file" config check "$tmp/none"
expect 2 "$tmp/none: No such file" config show --config "$tmp/none"
expect 2 "$tmp/none: No such file" run --config "$tmp/none"
expect 0 "^$conf\$" config path
for where in "XDG_CONFIG_HOME=/x /x/p2p/p2p-node.conf" \
    "HOME=/y /y/.config/p2p/p2p-node.conf"; do
	[ "$(env -u P2P_HOME ${where% *} $node config path)" = "${where#* }" ] ||
	    fail "config path: $where"
done
env -u P2P_HOME -u HOME $node config path 2>"$tmp/err" && fail "a path of nowhere"

# The order; lists come as a whole.
cat >"$conf" <<EOF
# a comment

   dht	=  server   # behind a blank
listen = /ip4/127.0.0.1/tcp/1
listen=/ip4/127.0.0.1/tcp/2#3
limit = handlers=7
allow-private = yes
EOF
sed -i '5s/#3/	 # tab/; $s/$/\r/' "$conf"
origin dht '"server"' "$conf:3"
origin listen '"/ip4/127.0.0.1/tcp/1"' "$conf:4"
origin listen '"/ip4/127.0.0.1/tcp/2"' "$conf:5"
origin allow-private '"yes"' "$conf:7"
P2P_DHT=auto origin dht '"auto"' P2P_DHT
P2P_DHT=auto origin dht '"client"' flag --dht client
P2P_DHT= origin dht '"server"' "$conf:3"
P2P_ALLOW_PRIVATE=no origin allow-private '"no"' P2P_ALLOW_PRIVATE
P2P_ALLOW_PRIVATE=no origin allow-private '"yes"' flag --allow-private
P2P_LISTEN=" /ip6/::1/tcp/1	/ip6/::1/tcp/2 " origin listen \
    '"/ip6/::1/tcp/2"' P2P_LISTEN
[ "$(count "$tmp/out" '"key":"listen"')" = 2 ] || fail "lists were mixed"
origin listen '"/ip4/127.0.0.1/tcp/9"' flag -l /ip4/127.0.0.1/tcp/9
[ "$(count "$tmp/out" '"key":"listen"')" = 1 ] || fail "lists were mixed"
origin limit '"handlers=7"' "$conf:6" --config "$conf"
P2P_LISTN=x expect 0 '^p2p-node: P2P_LISTN: no such variable' config show
has "$tmp/err" '^hint: did you mean P2P_LISTEN?' || fail "no hint of a variable"
P2P_NAME=x P2P_NONSENSE=x P2P_LOG=off expect 0 'log = off' config show
[ -s "$tmp/err" ] && fail "talk of variables that are nothing of ours"
P2P_LISTEN=nonsense expect 2 "^p2p-node: P2P_LISTEN: not an address" config show
expect 0 '^limit = handlers=7  # .*:6$' config show --origin
expect 0 '^# serve =$' config show

# What is shown can be read again, with its origins, and is the same.
$node config show >"$tmp/a.conf" || fail "show"
$node config show --origin >"$tmp/b.conf" || fail "show --origin"
for f in a b; do
	P2P_HOME=$tmp/nowhere $node config show --config "$tmp/$f.conf" |
	    cmp -s - "$tmp/a.conf" || fail "show is not what was read: $f"
done
expect 0 "^$conf: is right, 5 settings" config check
expect 0 '"checked","path":".*","found":true,"settings":5}' config check --json

# wrong LINE WHY TEXT: a file of that text (as of printf) is refused, by all who
# read it, before anything is done
wrong() {
	printf "$3" >"$tmp/bad.conf"
	for c in run "config show" "config check"; do
		expect 2 "^p2p-node: $tmp/bad.conf:$1: $2" $c --config \
		    "$tmp/bad.conf"
		[ -s "$tmp/out" ] && fail "$c: something was done"
	done
	expect 2 "\"error\":\"usage\",\"message\":\".*bad.conf:$1: $2" \
	    config check --json "$tmp/bad.conf"
	is_json "$tmp/out"
	expect 1 "^fail  configuration: $tmp/bad.conf:$1: $2" doctor --config \
	    "$tmp/bad.conf"
}
hint() { has "$tmp/err" "^hint: $1" || fail "no hint $1"; }
wrong 1 'lisetn: no such key' 'lisetn = x\n'
expect 2 'lisetn' config check "$tmp/bad.conf"
hint 'did you mean listen?'
wrong 3 'json: no such key' '\n\njson = yes\n'
expect 2 json config check "$tmp/bad.conf"
hint 'man p2p-node.conf has the form and all keys'
wrong 1 'is not: key = value' 'listen\n'
wrong 1 'no value behind =' 'key =#x\n'
wrong 1 'is not: key = value' '= x\n'
wrong 1 'is not: key = value' 'Listen = x\n'
wrong 1 'is not: key = value' '\357\273\277listen = x\n'
wrong 2 'no value behind =' '\nkey = # none'
wrong 1 'a control character' 'key = a\033[31mb\n'
wrong 1 'a control character' 'key = a\0b\n'
wrong 1 'a control character' '# \007\n'
wrong 2 'key: is on line 1 already' 'key = a\nkey = b\n'
wrong 1 'ephemeral: is yes or no' 'ephemeral = true\n'
wrong 1 'listen: not an address' 'listen = 127.0.0.1:4001\n'
wrong 1 'connect: not an address' 'connect = nobody\n'
wrong 2 'connect: the address names no peer' "\nconnect = $here\n"
expect 2 connect config check "$tmp/bad.conf"
hint any-peer
P2P_CONNECT=$here expect 2 '^p2p-node: P2P_CONNECT: the address names no peer' \
    config check
printf "connect = $here\nany-peer = yes\n" >"$tmp/any.conf"
expect 0 'is right, 2 settings' config check "$tmp/any.conf"
wrong 1 'bootstrap: the address names no peer' 'bootstrap = /ip4/1.2.3.4/tcp/1\n'
wrong 1 'network: ipfs, lan' 'network = x\n'
wrong 1 'provide: not a CID' 'provide = x\n'
wrong 1 'dht: off, client' 'dht = maybe\n'
wrong 1 'limit: no such limit' 'limit = nonsense=1\n'
wrong 1 'limit: no such limit' 'limit = nonsense\n'
wrong 1 'limit: wants NAME=VALUE' 'limit = handlers\n'
wrong 1 'limit: not a number' 'limit = handlers=x\n'
wrong 1 'serve: knows echo' 'serve = http\n'
wrong 1 'serve: an empty list' 'serve = ,\n'
wrong 2 'limit: has another value already' 'limit = handlers=7\nlimit = handlers=8\n'
printf 'limit = handlers=7\nlimit = handlers=7\n' >"$tmp/twice.conf"
expect 0 'is right' config check "$tmp/twice.conf"
wrong 1 'security: unknown name' 'security = rot13\n'
wrong 1 'muxer: an empty list' 'muxer = ,\n'
wrong 1 'log: off, error' 'log = loud\n'
wrong 33 'serve: knows' "$(yes 'serve = echo' | head -n 32)
serve = http"
wrong 33 'connect: too many' "$(yes "connect = $here/p2p/$peer" | head -n 33)"
wrong 257 'too many settings' "$(yes 'serve = echo' | head -n 257)"
# Also where a flag goes before it.
echo 'log = loud' >"$tmp/bad.conf"
expect 2 'bad.conf:1: log: off' run --log error --config "$tmp/bad.conf"

# The file itself.
odd() {
	expect 2 "^p2p-node: $2: $1" config check "$2"
	expect 2 "^p2p-node: $2: $1" run --config "$2"
}
head -c 65537 /dev/zero | tr '\0' '#' >"$tmp/large.conf"
odd 'too large' "$tmp/large.conf"
head -c 65536 "$tmp/large.conf" >"$tmp/fits.conf"
expect 0 'is right, 0 settings' config check "$tmp/fits.conf"
cp "$conf" "$tmp/mode.conf"
for mode in g+w o+w; do
	chmod go-w,$mode "$tmp/mode.conf"
	odd 'group or others may write it' "$tmp/mode.conf"
done
mkfifo "$tmp/fifo.conf"
odd 'not a regular file' "$tmp/fifo.conf"
odd 'not a regular file' "$tmp"
odd 'not a regular file' /dev/null

# Names and values from anywhere are for a terminal only when they are clean.
bad="$tmp/$(printf 'e\033[31m\342\200\256').conf"
printf 'key = \342\200\256x\233\377y\n' >"$bad"
for c in "config show --origin" "config check" "doctor" "config path"; do
	$node $c --config "$bad" >"$tmp/out" 2>"$tmp/err"
	perl -ne 'utf8::decode($_) or die "broken UTF-8";
	    m/[\x00-\x08\x0b-\x1f\x7f-\x9f]|\p{Cf}/ and die "$_"' \
	    "$tmp/out" "$tmp/err" 2>"$tmp/why.err" ||
	    fail "$c: $(cat -v "$tmp/why.err")"
	[ -s "$tmp/out" ] || fail "$c: nothing"
	$node $c --config "$bad" --json >"$tmp/out" 2>"$tmp/err"
	is_json "$tmp/out"
done

# The key of run is that of id and key, too; of the rest they take nothing.
printf 'key = %s\nlisetn = x\n' "$tmp/other.key" >"$conf"
expect 0 '^new key: .*/other.key$' id
id=$(cat "$tmp/out")
expect 0 "^$id ed25519 $tmp/other.key\$" key show
expect 2 "lisetn: no such key" run
expect 1 "other.key: .*already" key new
P2P_KEY=$tmp/env.key expect 0 '^new key: .*/env.key$' id
P2P_KEY=$tmp/env.key expect 0 "^$id " key show --key "$tmp/other.key"
expect 0 '^new key: .*/flag.key$' id --key "$tmp/flag.key"
[ -e "$P2P_HOME/identity.key" ] && fail "id made a key that run does not use"
printf 'key = x\nkey = y\n' >"$conf"
expect 2 "^p2p-node: $conf:2: key: is on line 1 already" id
expect 0 12D3 id --key "$tmp/flag.key"
expect 0 12D3 key new --out "$tmp/out.key"

# run does what the file says, and no other command reads it.
cat >"$conf" <<EOF
listen = $here
serve = echo
ephemeral = yes
limit = handlers=7
EOF
start file $node run --json
until_holds 'has "$tmp/file.out" \"ready\"'
has "$tmp/file.out" '"handlers":7,' || fail "no limit of the file"
address_of file
run=$pid
expect 0 '"identical":true' echo --json --bytes 10 "$to"
[ -e "$P2P_HOME/identity.key" ] && fail "ephemeral was not read"
echo nonsense >"$conf"
expect 0 '"identical":true' echo --json --bytes 10 "$to"
expect 2 "^p2p-node: $conf:1: is not" id
kill -TERM $run
ends $run 0
# A DHT that is off by the command line leaves its keys alone.
printf 'dht = client\nnetwork = /x/kad/1.0.0\nlisten = %s\n' $here >"$conf"
start off $node run --json --ephemeral --dht off
until_holds 'has "$tmp/off.out" \"ready\"'
kill -TERM $pid
ends $pid 0
expect 2 '--dht: is off' run --ephemeral --dht off --network /x/kad/1.0.0
echo "ok: the configuration of p2p-node"
