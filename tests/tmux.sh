# Sourced by tests/tool-chat-*.sh, after tool.sh: terminals of a tmux of its own,
# each with a shell in it.  Nothing here waits but for what a screen shows.
command -v tmux >/dev/null || {
	echo "SKIP: no tmux"
	exit 77
}
utf8=C.UTF-8
tm() { TMUX_TMPDIR=$tmp LC_ALL=$utf8 tmux -u -f /dev/null "$@"; }
end_tmux() {
	tm kill-server 2>/dev/null
	cleanup
}
trap end_tmux EXIT
unset TMUX NO_COLOR ENV
# What curses never frees, and the names of functions in libedit.
printf 'leak:%s\n' libncursesw.so libtinfo.so wcsdup >"$tmp/lsan"
export LSAN_OPTIONS="suppressions=$tmp/lsan:print_suppressions=0"

# screen NAME: what it shows; lines_of NAME: and what has scrolled away
screen() { tm capture-pane -p -t "$1"; }
lines_of() { tm capture-pane -p -S - -t "$1"; }
# shows NAME PATTERN [SECONDS]: sooner or later
shows() {
	want="screen $1 | grep -q -e '$2'"
	tries=0
	until eval "$want"; do
		tries=$((tries + 1))
		[ $tries -lt $((${3:-30} * 20)) ] || {
			screen "$1"
			fail "$1 never shows $2"
		}
		sleep 0.05
	done
}
no_more() {
	until_holds "! screen $1 | grep -q -e '$2'"
}
# type NAME TEXT: keys as they are; key NAME KEY...: by name
type() { tm send-keys -t "$1" -l -- "$2"; }
key() {
	on=$1
	shift
	tm send-keys -t "$on" "$@"
}
enter() {
	type "$1" "$2"
	key "$1" Enter
}

# terminal NAME COLUMNS ROWS [LOCALE]: with a shell that says "ready>"
terminal() {
	name=$1
	tm new-session -d -s "$name" -x "$2" -y "$3" \
	    "cd '$PWD'; export P2P_HOME='$P2P_HOME' LC_ALL=${4:-$utf8} PS1='ready>'
	    unset ENV; exec bash --norc --noprofile -i" || fail "no tmux session"
	shows "$name" '^ready>'
}
# chat_in NAME ARGS...: a chat there; sets to, its address
chat_in() {
	name=$1
	shift
	enter "$name" clear
	until_holds '! screen "$name" | grep -q "p2p-chat"'
	tm clear-history -t "$name"
	enter "$name" "stty -g >'$tmp/$name.stty'; clear; $chat -l $here $* 2>'$tmp/$name.err'"
	until_holds 'lines_of "$name" | tr -d "\n " | grep -q "p2p-chat *-c */ip4/[0-9./a-z]*/p2p/12D3[A-Za-z0-9]\{48\}"'
	case " $* " in
	*' --plain '*) ;;
	*) until_holds '[ "$(tm display-message -p -t "$name" "#{alternate_on}")" = 1 ]' ;;
	esac
	to=$(lines_of "$name" | tr -d '\n ' |
	    sed 's/.*p2p-chat-c\(\/ip4\/[0-9./a-z]*\/p2p\/12D3[A-Za-z0-9]\{48\}\).*/\1/')
}
# chat_pid NAME: of the program in it
chat_pid() {
	ps -o pid= --ppid "$(tm display-message -p -t "$1" '#{pane_pid}')" |
	    head -n 1 | tr -d ' '
}
# left_well NAME STATUS [PATTERN]: it has ended so, and the terminal is as it
# was; on stderr is a line that fits, or nothing
left_well() {
	shows "$1" '^ready>$'
	enter "$1" 'echo en""ded $?'
	shows "$1" "^ended $2"
	if [ -n "${3-}" ]; then
		has "$tmp/$1.err" "$3" || fail "$1: stderr without $3"
	else
		[ ! -s "$tmp/$1.err" ] ||
		    fail "$1: stderr: $(cat "$tmp/$1.err")"
	fi
	enter "$1" "stty -g | cmp -s - '$tmp/$1.stty' && echo same ter\"\"minal"
	shows "$1" "^same terminal"
	[ "$(tm display-message -p -t "$1" '#{alternate_on} #{cursor_flag}')" = "0 1" ] ||
	    fail "$1: the screen is not as it was"
}
# harmless FILE: of capture-pane -e; nothing that drives a terminal, but for the
# colours that we have, and no character that misleads
harmless() {
	perl -ne '
	utf8::decode($_) or die "broken UTF-8: $_";
	s/\e\[[0-9;]*m|\x0f|\x0e//g;	# tmux writes colours so
	m/[\x00-\x08\x0b-\x1f\x7f-\x9f]|\p{Cf}|\p{Zl}|\p{Zp}|\p{Co}/ and
	    die sprintf "line %d has %04x\n", $., ord $&' "$1" \
	    2>"$tmp/why.err" || fail "unsafe: $(cat "$tmp/why.err")"
}
