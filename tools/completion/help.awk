# Reads --help.  Without option, the words that may follow, a line each, with a
# tab and what they mean; else what the option takes: nothing, or its kind, such
# as FILE, and for a LIST, MODE or TYPE a line for each choice of its text.
function put(word, means) {
	if (option == "")
		print word "	" means
}
NR == 1 && $NF ~ /^[a-z]+[|][a-z|]+$/ {
	n = split($NF, some, "|")
	for (i = 1; i <= n; i++)
		put(some[i], "")
}
/^  [a-z-]/ {
	text = substr($0, 3)
	sub(/ [(].*/, "", text)
	n = split(text, part, /   */)
	means = n > 1 ? part[n] : ""
	name = $1
	pair = sub(/,$/, "", name)
	put(name, means)
	if (pair)
		put($2, means)
	at = pair ? 3 : 2
	if (option == "" || (name != option && (!pair || $2 != option)) ||
	    $at !~ /^[A-Z]/)
		next
	print $at
	if ($at !~ /^(LIST|MODE|TYPE)$/)
		exit
	comma = 0
	for (i = at + 1; i <= NF && !last && $i !~ /^[(]/; i++) {
		word = $i
		last = sub(/;$/, "", word)
		was = comma
		comma = sub(/,$/, "", word)
		if (comma || was)
			print word
	}
	exit
}
