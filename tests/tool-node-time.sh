#!/bin/sh
# Goal: --timeout bounds every one-shot command as a whole, SIGINT and SIGTERM
# end it, and each says so by its status; run ends well, or at once.
. "$(dirname "$0")/tool.sh"

# catches PID: it has its signal handlers, so that a signal is an end in peace;
# itself, not the shell that is to become it
catches() {
	case $(readlink "/proc/$1/exe") in
	*p2p-node) ;;
	*) return 1 ;;
	esac
	mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status")
	[ -n "$mask" ] && [ $((0x$mask & 2)) != 0 ]
}
timed_out() {
	fields "$tmp/$1.out" error error message
	has "$tmp/$1.out" '"error":"timeout"' || fail "$1: no timeout"
	is_json "$tmp/$1.out"
}
# launch NAME COMMAND...: as start; adds to list
launch() {
	start "$@"
	list="$list $1:$pid"
}

start_node run --ephemeral --serve echo,perf
run=$pid
start_node stopped --ephemeral
stopped=$pid still=$to
kill -STOP $stopped
address_of run

# Nobody replies: neither within the time, nor to the only ping.
mkfifo "$tmp/open" "$tmp/hush"
exec 8<>"$tmp/hush" 9<>"$tmp/open"	# each a stdin that does not end
$raw silent /ipfs/ping/1.0.0 <"$tmp/hush" >"$tmp/raw.out" 2>"$tmp/raw.err" &
raw_pid=$!
pids="$pids $raw_pid"
until_holds 'has "$tmp/raw.out" listening'
address_of raw
start silent $node ping --json -c 1 "$to"
silent=$pid
expect 4 '"event":"summary","sent":1,"received":0,"min":0' ping --json \
    --timeout 4 "$to"
has "$tmp/out" '"event":"error","error":"timeout"' || fail "silent: no error"
expect 4 '^--- 1 pings, 0 ok, 100% loss$' ping --timeout 4 "$to"
address_of run

# Time is over: with a peer that does not answer, and with work to do.
all_timed_out() {
	for l in $list; do
		ends "${l#*:}" 4
		timed_out "${l%:*}"
		# Progress is for terminals.
		[ -s "$tmp/${l%:*}.err" ] && fail "${l%:*}: talk on stderr"
	done
}
list=
set -- --json --timeout 1
launch s-ping $node ping "$@" "$still"
launch s-identify $node identify "$@" "$still"
launch s-connect $node connect "$@" "$still"
launch s-many $node connect -c 100 "$@" "$still"
launch s-echo $node echo --bytes 1 "$@" "$still"
launch s-perf $node perf "$@" "$still"
all_timed_out
list=
set -- --json --timeout 8	# it must be enough to connect, with sanitizers
launch many $node connect -c 10000000 --parallel 2 "$@" "$to"
launch hold $node connect --hold 1000 "$@" "$to"
launch echo $node echo --bytes 1000000000000 "$@" "$to"
launch rounds $node echo --bytes 100 -c 10000000 "$@" "$to"
launch perf $node perf --upload-bytes 1000000000000 --streams 2 "$@" "$to"
launch down $node perf --download-bytes 1000000000000 "$@" "$to"
launch pings $node ping -c 100000 -i 0.1 "$@" "$to"
$node echo --timeout 8 "$to" <"$tmp/open" >"$tmp/pipe.out" 2>"$tmp/pipe.err" &
pids="$pids $!" pipe=$!
all_timed_out
l=pipe
ends $pipe 4
has "$tmp/pipe.err" '^hint: .*--timeout' || fail "echo of stdin: no hint"
fields "$tmp/many.out" summary count failed perSecond p50 p99
fields "$tmp/rounds.out" summary count failed perSecond p50 p99
fields "$tmp/s-many.out" summary count failed
has "$tmp/s-many.out" '"count":100,"failed":100,' || fail "s-many: the summary"
fields "$tmp/pings.out" ping seq time
fields "$tmp/pings.out" summary sent received
fields "$tmp/hold.out" connected time

# A reply that is lost: the summary comes nevertheless.
start lost $node ping -c 100 -i 0.2 --json --timeout 8 "$to"
until_holds 'has "$tmp/lost.out" "\"seq\":2"'
kill -STOP $run
ends $pid 4
kill -CONT $run
timed_out lost
has "$tmp/lost.out" '"event":"summary","sent":[0-9]*,"received":[2-9]' ||
    fail "lost: the summary"

# A peer that goes away ends a series with its error.
start_node mortal --ephemeral
mortal=$pid
start left $node ping -c 1000 -i 0.1 --json "$to"
until_holds 'has "$tmp/left.out" "\"seq\":2"'
kill -KILL $mortal
ends $mortal 137
ends $pid 1
fields "$tmp/left.out" summary sent received
fields "$tmp/left.out" error error message
address_of run

# Interrupted.
status=130
for s in INT TERM; do
	list=
	set -- --json --timeout 100
	launch $s-many $node connect -c 10000000 "$@" "$to"
	launch $s-hold $node connect --hold 50 "$@" "$to"
	launch $s-echo $node echo --bytes 1000000000000 "$@" "$to"
	launch $s-perf $node perf --upload-bytes 1000000000000 "$@" "$to"
	launch $s-ping $node ping -c 1000 -i 0.1 "$@" "$to"
	launch $s-identify $node identify "$@" "$still"
	launch $s-connect $node connect "$@" "$still"
	for l in $list; do
		until_holds "catches ${l#*:}"
	done
	until_holds 'has "$tmp/$s-ping.out" "\"event\":\"ping\""'
	until_holds 'has "$tmp/$s-hold.out" connected'
	until_holds 'has "$tmp/$s-many.out" connected'
	for l in $list; do
		kill -$s "${l#*:}"
	done
	for l in $list; do
		ends "${l#*:}" $status
		has "$tmp/${l%:*}.out" '"error"' && fail "${l%:*}: an error"
	done
	fields "$tmp/$s-ping.out" summary sent received
	has "$tmp/$s-many.out" '"summary","count":[1-9][0-9]*,"failed":[01],' ||
	    fail "$s-many: what was not begun has not failed"
	$node echo "$to" <"$tmp/open" >"$tmp/$s-pipe.out" 2>"$tmp/$s-pipe.err" &
	pids="$pids $!" pipe=$!
	printf x >&9
	until_holds 'has "$tmp/$s-pipe.out" x'
	kill -$s $pipe
	ends $pipe $status
	status=143
done

# run: connecting to what does not answer, it still ends well; and at the second
# signal it does not wait for a peer that does not answer.
start_node busy --ephemeral --connect "$still"
until_holds "catches $pid"
kill -TERM $pid
ends $pid 0 8
has "$tmp/busy.out" '"event":"error"' && fail "busy: an error at the end"
TSAN_OPTIONS="${TSAN_OPTIONS-}:report_thread_leaks=0" \
    start_node twice --ephemeral	# it joins nobody then
kill -STOP $pid			# or it may be gone before the second
kill -INT $pid
kill -TERM $pid
kill -CONT $pid
until_holds "ended $pid"
wait $pid
case $? in
130|143) ;;
*) fail "two signals did not force it" ;;
esac
pids=$(echo " $pids " | sed "s/ $pid / /")
ends $silent 4
has "$tmp/silent.out" '"summary","sent":1,"received":0,' || fail "silent"
timed_out silent
echo "ok: the time of p2p-node"
