#!/bin/sh
# Goal: the doctor finds each thing that is in the way, changes nothing, and is
# content with what works.
. "$(dirname "$0")/tool.sh"
here=/ip4/127.0.0.1/tcp/0

# finds STATUS NAME PATTERN ARGS...: in words and as an event
finds() {
	level=$1 item=$2 finding=$3
	shift 3
	[ $level = fail ] && status=1 || status=0
	expect $status "^$level *$item: .*$finding" doctor "$@"
	[ $level = ok ] || has "$tmp/out" '^      hint: .' || fail "no hint"
	expect $status "\"check\",\"name\":\"$item\",\"status\":\"$level\",\"detail\":\".*$finding" \
	    doctor --json "$@"
	is_json "$tmp/out"
	fields "$tmp/out" check name status detail hint
	fields "$tmp/out" summary ok warn fail time
	:
}

# Nothing there yet: that is fine, and nothing is there afterwards.
finds ok configuration 'no file' -l $here
for c in 'key .*not there yet' 'home can be made' 'store not there yet' \
    'listen can be had' 'limits can be made' 'descriptors [0-9]' \
    'clock 20[2-9][0-9]-'; do
	has "$tmp/out" "\"name\":\"${c%% *}\",\"status\":\"[a-z]*\",\"detail\":\".*${c#* }" ||
	    fail "no $c"
done
has "$tmp/out" '"name":"resolver"' || fail "no resolver"
has "$tmp/out" '"event":"summary","ok":.*"fail":0,' || fail "a summary"
[ -e "$P2P_HOME" ] && fail "something was made"

# Configuration, key, home.
mkdir "$P2P_HOME"
echo 'lisetn = x' >"$P2P_HOME/p2p-node.conf"
finds fail configuration 'p2p-node.conf:1: lisetn: no such key' -l $here
expect 1 '^      hint: did you mean listen?' doctor
echo "listen = $here" >"$P2P_HOME/p2p-node.conf"
finds ok configuration 'p2p-node.conf'
$node key new >"$tmp/key.out" || fail "key new"
finds ok key "ed25519, $(cut -d ' ' -f 1 "$tmp/key.out")"
chmod 644 "$P2P_HOME/identity.key"
finds fail key 'identity.key: .*\(group\|others\|mode\)'
finds ok key ephemeral --ephemeral
chmod 600 "$P2P_HOME/identity.key"
ln -s identity.key "$P2P_HOME/link"
finds fail key link --key "$P2P_HOME/link"
chmod 777 "$P2P_HOME"
finds warn home 'others may put files there'
chmod 700 "$P2P_HOME"
finds ok home 'can be written'
P2P_HOME=$tmp/key.out/x finds fail home 'Not a directory' -l $here

# No home at all: that is said, and the rest is looked at.
(unset P2P_HOME XDG_DATA_HOME XDG_CONFIG_HOME HOME
finds fail key 'no HOME' -l $here
finds fail home 'no HOME' -l $here
finds ok home 'no HOME' -l $here --ephemeral
expect 0 '^ok *clock' doctor -l $here --ephemeral
finds fail store 'no HOME' -l $here --key "$tmp/none" --dht client
expect 0 '^# key =$' config show) || exit 1

# The store: whole, in use, damaged, of others; it is not touched.
if $node version | grep -q sqlite; then
	start_node server --dht server --network /x/kad/1.0.0 --allow-private
	finds ok store 'a node that runs has it'
	kill -TERM $pid
	ends $pid 0
	store=$P2P_HOME/store.sqlite
	sum() { (cd "$P2P_HOME" && ls -l && cat ./* | cksum); }
	before=$(sum)
	finds ok store 'store.sqlite: whole' --dht client
	[ "$(sum)" = "$before" ] || fail "the store was touched"
	cp "$store" "$tmp/good"
	head -c 1000 "$tmp/good" >"$store"
	finds fail store 'store.sqlite: '
	printf 'not a store' >"$store"
	before=$(sum)
	finds fail store 'store.sqlite: '
	[ "$(sum)" = "$before" ] || fail "a bad store was touched"
	cp "$tmp/good" "$store"
	chmod g+w "$store"
	finds fail store 'others may write'
	finds ok store 'in memory' --store memory
	# A large one takes its time: a node can open it, a signal ends it.
	mkdir "$tmp/large" "$tmp/copies"
	large=$tmp/large/store
	: >"$large.lock"
	(umask 077; truncate -s 268435456 "$large")
	# copies: a doctor that is stopped while its copy is there; sets pid.
	# What runs behind a shell's back ignores SIGQUIT, and nohup's SIGHUP.
	copies() {
		TMPDIR=$tmp/copies start large perl -e '
		    $SIG{$_} = $ENV{IGNORED} ? "IGNORE" : "DEFAULT"
			for qw(HUP QUIT PIPE XCPU XFSZ);
		    exec @ARGV or exit 127' $node doctor -l $here \
		    --store "$large"
		until set -- "$tmp/copies/p2p-doctor-"* && [ -e "$1" ]; do
			ended $pid && fail "the copy was not seen"
		done
		kill -STOP $pid
	}
	# leaves_none STATUS SIGNAL...: that end it, and the copy with it
	leaves_none() {
		want=$1
		shift
		for s in "$@"; do
			kill -$s $pid
		done
		kill -CONT $pid
		ends $pid $want
		set -- "$tmp/copies/p2p-doctor-"* "$@"
		[ -e "$1" ] && fail "a copy is left: $*"
		:
	}
	copies
	perl -e 'use Fcntl ":flock"; open(my $f, "+<", $ARGV[0]) or
	    exit 1; exit !flock($f, LOCK_EX | LOCK_NB)' "$large.lock" ||
	    fail "the doctor has the lock of a store that it copies"
	leaves_none 143 TERM
	ulimit -c 0
	for s in HUP:129 QUIT:131 PIPE:141 XCPU:152 XFSZ:153; do
		copies
		leaves_none ${s#*:} ${s%:*}
	done
	# Who is not to be ended by them goes on, and finds no store.
	export IGNORED=1
	copies
	leaves_none 1 HUP QUIT PIPE XCPU XFSZ
	has "$tmp/large.out" '^fail *store: ' || fail "ignored signals ended it"
	unset IGNORED
	rm "$large"
	mkdir "$tmp/dir"
	expect 2 "$tmp/dir: " run --ephemeral --dht client --store "$tmp/dir" \
	    -l $here
	finds fail store "$tmp/dir: " --store "$tmp/dir"
	ls -d "${TMPDIR:-/tmp}"/p2p-doctor-* 2>/dev/null && fail "a copy is left"
	rm "$store"
	finds ok store 'can be written' --dht client
	finds ok store 'can be made' --dht client --store "$tmp/new/dir/s"
	finds fail store 'Not a directory' --dht client --store /dev/null/s
	mkdir -m 777 "$tmp/shared" && chmod 777 "$tmp/shared"
	finds warn store "others may put" --dht client --store "$tmp/shared/s"
	[ -e "$tmp/new" ] && fail "a directory was made"
fi

# Ports: one that is taken, no address of ours, none of ours to bind; IPv6.
start_node busy --ephemeral
finds fail listen "Address already in use" -l "${to%/p2p/*}"
expect 1 'hint: another program has this port' doctor -l "${to%/p2p/*}"
kill -TERM $pid
ends $pid 0
finds fail listen 'Cannot assign requested address' -l /ip4/192.0.2.1/tcp/0
finds fail listen '/udp/' -l /ip4/127.0.0.1/udp/1/quic-v1
if ping6=$(cat /proc/sys/net/ipv6/conf/lo/disable_ipv6 2>/dev/null) &&
    [ "$ping6" = 0 ]; then
	finds ok listen '/ip6/::1/tcp/0: can be had' -l /ip6/::1/tcp/0
fi
finds ok listen 'tcp/0: can be had' -l $here -l $here

# Limits, descriptors, a private network.
finds fail limits limit --limit connections=0
(ulimit -n 200; finds warn descriptors 200) || exit 1
(ulimit -n 60; finds fail descriptors 60) || exit 1
echo nonsense >"$tmp/swarm.key"
finds fail pnet swarm.key --pnet "$tmp/swarm.key"
printf '/key/swarm/psk/1.0.0/\n/base16/\n%064d\n' 0 >"$tmp/swarm.key"
finds ok pnet swarm.key --pnet "$tmp/swarm.key"

# What is not this machine's as it is: in a name space, where one can be had.
if unshare -rm true 2>/dev/null; then
	: >"$tmp/empty"
	unshare -rm sh -c 'mount --bind "$1" /etc/resolv.conf && "$0" doctor' \
	    "$node" "$tmp/empty" >"$tmp/ns.out" 2>"$tmp/ns.err" &&
	    { has "$tmp/ns.out" '^warn *resolver: .* 0 servers' ||
	    fail "an empty resolv.conf"; }
fi
if unshare -rn true 2>/dev/null; then
	# No interface at all: nobody is contacted, and it does not wait.
	unshare -rn timeout 10 "$node" doctor -l $here >"$tmp/ns.out" 2>&1 ||
	    fail "without a network"
fi
echo "ok: the doctor"
