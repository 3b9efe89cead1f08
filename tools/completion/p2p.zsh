#compdef p2p-node p2p-chat
# zsh completion of p2p-node and p2p-chat.  All that it knows is what --help of
# the very program says, so that it is never behind.
_p2p_help() {
	awk -v option="$1" '
@HELP@
	'
}

_p2p() {
	local tool=${(Q)words[1]} prev=${words[CURRENT-1]} help w
	local -a known takes flags
	[[ $tool != '~'/* ]] || tool=$HOME/${tool#*/}
	help=$("$tool" --help 2>/dev/null </dev/null) || return 1
	known=(${(f)"$(_p2p_help '' <<<$help)"})
	for w in ${words[2,CURRENT-1]}; do
		[[ $w == [a-z]* && -n ${(M)known:#$w$'\t'*} ]] || continue
		help=$("$tool" $w --help 2>/dev/null </dev/null) || return 1
		known=(${(f)"$(_p2p_help '' <<<$help)"})
		break
	done
	if [[ $PREFIX == --*=* ]]; then
		prev=${PREFIX%%=*}
		compset -P 1 '*='
	fi
	[[ $prev == -* ]] && takes=(${(f)"$(_p2p_help $prev <<<$help)"})
	case ${takes[1]} in
	'')
		known=(${known//:/\\:})
		known=(${known/$'\t'/:})
		known=(${known%:})
		flags=(${(M)known:#-*})
		known=(${known:#-*})
		_describe 'command' known
		_describe -o 'option' flags ;;
	FILE*)
		_files ;;
	LIST*)
		compset -P '*,'
		compadd -- ${takes[2,-1]} ;;
	*)
		compadd -x ${takes[1]} -- ${takes[2,-1]} ;;
	esac
}

_p2p "$@"
