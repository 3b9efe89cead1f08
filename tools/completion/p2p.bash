# bash completion of p2p-node and p2p-chat.  All that it knows is what --help of
# the very program says, so that it is never behind.
_p2p_help() {
	awk -v option="${1-}" '
@HELP@
	'
}

_p2p() {
	local tool=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD-1]} before= help words takes w
	# bash makes three words of --key=FILE.
	[[ $prev != = ]] || prev=${COMP_WORDS[COMP_CWORD-2]}
	[[ $cur != = ]] || cur=
	[[ $tool != '~'/* ]] || tool=$HOME/${tool#*/}
	COMPREPLY=()
	help=$("$tool" --help 2>/dev/null </dev/null) || return 0
	words=$(_p2p_help <<<"$help" | cut -f 1)
	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $w == [a-z]* && $'\n'$words$'\n' == *$'\n'"$w"$'\n'* ]] ||
		    continue
		help=$("$tool" "$w" --help 2>/dev/null </dev/null) || return 0
		words=$(_p2p_help <<<"$help" | cut -f 1)
		break
	done
	[[ $prev == -* ]] && takes=$(_p2p_help "$prev" <<<"$help")
	case $takes in
	'') ;;
	FILE*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	*)
		[[ $takes != LIST* ]] || before=${cur%"${cur##*,}"}
		words=$(tail -n +2 <<<"$takes") ;;
	esac
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$words" -- \
	    "${cur#"$before"}")
}

complete -F _p2p p2p-node p2p-chat
