#!/bin/sh
# Goal: p2p-chat keeps its contract: messages both ways, in a pipe and as
# events; commands; the nick; statuses.
. "$(dirname "$0")/tool.sh"
here=/ip4/127.0.0.1/tcp/0

invite() {
	until_holds 'has "$tmp/'"$1"'.err" ^invite:'
	to=$(sed -n 's/^invite: p2p-chat -c //p' "$tmp/$1.err" | head -n 1)
}

# Two that find each other by the invite line, and hand each other five lines.
talk a -l $here
a=$pid
exec 7>"$tmp/a.in"
invite a
talk b -l $here -c "$to" --json -n "$(printf 'b\303\251a')"
b=$pid
exec 8>"$tmp/b.in"
aid=${to##*/}
until_holds 'has "$tmp/b.out" \"joined\"'
until_holds 'has "$tmp/a.err" "has joined"'
for i in 1 2 3 4 5; do
	echo "from a $i" >&7
	printf 'from b %s \033[31m\n' $i >&8
done
printf '\n\n/slash\n' >&7
printf '\n\r\n' >&8
until_holds 'lines "$tmp/a.out" 5'
until_holds '[ "$(count "$tmp/b.out" \"direction\":\"in\")" = 6 ]'
until_holds '[ "$(count "$tmp/b.out" \"direction\":\"out\")" = 5 ]'
has "$tmp/b.out" '"text":"/slash"' || fail "a / is text in a pipe"
has "$tmp/b.out" '"peer":"'"$aid"'","nick":"'"${aid#"${aid%??????}"}"'","text":"from a 3","direction":"in"' ||
    fail "b's third"
has "$tmp/b.out" '"nick":"b\\u00e9a","text":"from b 2 \\u001b\[31m","direction":"out"' ||
    fail "what b said"

# Commands are no messages; unknown ones are never sent.
answer() {
	said=$1 notice=$2
	echo "$said" >&8
	until_holds 'has "$tmp/b.out" "\"notice\",\"text\":\"$notice"'
}
for c in help peers connect nick quit; do
	answer /help "/$c "
done
answer /peers "[^ ]* $aid /ip4/127.0.0.1/tcp/"
answer /frobnicate "no such command: /frobnicate"
answer / "no such command: /;"
answer "/nick alice " "you are alice now"
answer "/nick $(printf '\033c')" "a nick is"
answer "/nick" "a nick is"
answer "/nick $(printf '%065d' 1)" "a nick is"
answer "/connect" "/connect wants"
answer "/connect $to" ".* is here already"
echo "/connect nonsense" >&8
until_holds 'has "$tmp/b.out" "\"event\":\"error\",\"error\":\"format\""'
long=/dns4/$(printf "%0250d" 0)
echo "/connect $long$long$long$long$long/p2p/$aid" >&8
until_holds 'has "$tmp/b.out" "\"event\":\"error\",\"error\":\"too-large\""'
echo "//slashes" >&8
until_holds 'has "$tmp/a.out" "	/slashes$"'
until_holds 'has "$tmp/b.out" "\"nick\":\"alice\",\"text\":\"/slashes\",\"direction\":\"out\""'
lines "$tmp/a.out" 7 && fail "a command was sent"
has "$tmp/b.out" '"notice","text":"/dns4/0' && fail "what cannot work is tried again"
echo /quit >&8
ends $b 0
until_holds 'has "$tmp/a.err" "has left$"'
exec 7>&- 8>&-
ends $a 0
[ "$(cut -f 4 "$tmp/a.out" | sed -n 5p)" = \
    "from b 5 $(printf '\357\277\275')[31m" ] || fail "the fifth line of a"
grep -v '^[0-2][0-9]:[0-5][0-9]:[0-5][0-9]	12D3[^	]*	......	[^	]*$' \
    "$tmp/a.out" && fail "the form of a line"
has "$tmp/b.out" '"text":""' && fail "an empty line was sent"
is_json "$tmp/b.out"
fields "$tmp/b.out" listening address
fields "$tmp/b.out" joined peer nick address
fields "$tmp/b.out" left peer reason
fields "$tmp/b.out" message peer nick text direction
fields "$tmp/b.out" notice text
[ -s "$tmp/b.err" ] && fail "stderr is not empty with --json"

# With nobody there, a message waits; that reached no one is no success.
echo alone | $chat -l $here --linger 0.2 >"$tmp/c.out" 2>"$tmp/c.err"
[ $? = 1 ] || fail "a message to nobody counted as handed over"
has "$tmp/c.err" 'p2p-chat: message: nobody came' || fail "nobody, unsaid"
echo alone | $chat --json -l $here --linger 0.2 >"$tmp/c.out" &&
    fail "an event for nobody counted as handed over"
fields "$tmp/c.out" error error message
has "$tmp/c.out" '"unreachable","message":"message: nobody' || fail "which error"
head -c 5000 /dev/zero | tr '\0' x | $chat -l $here >"$tmp/c.out" 2>"$tmp/c.err"
[ $? = 1 ] || fail "a message that is too long counted as handed over"
has "$tmp/c.err" 'message: one was not sent' || fail "too long, unsaid"
echo alone | $chat -l $here --linger 0.2 >"$tmp/c.out" 2>"$tmp/c.err"
[ -s "$tmp/c.out" ] && fail "stdout of who only talks"
$chat -l $here </dev/null >"$tmp/c.out" 2>"$tmp/c.err" || fail "saying nothing"
talk a -l $here --json
a=$pid
exec 7>"$tmp/a.in"
# Its first character is the length of the rest: it is no text with a length.
first="!$(printf '%027d' 0)early"
echo "$first" >&7
until_holds 'has "$tmp/a.out" "nobody here yet"'
has "$tmp/a.out" '"direction":"out"' && fail "handed over to nobody"
address_of a
talk b -l $here -c "$to"
b=$pid
exec 8>"$tmp/b.in"
until_holds 'has "$tmp/b.out" "	$first$"'
until_holds 'has "$tmp/a.out" "\"text\":\"$first\",\"direction\":\"out\""'

# A signal is an end as good as another: flushed, and the peer is told.
echo last >&7
until_holds 'has "$tmp/a.out" "\"text\":\"last\""'
kill -TERM $a
ends $a 0
until_holds 'has "$tmp/b.err" "has left$"'
has "$tmp/b.out" '	last$' || fail "the last words"
kill -INT $b
ends $b 0
exec 7>&- 8>&-
talk a -l $here --json
a=$pid
exec 7>"$tmp/a.in"
echo unheard >&7
until_holds 'has "$tmp/a.out" "nobody here yet"'
kill -INT $a
ends $a 1
exec 7>&-

# A key of one's own, or one for this run.
until_holds '[ ! -e "$P2P_HOME" ]'
for i in 1 2; do
	$chat --json -l $here --key "$tmp/k" </dev/null >"$tmp/k$i.out" ||
	    fail "--key"
	address_of k$i
	made=$(count "$tmp/k$i.out" '"notice","text":"a new key was made: .*/k"')
	[ $made = $((2 - i)) ] || fail "run $i says $made times that it is new"
	[ "${id=${to##*/}}" = "${to##*/}" ] || fail "--key: another peer"
done
$chat --json -l $here </dev/null >"$tmp/e.out" || fail "no --key"
address_of e
[ "$id" != "${to##*/}" ] || fail "a key that was not asked for"

[ "$($chat --version)" = "$($node --version | sed s/node/chat/)" ] ||
    fail "--version"
$chat --json --version >"$tmp/c.out" || fail "--json --version"
fields "$tmp/c.out" version version features

# Refusals.
refused() {
	want=$1 pattern=$2
	shift 2
	timeout 20 $chat "$@" </dev/null >"$tmp/r.out" 2>"$tmp/r.err"
	got=$?
	[ $got = "$want" ] || fail "p2p-chat $*: exit $got, not $want"
	cat "$tmp/r.out" "$tmp/r.err" | grep -q -e "$pattern" ||
	    fail "p2p-chat $*: no $pattern"
}
refused 2 'p2p-chat: --frob: no such option' --frob
refused 2 '"error":"usage","message":"--frob: no such option"' --frob --json
refused 2 '"error":"usage","message":"-l: wants a value"' --json -l
refused 2 'no such argument' hello
refused 2 '--nick: ' --nick "$(printf 'a\tb')"
refused 2 '--nick: ' --nick ''
refused 2 '--nick: ' --nick "$(printf '\342\200\256x')"
refused 2 'p2p-chat: nonsense: ' -c nonsense
refused 2 '"error":"usage"' --json -c /ip4/1
refused 2 'names no peer' -c /ip4/127.0.0.1/tcp/1
has "$tmp/r.err" 'any-peer' && fail "a hint at an option of another tool"
refused 2 '--linger: not a number' --linger soon
refused 2 '"error":"format"' --json -l /ip4/1
refused 2 '--security: unknown name' --security rot13
refused 2 '--muxer: not in this build' --muxer /x/1
printf x >"$tmp/odd.key"
refused 2 odd.key --key "$tmp/odd.key"
$chat --json -l $here </dev/null >/dev/full 2>"$tmp/r.err"
[ $? = 1 ] || fail "a full stdout"
$chat --json -l $here </dev/null >&- 2>"$tmp/r.err"
[ $? = 1 ] || fail "a closed stdout"
# Nobody reads it any more.
mkfifo "$tmp/pipe"
$chat --json -l $here <"$tmp/a.in" >"$tmp/pipe" 2>"$tmp/d.err" &
pid=$!
pids="$pids $pid"
exec 7>"$tmp/a.in"
head -n 1 <"$tmp/pipe" >"$tmp/d.out"
until_holds "ended $pid"
wait $pid && fail "it ended well with nobody to read it"
pids=$(echo " $pids " | sed "s/ $pid / /")
# Nobody reads it, but it is open: a signal is the end all the same.
mkfifo "$tmp/full"
exec 8<>"$tmp/full"
$chat --json -l $here <"$tmp/a.in" >"$tmp/full" 2>"$tmp/d.err" &
pid=$!
pids="$pids $pid"
read -r line <&8
to=$(echo "$line" | sed 's/.*"address":"\([^"]*\)".*/\1/')
yes "$line" | head -n 2000 | $raw send "$to" /chat/1.0.0 &
pids="$pids $!"
full() { perl -e 'vec($w, 8, 1) = 1; exit !!select(undef, $w, undef, 0)'; }
until_holds full
kill -TERM $pid
ends $pid 1 8
echo "ok: the contract of p2p-chat"
