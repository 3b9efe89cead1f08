#!/bin/bash
# Goal: the full screen: messages, peers, status and input at 80x24 and 40x10,
# through changes of the size, stops, floods and whatever peers send; in UTF-8
# and in the C locale; and the terminal is left as it was found.
. "$(dirname "$0")/tool.sh"
. "$(dirname "$0")/tmux.sh"
here=/ip4/127.0.0.1/tcp/0
dot=$(printf '\302\267')

# friend NAME ARGS...: one in a pipe, told what to say through fd 7; sets tail
friend() {
	talk "$@" -l $here
	exec 7<>"$tmp/$name.in"
	until_holds 'has "$tmp/'"$name"'.err" ^invite'
	id=$(sed -n 's/^invite:.*\///p' "$tmp/$name.err" | head -n 1)
	tail=${id#"${id%??????}"}
}
# row N: of the screen of t, from 1
row() { screen t | sed -n "$1p"; }
row_is() { until_holds 'row '"$1"' | grep -q -e "'"$2"'"'; }

terminal t 80 24
chat_in t -n alice
to_t=$to
row_is 23 "^ peers 0  alice$dot......"
row_is 24 '^>'
enter t early
shows t 'nobody here yet -- message kept'
row_is 23 '^ peers 0  kept 1  alice'
[ "$(tm display-message -p -t t '#{alternate_on}')" = 1 ] || fail "no full screen"

friend p -c "$to_t"
p=$pid
row_is 23 '^ peers 1  alice'
until_holds 'has "$tmp/p.out" "	early$"'
shows t "^[0-2][0-9]:[0-5][0-9] -!- $tail has joined"
shows t "^[0-2][0-9]:[0-5][0-9] <alice$dot......> early"
row_is 1 " $tail *\$"

# What is typed stays, cursor and all.
type t 'half a line'
row_is 24 '^> half a line$'
key t Left Left Left Left
echo 'from the peer' >&7
shows t "^[0-9:]* <$tail> from the peer"
row_is 24 '^> half a line$'
type t 'new '
row_is 24 '^> half a new line$'
[ "$(tm display-message -p -t t '#{cursor_x} #{cursor_y}')" = "13 23" ] ||
    fail "the cursor"
key t Enter
until_holds 'has "$tmp/p.out" "	half a new line$"'
row_is 24 '^>$'

# Keys of the editor; Tab; a command that is none.
type t 'abc def'
key t C-w
type t 'x'
key t Home
type t '1'
key t End BSpace
row_is 24 '^> 1abc *$'
key t C-u
key t Up
row_is 24 '^> half a new line$'
key t C-u
type t '/na'
key t Tab
type t "${tail%??}"
key t Tab
type t 'bob'
row_is 24 "^> /name $tail bob$"
key t Enter
shows t "is bob$dot$tail on this screen"
row_is 1 " bob$dot$tail"
enter t /frob
shows t 'no such command: /frob'
# Wide characters and marks.
type t 'grün 漢字 e'
row_is 24 '^> grün 漢字 e$'
key t Left BSpace BSpace
row_is 24 '^> grün 漢e$'
key t C-a C-k

# More than a screen: it scrolls, and looking back stays where one looks.
for i in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15; do
	enter t "line $i"
done
shows t '> line 15'
screen t | grep -q 'invite:' && fail "it has not scrolled"
key t PPage
row_is 23 'PgDn: [0-9]* more'
shows t invite:
before=$(row 1)
echo 'unseen for now' >&7
row_is 23 'PgDn: 2[2-9] more\|PgDn: [3-9][0-9]* more\|PgDn: 1[0-9] more'
[ "$(row 1)" = "$before" ] || fail "what one looks at has moved"
key t NPage NPage NPage
shows t 'unseen for now'
no_more t PgDn:

# Narrow: no peers beside; and wide again.
tm resize-window -t t -x 40 -y 10
row_is 9 '^ peers 1  alice'
row_is 10 '^>'
no_more t " bob$dot$tail *\$"
echo 'in the narrow one with more words than go into a row' >&7
shows t '^  | with more words than go into a row$'
# What looks like another's message begins no row.
printf 'ok%100s10:38 <carl'"$dot"'SQxZiS> forged\n' '' >&7
shows t 'forged$'
screen t | grep -q '^ *10:38 <carl' && fail "a row like a message of another"
type t 'one two three four five six seven eight nine ten'
row_is 10 '^< .*seven eight nine ten$'
key t C-u
tm resize-window -t t -x 80 -y 24
row_is 23 '^ peers 1  alice'
row_is 1 " bob$dot$tail"
# As small as it gets, it does not end.
tm resize-window -t t -x 3 -y 2
tm resize-window -t t -x 80 -y 24
row_is 23 '^ peers 1  alice'
enter t '/clear'
no_more t '> line'

# Stopped and continued.
type t 'before'
row_is 24 '^> before'
key t C-z
shows t Stopped
[ "$(tm display-message -p -t t '#{alternate_on}')" = 0 ] ||
    fail "a screen that is not its own while it is stopped"
enter t 'echo in be""tween'
shows t '^in between'
enter t fg
row_is 24 '^> before$'
row_is 23 '^ peers 1  alice'
# By somebody else, who can ask for nothing first; the shell's settings are
# those of the terminal until it is continued.
kill -STOP "$(chat_pid t)"
shows t Stopped
enter t fg
row_is 24 '^> before$'
type t ' again'
row_is 24 '^> before again$'
key t C-u C-l
row_is 23 '^ peers 1  alice'

# A peer that dies, and a call that is made again and again.
kill -KILL $p
wait $p 2>/dev/null
exec 7>&-
shows t "bob$dot$tail has left"
row_is 23 '^ peers 0  alice'
port=$(perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1"); print $s->sockport')
gone=/ip4/127.0.0.1/tcp/$port/p2p/$id
enter t "/connect $gone"
row_is 23 '^ peers 0  reconnecting 1  alice'
enter t /quit
left_well t 0

# Colours: those of names, when there are some; NO_COLOR.
terminal c 140 24
enter c 'export TERM=screen-256color'
chat_in c
friend p -c "$to"
p=$pid
echo coloured >&7
shows c '> coloured'
name_is_coloured() {
	tm capture-pane -p -e -t c >"$tmp/c.screen.out"
	grep -q "$(printf '\033')"'\[[0-9;]*38;5;[0-9]*m<'"$tail>" \
	    "$tmp/c.screen.out"
}
until_holds name_is_coloured
key c C-c
left_well c 0
enter c 'export NO_COLOR=1'
enter c clear
chat_in c -c "$(sed -n 's/^invite: p2p-chat -c //p' "$tmp/p.err" | head -n 1)"
shows c 'has joined'
echo without >&7
shows c '> without'
tm capture-pane -p -e -t c >"$tmp/c.screen"
grep -q "$(printf '\033')"'\[[0-9;]*\(3[0-7]\|38;5;[0-9]*\)m' "$tmp/c.screen" &&
    fail "a colour"
# Signals that end it, graceful or not.
kill -TERM "$(chat_pid c)"
left_well c 0
enter c clear
chat_in c
kill -QUIT "$(chat_pid c)"
left_well c 131
# The invitation is still there, whole.
[ "$(tm capture-pane -p -J -t c | grep -c "^invite: p2p-chat -c $to\$")" = 1 ] ||
    fail "no invitation after the end"
for s in HUP:129 USR1:138 PIPE:141 ALRM:142; do
	enter c clear
	chat_in c
	kill -${s%:*} "$(chat_pid c)"
	left_well c ${s#*:}
done
kill -TERM $p
ends $p 0
exec 7>&-

# In the C locale: ASCII, and no more.
terminal n 80 24 C
chat_in n -n "$(printf 'k\303\251')"
row_of_n() { screen n | sed -n 23p | grep -q '^ peers 0  k\\u{00E9}~......$'; }
until_holds row_of_n
enter n '/nick carl'
friend p -c "$to"
p=$pid
printf 'gr\303\274n\n' >&7
shows n 'gr\\u{00FC}n'
enter n hello
shows n '<carl~......> hello'
enter n /quit
left_well n 0
kill -TERM $p
ends $p 0
echo "ok: the full screen"
