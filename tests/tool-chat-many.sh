#!/bin/sh
# Goal: three chats at once, and one that never reads: the others lose nothing
# and wait for nobody, and who is too slow is reset with the reason.
. "$(dirname "$0")/tool.sh"
here=/ip4/127.0.0.1/tcp/0

# hear NAME ARGS...: a chat that only listens, until fd 9's end; sets to
mkfifo "$tmp/open"
exec 9<>"$tmp/open"
hear() {
	name=$1
	shift
	rm -f "$tmp/$name.out"
	$chat --json -l $here "$@" <"$tmp/open" >>"$tmp/$name.out" \
	    2>"$tmp/$name.err" &
	pid=$!
	pids="$pids $pid"
	until_holds 'has "$tmp/$name.out" listening'
	address_of "$name"
}
heard() { [ "$(count "$tmp/$1.out" '"direction":"in"')" = "$2" ]; }

# say NAME ARGS...: a chat with events
say() { talk "$@" --json -l $here; }
line=$(printf '%04000d' 0)
# More than the window of a stream, less than that and half a queue.
some() { yes "$line" | head -n 85; }

# One that takes nothing for ten seconds: see the end.
hear still
still=$pid
say patient -c "$to"
patient=$pid
exec 6>"$tmp/patient.in"
until_holds 'has "$tmp/patient.out" \"joined\"'
kill -STOP $still
some >&6

# A pipe arrives whole at all that it calls, however long it is.
hear a
a=$pid to_a=$to
hear b
b=$pid to_b=$to
seq 1 20000 | $chat -l $here -c "$to_a" -c "$to_b" >"$tmp/s.out" \
    2>"$tmp/s.err" || fail "a long pipe"
until_holds 'heard a 20000'
until_holds 'heard b 20000'
sed -n 's/.*"text":"\([0-9]*\)".*/\1/p' "$tmp/a.out" >"$tmp/a.seq"
seq 1 20000 | cmp -s - "$tmp/a.seq" || fail "not in order"
until_holds 'has "$tmp/a.out" "\"left\".*\"reason\":\"ok\""'

# Both ends at once: what crosses is not lost.
for i in 1 2 3 4 5; do
	seq 1 500 | $chat --json -l $here -c "$to_a" >"$tmp/x.out" \
	    2>"$tmp/x.err" &
	x=$!
	pids="$pids $x"
	hear y$i
	seq 1 500 | $chat -l $here -c "$to" >"$tmp/z.out" 2>"$tmp/z.err" ||
	    fail "500 lines, $i"
	ends $x 0
	until_holds "heard y$i 500"
	kill -INT $pid
	ends $pid 0
done

# What is queued at the end is handed over, if the peer takes it in time.
hear late
late=$pid
say flush -c "$to"
flush=$pid
exec 7>"$tmp/flush.in"
until_holds 'has "$tmp/flush.out" \"joined\"'
kill -STOP $late
some >&7
exec 7>&-
sleep 2
kill -CONT $late
ends $flush 0
until_holds 'heard late 85'
kill -INT $late
ends $late 0

# Three: one stops reading for good while the first talks on and on.  Nothing
# takes the ten seconds that one write may.
say s -c "$to_a" -c "$to_b"
s=$pid
exec 7>"$tmp/s.in"
until_holds '[ "$(count "$tmp/s.out" \"joined\")" = 2 ]'
echo one >&7
until_holds 'has "$tmp/b.out" "\"text\":\"one\""'
until_holds 'has "$tmp/a.out" "\"text\":\"one\""'
kill -STOP $b
: >"$tmp/a.out"
echo two >&7
until_holds 'has "$tmp/a.out" "\"text\":\"two\""'
yes "$line" | head -n 1000 >&7 &
until_holds 'heard a 1001'
until_holds 'has "$tmp/s.out" "\"left\",\"peer\":\"${to_b##*/}\",\"reason\":\"limit\""'
echo three >&7
until_holds 'has "$tmp/a.out" "\"text\":\"three\""'
kill -CONT $b
until_holds 'has "$tmp/b.out" "\"left\""'
exec 7>&-
ends $s 1
has "$tmp/s.out" '"error":"unreachable","message":"message: not all' ||
    fail "what was lost is not said at the end"
has "$tmp/s.out" '"text":"three","direction":"out"' || fail "three is not out"
is_json "$tmp/s.out"

# Messages to one alone are no faster, and what it was not handed is said.
hear m
m=$pid
say u -c "$to"
u=$pid
exec 7>"$tmp/u.in"
until_holds 'has "$tmp/u.out" \"joined\"'
kill -STOP $m
yes "/msg ${to##*/} $line" | head -n 500 >&7 &
until_holds 'has "$tmp/u.out" "\"left\",.*\"reason\":\"limit\""'
until_holds 'has "$tmp/u.out" "\"nobody was handed this: "'
kill -CONT $m
echo /quit >&7
exec 7>&-
ends $u 1
kill -INT $m
ends $m 0

# The one from the beginning: nobody waited for it, and now it is gone.
until_holds 'has "$tmp/patient.out" "\"left\",.*\"reason\":\"timeout\""'
echo /quit >&6
ends $patient 1
kill -CONT $still
kill -INT $still $b $a
ends $still 0
ends $b 0
ends $a 0
echo "ok: many at once"
