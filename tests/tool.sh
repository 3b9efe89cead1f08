# Sourced by tests/tool-*.sh: a directory and a home of its own, processes that
# end with the test, waits with a bound.
set -u
node=${NODE:-./p2p-node}
chat=${CHAT:-./p2p-chat}
tmp=$(mktemp -d) || exit 99
raw=${RAW:-./tests/raw}
export P2P_HOME="$tmp/home" LC_ALL=C
pids=

cleanup() {
	for p in $pids; do
		kill -KILL "$p" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail() {
	echo "FAIL: $*"
	# The last files that were written; a fifo would have to be waited for.
	ls -t "$tmp" | grep 'out$\|err$' | head -n 10 | while read -r f; do
		[ -f "$tmp/$f" ] || continue
		echo "--- $f"
		tail -n 4 "$tmp/$f" | cut -c1-300
	done
	exit 1
}

# until_holds COMMAND [SECONDS]: for twenty seconds at most
until_holds() {
	tries=0
	until eval "$1"; do
		tries=$((tries + 1))
		[ $tries -lt $((${2:-20} * 20)) ] || fail "never: $1"
		sleep 0.05
	done
}

# has FILE PATTERN: a line of it matches
has() { grep -qs -e "$2" "$1"; }
lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
count() { grep -c -e "$2" "$1"; }

# ended PID: it is no process of ours any more, or only waits to be asked
ended() {
	state=$(sed 's/^.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)
	[ -z "$state" ] || [ "$state" = Z ]
}
# ends PID STATUS [SECONDS]: within twenty seconds
ends() {
	until_holds "ended $1" "${3:-20}"
	wait "$1"
	got=$?
	pids=$(echo " $pids " | sed "s/ $1 / /")
	[ $got = "$2" ] || fail "process $1 ${l-} ended with $got, not $2"
}

# expect STATUS PATTERN ARGS...: p2p-node ARGS ends so; a line fits
expect() {
	want=$1 pattern=$2
	shift 2
	$node "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	[ $got = "$want" ] || fail "p2p-node $*: exit $got, not $want"
	cat "$tmp/out" "$tmp/err" | grep -q -e "$pattern" ||
	    fail "p2p-node $*: no $pattern"
}

# start NAME COMMAND...: in the background, to NAME.out and NAME.err; sets pid
start() {
	name=$1
	shift
	rm -f "$tmp/$name.out" "$tmp/$name.err"	# nothing of an earlier one
	"$@" >"$tmp/$name.out" 2>"$tmp/$name.err" </dev/null &
	pid=$!
	pids="$pids $pid"
}
# talk NAME ARGS...: p2p-chat, told what to say through NAME.in; sets pid
talk() {
	name=$1
	shift
	rm -f "$tmp/$name.out" "$tmp/$name.err"
	[ -p "$tmp/$name.in" ] || mkfifo "$tmp/$name.in"
	$chat "$@" <"$tmp/$name.in" >"$tmp/$name.out" 2>"$tmp/$name.err" &
	pid=$!
	pids="$pids $pid"
}
# start_node NAME ARGS...: p2p-node run --json; sets pid, and to, its address
start_node() {
	name=$1
	shift
	start "$name" $node run --json -l /ip4/127.0.0.1/tcp/0 "$@"
	until_holds 'has "$tmp/$name.out" \"event\":\"ready\"'
	address_of "$name"
}
address_of() {
	to=$(sed -n 's/.*"listening","address":"\([^"]*\)".*/\1/p' \
	    "$tmp/$1.out" | head -n 1)
}

# fields FILE EVENT NAME...: each such line has these fields, and there is one
fields() {
	file=$1 event=$2
	shift 2
	grep "\"event\":\"$event\"" "$file" >"$tmp/fields" ||
	    fail "no event $event in ${file##*/}"
	for f in "$@"; do
		grep -v "\"$f\":" "$tmp/fields" && fail "$event without $f"
	done
}

# is_json FILE: every line is an object of ASCII, with schema 1 and an event
is_json() {
	perl -ne '
	m/^(?<o>\{(?:(?<s>"(?:[ !#-\[\]-~]|\\["\\]|\\u[0-9a-f]{4})*"):
	    (?<v>(?&s)|(?&o)|\[(?:(?&v)(?:,(?&v))*)?\]|-?\d+(?:\.\d+)?|true|
	    false|null)(?:,(?&s):(?&v))*)?\})\n\z/x &&
	    m/^\{"schema":1,"event":"[a-z]+"/ or die "no JSON: $_"' "$1" \
	    2>"$tmp/json.err" || fail "${1##*/}: $(cut -c1-300 "$tmp/json.err")"
}
