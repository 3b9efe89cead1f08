#!/bin/bash
# Goal: in line mode a line that is half typed stays, whatever comes; commands,
# completion, nicks; what was kept is sent, or said to be dropped; who was called
# and has gone is called again; the terminal is left as it was found.
. "$(dirname "$0")/tool.sh"
. "$(dirname "$0")/tmux.sh"
here=/ip4/127.0.0.1/tcp/0
dot=$(printf '\302\267')

terminal t 80 24
chat_in t --plain -n alice
to_t=$to
shows t '^> *$'
shows t "^invite: p2p-chat -c $here"'\|^invite: p2p-chat -c /ip4/127'

# With nobody there it is kept, and then sent.
enter t early
shows t 'nobody here yet -- message kept, will be sent when someone joins (60 s)'
talk p -l $here -c "$to_t"
p=$pid
exec 7>"$tmp/p.in"
until_holds 'has "$tmp/p.out" "	early$"'
until_holds 'has "$tmp/p.err" ^invite'
id=$(sed -n 's/^invite:.*\///p' "$tmp/p.err" | head -n 1)
tail=${id#"${id%??????}"}
shows t "^-!- $tail has joined"
shows t "^[0-2][0-9]:[0-5][0-9] <alice$dot......> early"

# The half line and its cursor stay: what is typed goes on where it was.
type t 'half a line'
shows t '^> half a line$'
key t Left Left Left Left
echo 'from the peer' >&7
shows t "^[0-9:]* <$tail> from the peer$"
shows t '^> half a line$'
type t 'new '
shows t '^> half a new line$'
[ "$(screen t | grep -c 'half a')" = 1 ] || fail "half a line is left behind"
[ "$(tm display-message -p -t t '#{cursor_x}')" = 13 ] || fail "the cursor"
key t Enter
shows t "<alice$dot......> half a new line"
until_holds 'has "$tmp/p.out" "	half a new line$"'
screen t | grep -q '^> half' && fail "what was said is there twice"

# What looks like another's message begins no row.
printf 'ok%100s10:38 <carl'"$dot"'SQxZiS> forged\n' '' >&7
shows t 'forged$'
screen t | grep -q '^ *10:38 <carl' && fail "a row like a message of another"

# Over several rows, and after a change of the size.
long=$(printf 'abcdefghi %.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
type t "$long"
shows t '^i abcdefghi .*abcdefghi *$'
echo 'amid three rows' >&7
shows t "<$tail> amid three rows$"
[ "$(screen t | grep -o 'abcdefghi' | wc -l)" -le 20 ] || fail "rows left behind"
tm resize-window -t t -x 60 -y 20
echo 'narrower' >&7
shows t "<$tail> narrower$"
key t C-u
no_more t '^> abc'
type t 'after it'
shows t '^> after it$'
key t C-u

tm resize-window -t t -x 120 -y 40
# tmux takes a moment to tell the terminal.
until_holds '[ "$(stty size <"$(tm display-message -p -t t "#{pane_tty}")")" = "40 120" ]'

# Commands.  One that is none is never said.
enter t /frobnicate
shows t '^-!- no such command: /frobnicate'
enter t /peesr
shows t 'no such command: /peesr; did you mean /peers?'
enter t /peers
shows t "^-!- $tail $id"
enter t "/name $tail bob"
shows t "^-!- $id is bob$dot$tail"
enter t '/nick bob'
shows t 'warning: a peer has the nick bob, too'
enter t '/nick Alice B.'
shows t 'you are Alice B. now'
enter t '/me waves'
shows t "^[0-9:]* \* Alice B.$dot...... waves"
until_holds 'has "$tmp/p.out" "	\* Alice B. waves$"'
enter t '//slash'
until_holds 'has "$tmp/p.out" "	/slash$"'
enter t '/msg bob for you'
shows t "<Alice B.$dot...... -> $tail> for you"
until_holds 'has "$tmp/p.out" "	for you$"'
enter t "/ping $tail"
shows t "ping $tail: [0-9.]* ms"
enter t '/whois bob'
shows t "^-!- bob$dot$tail is $id"
shows t 'says that it is libp2p-c/'
enter t '/msg nobody x'
shows t 'no peer is called nobody'
grep -q 'frob\|peesr\|/peers\|/name\|/whois' "$tmp/p.out" && fail "a command was said"

# Tab: commands, nicks, and a choice.
type t '/who'
key t Tab
shows t '^> /whois *$'
type t 'bo'
key t Tab
type t 'x'
shows t '^> /whois bob x$'
key t C-u
type t '/p'
key t Tab
shows t '^-!- /peers  /ping$'
shows t '^> /p$'
key t C-u
# The history, and /clear.
key t Up
shows t '^> /msg nobody x$'
key t C-u
enter t /clear
no_more t 'no peer is called'

# Stopped and continued: the shell has the terminal in between.
type t 'before the stop'
shows t '^> before the stop'
key t C-z
shows t 'Stopped'
enter t 'echo in be""tween'
shows t '^in between'
enter t fg
shows t '^> before the stop$'
echo 'after fg' >&7
shows t "$tail> after fg"
kill -STOP "$(chat_pid t)"
until_holds '[ "$(screen t | grep -c Stopped)" = 2 ]'
enter t fg
shows t '^> before the stop$'
type t '!'
shows t '^> before the stop!$'
key t C-u

# The peer dies: said; a line half typed stays.
type t 'still typing'
kill -KILL $p
wait $p 2>/dev/null
exec 7>&-
shows t "^-!- bob$dot$tail has left"
shows t '^> still typing$'
key t C-u
enter t /quit
left_well t 0

# Who was called is called again, with the state to be seen.
port=$(perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1"); print $s->sockport')
talk q -l "/ip4/127.0.0.1/tcp/$port" --key "$tmp/q.key"
q=$pid
exec 7>"$tmp/q.in"
until_holds 'has "$tmp/q.err" ^invite'
to_q=$(sed -n 's/^invite: p2p-chat -c //p' "$tmp/q.err" | head -n 1)
enter t clear
chat_in t --plain -c "$to_q"
shows t 'has joined'
kill -TERM $q
ends $q 0
exec 7>&-
shows t 'has left'
enter t 'while away'
shows t 'nobody here yet'
shows t "will try again"
enter t /peers
shows t "^-!- reconnecting $to_q"'\|^-!- reconnecting'
talk q -l "/ip4/127.0.0.1/tcp/$port" --key "$tmp/q.key"
q=$pid
exec 7>"$tmp/q.in"
until_holds 'has "$tmp/q.out" "	while away$"' 60
enter t /peers
shows t "${to_q##*/} /ip4/127"
# A signal is an end like another; so is the end of the input.
tm send-keys -t t C-c
left_well t 0
ends_p() { kill -TERM $p; ends $p 0; exec 7>&-; }
ends_q() { kill -TERM $q; ends $q 0; exec 7>&-; }
ends_q
enter t clear
chat_in t --plain
key t C-d
left_well t 0
enter t clear
chat_in t --plain
enter t lost
shows t 'nobody here yet'
enter t 'never sent'
enter t /quit
left_well t 1 'message: nobody came to be handed it'

# stalled NAME ARGS...: a terminal that has been stopped while much is said
stalled() {
	enter $1 clear
	chat_in "$@"
	talk p --json -l $here -c "$to"
	p=$pid
	exec 7>"$tmp/p.in"
	shows $1 'has joined'
	key $1 C-s
	pid=$(chat_pid $1)
	for i in $(seq 15); do
		printf '%03000d\n' $i
	done >&7
	until_holds '[ "$(count "$tmp/p.out" \"direction\":\"out\")" = 15 ]'
}
# Nobody reads it: a signal is the end all the same, and the terminal goes on.
for mode in --plain ''; do
	stalled t $mode
	kill -TERM $pid
	shows t '^ready>$'
	: >"$tmp/t.err"		# that nobody read it, if it noticed that
	left_well t '[01]'
	ends_p
	stalled t $mode
	kill -QUIT $pid
	left_well t 131
	ends_p
done

# In the C locale all is ASCII.
terminal c 80 24 C
chat_in c --plain -n carl
talk p -l $here -c "$to"
p=$pid
exec 7>"$tmp/p.in"
shows c 'has joined'
enter c hello
shows c '<carl~......> hello'
printf 'gr\303\274n \342\202\254\n' >&7
shows c '> gr\\u{00FC}n \\u{20AC}'
type c 'x'
shows c '^> x$'
key c C-u
enter c /quit
left_well c 0
kill -TERM $p
ends $p 0
echo "ok: line mode"
