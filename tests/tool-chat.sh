#!/bin/sh
# Goal: two p2p-chat find each other by the invite line and hand each other
# five messages, cleaned of what drives a terminal, and both end with 0.
set -u
chat=${CHAT:-./p2p-chat}
tmp=$(mktemp -d) || exit 99
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$tmp"' EXIT
fail() { echo "FAIL: $*"; tail -n 20 "$tmp"/*.out "$tmp"/*.err; exit 1; }

# until COMMAND holds, for ten seconds at most
until_holds() {
	n=0
	until eval "$1"; do
		n=$((n + 1))
		[ $n -lt 100 ] || fail "never: $1"
		sleep 0.1
	done
}
lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }

mkfifo "$tmp/a.in" "$tmp/b.in"
$chat -l /ip4/127.0.0.1/tcp/0 <"$tmp/a.in" >"$tmp/a.out" 2>"$tmp/a.err" &
a=$!
exec 7>"$tmp/a.in"
until_holds 'grep -q ^invite: "$tmp/a.err"'
to=$(sed -n 's/^invite: p2p-chat -c //p' "$tmp/a.err" | head -n 1)
$chat -l /ip4/127.0.0.1/tcp/0 -c "$to" --json <"$tmp/b.in" >"$tmp/b.out" \
    2>"$tmp/b.err" &
b=$!
pids="$a $b"
exec 8>"$tmp/b.in"
until_holds 'grep -q joined "$tmp/a.err"'
for i in 1 2 3 4 5; do
	echo "from a $i" >&7
	printf 'from b %s \033[31m\n' $i >&8
done
until_holds 'lines "$tmp/a.out" 5'
until_holds '[ "$(grep -c "\"direction\":\"in\"" "$tmp/b.out")" = 5 ]'
exec 7>&- 8>&-
wait $a || fail "a ended with $?"
wait $b || fail "b ended with $?"
pids=
[ "$(cut -f 4 "$tmp/a.out" | sed -n 5p)" = "from b 5 $(printf '\357\277\275')[31m" ] ||
    fail "the fifth line of a"
LC_ALL=C grep -q '[^ -~]' "$tmp/b.out" && fail "JSON is not ASCII"
grep -q '"text":"from a 3","direction":"in"' "$tmp/b.out" || fail "b's third"
# With nobody there, a message that reached no one is no success.
echo alone | $chat -l /ip4/127.0.0.1/tcp/0 --linger 0 >"$tmp/c.out" 2>&1 &&
    fail "a message to nobody counted as handed over"
echo "ok: ten messages"
