#!/bin/sh
# Goal: each shell completes every command and option that --help has, the
# choices that it names, and files where they belong.  A shell that is not here
# is said to be left out.
. "$(dirname "$0")/tool.sh"
here=$(cd "$(dirname "$node")" && pwd)
PATH=$here:$PATH
made=$PWD/tools/completion
mkdir -p "$P2P_HOME" "$tmp/files"
touch "$tmp/files/a key" "$tmp/files/another"
cd "$tmp/files" || exit 99

# complete_SHELL LINE: what may follow the line, one a line
cat >"$tmp/bash" <<'X'
. "$1/bash/${2%% *}"
wait_for=$(complete -p "${2%% *}" | sed 's/.* -F \([^ ]*\).*/\1/')
# As bash splits a line: at blanks, and around =.
read -ra COMP_WORDS <<<"${2//=/ = }"
[[ $2 != *[\ =] ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
"$wait_for"
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
X
complete_bash() { bash "$tmp/bash" "$made" "$1"; }

cat >"$tmp/fish" <<'X'
source $argv[1]/fish/(string replace -r ' .*' '' -- $argv[2]).fish
complete -C $argv[2]
X
complete_fish() {
	HOME=$tmp fish --no-config "$tmp/fish" "$made" "$1" |
	    sed 's/	.*//; s/^--[a-z]*=//'
}

# The function with the words that zsh would give it; what zsh would be told.
cat >"$tmp/zsh" <<'X'
compset() {
	case $*[-1] in
	'*=') PREFIX=${PREFIX#*=} ;;
	'*,') before=${PREFIX%${PREFIX##*,}}; PREFIX=${PREFIX##*,} ;;
	esac
}
compadd() {
	while [[ $1 != -- ]]; do shift; done; shift
	print -rl -- ${before}${(M)^@:#$PREFIX*}
}
_files() { print -rl -- ${PREFIX}*(N); }
_describe() {
	local name=$*[-1]
	local -a list
	list=(${(P)name})
	list=(${(M)list:#$PREFIX*})
	print -rl -- ${list%%:*}
}
complete_it() { source $1/zsh/_p2p; }
words=("${(@s: :)2}")
CURRENT=${#words} PREFIX=${words[-1]}
complete_it $1
X
complete_zsh() { zsh -f "$tmp/zsh" "$made" "$1"; }

# offers LINE WORD...: each is among what follows
offers() {
	line=$1
	shift
	"complete_$shell" "$line" >"$tmp/offered.out" 2>"$tmp/offered.err"
	for w in "$@"; do
		grep -qxF -e "$w" "$tmp/offered.out" ||
		    fail "$shell: $line: no $w"
	done
	[ ! -s "$tmp/offered.err" ] || fail "$shell: $line: it complains"
}
# offers_only LINE WORD...: the same, and nothing else
offers_only() {
	offers "$@"
	[ "$(sed '/^$/d' "$tmp/offered.out" | wc -l)" = $(($# - 1)) ] ||
	    fail "$shell: $line: $(echo $(cat "$tmp/offered.out"))"
}

# options, commands: of a help
options() {
	sed -n 's/^  \(-.*[^ ]\)   *[^ ].*/\1/p' | sed 's/ [A-Z=]*$//' |
	    grep -o -e '-\(-[a-z][a-z-]*\|[a-z]\)\>' | sort -u
}
commands() { sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'; }

check_all() {
	offers 'p2p-chat -' $(p2p-chat --help | options)
	offers 'p2p-node ' $(p2p-node --help | commands)
	offers 'p2p-node -' $(p2p-node --help | options)
	for c in $(p2p-node --help | commands); do
		offers "p2p-node $c -" $(p2p-node $c --help | options)
		[ -z "$(p2p-node $c --help | commands)" ] ||
		    offers "p2p-node $c " $(p2p-node $c --help | commands)
	done
	# What one command has, another need not be offered.
	"complete_$shell" 'p2p-node id --' | grep -q -e --listen &&
	    fail "$shell: id --listen"
	offers_only 'p2p-node run --li' --limit --listen
	offers_only 'p2p-node key n' new
	offers_only 'p2p-node run --json --dht ' off client server auto
	offers_only 'p2p-node key --type e' ed25519 ecdsa
	offers_only 'p2p-node ping --security tls,n' tls,noise
	offers_only 'p2p-node run --serve ' echo perf
	offers_only 'p2p-chat --muxer=y' yamux
	offers_only 'p2p-node run --key ' 'a key' another
	offers_only 'p2p-node run --key=an' another
	offers_only 'p2p-chat --pnet a' 'a key' another
	offers_only 'p2p-chat -n '
	offers_only 'p2p-node ping -c '
}

# fish quotes a name, or not, as it pleases.
for shell in bash zsh fish; do
	$shell -c : >/dev/null 2>&1 || {
		echo "SKIP: no $shell"
		continue
	}
	check_all
	echo "ok: $shell, $(p2p-node --help | commands | wc -l) commands," \
	    "$(p2p-node --help | options | wc -l) options of p2p-node"
done
