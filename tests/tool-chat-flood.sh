#!/bin/bash
# Goal: whatever a peer sends and however fast, both terminals stay usable and
# are driven by nobody: the hostile texts, and floods of 10,000 messages a second.
. "$(dirname "$0")/tool.sh"
. "$(dirname "$0")/tmux.sh"
here=/ip4/127.0.0.1/tcp/0
# For the sake of the memory that is measured.
export ASAN_OPTIONS="${ASAN_OPTIONS-}:quarantine_size_mb=4"

perl "$(dirname "$0")/hostile.pl" >"$tmp/corpus"
# Each peer less than is muted, and its coming and going counts, too.
split -l 17 "$tmp/corpus" "$tmp/part."
perl -e 'print "flood $_ \e[2J\e[31m\n" for 1 .. 200000' >"$tmp/flood"
perl -e 'for (1 .. 100000) { my $s = "by length $_\n"; print pack("C", length $s), $s }' \
    >"$tmp/by-length"

rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }

for mode in --plain --ephemeral; do
	t=on$mode
	terminal "$t" 80 24
	tm set-option -t "$t" history-limit 5000
	title=$(tm display-message -p -t "$t" '#{pane_title}')
	chat_in "$t" $mode
	there=$(chat_pid "$t")
	for part in "$tmp"/part.*; do
		$raw send "$to" /chat/1.0.0 <"$part" >"$tmp/raw.out" 2>&1 ||
		    fail "raw: ${part##*/}"
		tm capture-pane -p -e -t "$t" >"$tmp/$t.screen"
		harmless "$tmp/$t.screen"
	done
	shows "$t" '<......> <@>'
	shows "$t" '<......> %s%n%x'
	tm capture-pane -p -e -S - -t "$t" >"$tmp/$t.screen"
	harmless "$tmp/$t.screen"
	screen "$t" | grep -q muted && fail "muted below the limit"
	[ "$(tm display-message -p -t "$t" '#{pane_title}')" = "$title" ] ||
	    fail "a peer has set the title"

	# A flood, while a friend talks and somebody types.
	before=$(rss "$there")
	mkfifo "$tmp/friend.in" 2>/dev/null
	exec 7<>"$tmp/friend.in"
	$chat -l $here -c "$to" <"$tmp/friend.in" >"$tmp/friend.out" \
	    2>"$tmp/friend.err" &
	friend=$!
	pids="$pids $friend"
	until_holds 'has "$tmp/friend.err" "has joined"'
	# Its last word is when all of it has been read.
	began=$(date +%s%N)
	$raw send "$to" /chat/1.0.0 <"$tmp/flood" >"$tmp/raw.out" 2>&1 &
	flood=$!
	pids="$pids $flood"
	shows "$t" 'is muted: more than 20 messages in 10 s'
	echo 'a friend amid the flood' >&7
	shows "$t" 'a friend amid the flood'
	type "$t" 'usable'
	shows "$t" '^> usable$'
	key "$t" Enter
	until_holds 'has "$tmp/friend.out" "	usable$"'
	ends $flood 0 120
	took=$((($(date +%s%N) - began) / 1000000))
	$raw send "$to" /chat/1.0.0 <"$tmp/by-length" >"$tmp/raw.out" 2>&1 ||
	    fail "a flood by length"
	# 20 of each were shown at most, and are not on the way.
	[ "$(lines_of "$t" | grep -c 'flood [0-9]')" -le 20 ] || fail "not muted"
	[ "$(lines_of "$t" | grep -c 'by length [0-9]')" -le 20 ] || fail "not muted"
	[ "$(rss "$there")" -lt $((before + 20000)) ] ||
	    fail "from $before to $(rss "$there") kB"
	echo "$t: 200000 messages in $took ms, from $before to $(rss "$there") kB"
	shows "$t" 'no longer muted; [1-9][0-9]* messages were not' 60
	tm capture-pane -p -e -S - -t "$t" >"$tmp/$t.screen"
	harmless "$tmp/$t.screen"
	kill -TERM $friend
	ends $friend 0
	exec 7>&-
	enter "$t" /quit
	left_well "$t" 0
done
echo "ok: floods and hostile texts on a terminal"
