#!/bin/sh
# Goal: on a terminal: progress that goes away, commands and a nick in a chat,
# and nothing of a peer's that drives it.
. "$(dirname "$0")/tool.sh"
script -qec true /dev/null </dev/null >/dev/null 2>&1 || {
	echo "SKIP: no script(1)"
	exit 77
}
export TERM=xterm
unset NO_COLOR CLICOLOR_FORCE FORCE_COLOR
here=/ip4/127.0.0.1/tcp/0
red=$(printf '\033\\[31m') plain=$(printf '\033\\[m')
erase=$(printf '\033\\[K')

# Progress on stderr, after a while, and erased: what remains is the result.
start_node run --ephemeral --serve echo,perf
run=$pid
for c in "perf --upload-bytes 1000000000000" "echo --bytes 1000000000000" \
    "connect -c 10000000"; do
	script -qec "$node $c --timeout 4 $to" "$tmp/tty.out" </dev/null \
	    >/dev/null 2>&1
	tr '\r' '\n' <"$tmp/tty.out" | grep -v '^$' >"$tmp/lines.out"
	shown=$(grep -c "^${c%% *}: .* of " "$tmp/lines.out")
	[ "$shown" -ge 2 ] && [ "$shown" -le 42 ] ||
	    fail "$c: $shown lines of progress"
	last=$(grep -n "^${c%% *}: .* of " "$tmp/lines.out" | tail -n 1)
	sed -n "$((${last%%:*} + 1))p" "$tmp/lines.out" |
	    grep -q "^$erase${red}p2p-node: $plain\|^${erase}[0-9]\|^$erase\$" ||
	    fail "$c: progress is not erased"
done
script -qec "$node echo --bytes 1 $to" "$tmp/tty.out" </dev/null >/dev/null 2>&1
grep -q "echo: " "$tmp/tty.out" && fail "progress of what is quick"
TERM=dumb script -qec "$node perf --upload-bytes 1000000000000 --timeout 1 $to" \
    "$tmp/tty.out" </dev/null >/dev/null 2>&1
grep -q "perf: .* of \|$(printf '\033')" "$tmp/tty.out" &&
    fail "a terminal that knows nothing is driven"
kill -TERM $run
ends $run 0

# Colours: --color, NO_COLOR, what forces them, and what the terminal is.
esc=$(printf '\033')
# colour YES|NO ENV... -- ARGS...: of an error, on a terminal
colour() {
	want=$1 env=
	shift
	while [ "$1" != -- ]; do env="$env $1"; shift; done
	shift
	script -qec "env $env $node $*" "$tmp/tty.out" </dev/null >/dev/null 2>&1
	has "$tmp/tty.out" nonsense: || fail "no error: $env $*"
	if has "$tmp/tty.out" "$esc"; then got=YES; else got=NO; fi
	[ $got = $want ] || fail "colour: $got: $env $*"
}
colour YES -- nonsense
colour NO NO_COLOR=1 -- nonsense
colour YES NO_COLOR= -- nonsense
colour NO TERM=dumb -- nonsense
colour NO TERM= -- nonsense
colour YES TERM=dumb CLICOLOR_FORCE=1 -- nonsense
colour YES TERM=dumb FORCE_COLOR=1 -- nonsense
colour NO TERM=dumb FORCE_COLOR=0 -- nonsense
colour NO NO_COLOR=1 CLICOLOR_FORCE=1 FORCE_COLOR=1 -- nonsense
colour YES NO_COLOR=1 -- --color always nonsense
colour NO CLICOLOR_FORCE=1 -- --color=never nonsense
colour NO CLICOLOR_FORCE=1 -- --color auto --json nonsense
colour NO -- --color always --json nonsense
$node nonsense 2>&1 | grep -q "$esc" && fail "colour in a pipe"
FORCE_COLOR=1 $node nonsense 2>&1 | grep -q "$esc" || fail "no forced colour"

# A chat on a terminal that can do no more than lines; tool-chat-line.sh and
# tool-chat-screen.sh have the others.
export TERM=dumb
mkfifo "$tmp/keys" "$tmp/peer.in"
script -qfec "$chat -l $here -n 'Alice B.'" "$tmp/chat.out" <"$tmp/keys" \
    >/dev/null 2>&1 &
term=$!
pids="$pids $term"
exec 7>"$tmp/keys"
until_holds 'has "$tmp/chat.out" "invite: p2p-chat -c .*[a-zA-Z0-9]"'
to=$(sed -n 's/^invite: p2p-chat -c \([^[:space:]]*\).*/\1/p' "$tmp/chat.out" |
    head -n 1)
echo early >&7
until_holds 'has "$tmp/chat.out" "nobody here yet"'
$chat -l $here -c "$to" <"$tmp/peer.in" >"$tmp/peer.out" 2>"$tmp/peer.err" &
peer=$!
pids="$pids $peer"
exec 8>"$tmp/peer.in"
until_holds 'has "$tmp/peer.out" "	early$"'
until_holds 'has "$tmp/chat.out" "^[0-9:]* <Alice B.~......> early"'
printf 'a\033]0;title\007b\n' >&8
r='\\u{FFFD}'
until_holds 'has "$tmp/chat.out" "^[0-2][0-9]:[0-5][0-9] <......> a$r\]0;title${r}b"'
# One after another: what is typed is echoed into what is said.
asks() {
	echo "$1" >&7
	until_holds "has '$tmp/chat.out' '^-!- $2'"
}
asks /help "//TEXT "
asks /frob "no such command: /frob"
asks "/nick Bob" "you are Bob now"
asks /connect "/connect wants"
asks /peers "[^ ]\{6\} 12D3"
echo //late >&7
until_holds 'has "$tmp/peer.out" "	/late$"'
until_holds 'has "$tmp/chat.out" "^[0-9:]* <Bob~......> /late"'
lines "$tmp/peer.out" 3 && fail "a command was sent"
echo /quit >&7
until_holds 'has "$tmp/peer.err" "has left"'
ends $term 0
exec 8>&-
ends $peer 0
echo "ok: on a terminal"
