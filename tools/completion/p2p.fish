# fish completion of p2p-node and p2p-chat.  All that it knows is what --help of
# the very program says, so that it is never behind.
function __p2p_help
	awk -v option="$argv[1]" '
@HELP@
	'
end

function __p2p
	set -l words (commandline -opc)
	set -l cur (commandline -ct)
	set -l prev $words[-1]
	set -l before ''
	set -l tool (string replace -r '^~/' "$HOME/" -- $words[1])
	type -q $tool; or return
	set -l help ($tool --help 2>/dev/null </dev/null)
	set -l known (printf '%s\n' $help | __p2p_help '')
	for w in $words[2..-1]
		string match -qr '^[a-z]' -- $w
		and string match -q -- $w\t'*' $known
		or continue
		set help ($tool $w --help 2>/dev/null </dev/null)
		set known (printf '%s\n' $help | __p2p_help '')
		break
	end
	if string match -qr '^--.*=' -- $cur
		set before (string replace -r '=.*' '=' -- $cur)
		set prev (string replace -r '=.*' '' -- $cur)
		set cur (string replace -r '^[^=]*=' '' -- $cur)
	end
	set -l takes
	if string match -qr '^-' -- $prev
		set takes (printf '%s\n' $help | __p2p_help $prev)
	end
	switch "$takes[1]"
		case ''
			printf '%s\n' $known
		case 'FILE*'
			printf '%s\n' $before(__fish_complete_path $cur)
		case 'LIST*'
			set before $before(string replace -r '[^,]*$' '' -- $cur)
			printf '%s\n' $before$takes[2..-1]
		case '*'
			printf '%s\n' $before$takes[2..-1]
	end
end

complete -c p2p-node -f -a '(__p2p)'
complete -c p2p-chat -f -a '(__p2p)'
