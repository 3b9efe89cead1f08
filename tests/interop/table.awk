# The results of run, tab-separated, as a table in Markdown: a row for what was
# tried, a column for each peer.  A line is result, peer, direction, security, muxer,
# family, what it was, its time or the reason why it is not possible.
function row(what) {
	if (what == "basic")
		return $4 ", " $5
	if (what ~ / key$/ && what !~ /pnet/)
		return key_type(what) " keys"
	if (what ~ /pnet/)
		return "private network"
	if (what == "IPv6")
		return what
	return "100 MiB, 50 streams, perf, reset"
}
function key_type(what,   part) {
	split(what, part, " ")
	return part[2]
}
{
	r = row($7)
	if (!(r in seen)) {
		seen[r] = 1
		rows[++n] = r
	}
	if ($1 == "OK")
		ok[r, $2, $3] = 1
	else if ($1 == "FAIL")
		bad[r, $2] = 1
	else {
		if (!($8 in note)) {
			note[$8] = ++notes
			text[notes] = $8
		}
		if (index(marks[r, $2], "[" note[$8] "]") == 0)
			marks[r, $2] = marks[r, $2] " [" note[$8] "]"
	}
	any[r, $2] = 1
}
END {
	m = split(peers, peer, " ")
	split(names, name, "\t")
	printf "|"
	for (j = 1; j <= m; j++)
		printf " | %s", name[j]
	printf " |\n|---"
	for (j = 1; j <= m; j++)
		printf "|---"
	print "|"
	for (i = 1; i <= n; i++) {
		r = rows[i]
		printf "| %s", r
		for (j = 1; j <= m; j++) {
			p = peer[j]
			d = (r, p, "we dial") in ok
			l = (r, p, "we listen") in ok
			c = (r, p) in bad ? "fails" : \
			    d && l ? "both ways" : d ? "we dial" : \
			    l ? "we listen" : (r, p) in any ? "no" : ""
			printf " | %s%s", c, marks[r, p]
		}
		print " |"
	}
	if (notes > 0)
		print ""
	for (i = 1; i <= notes; i++)
		all = all sprintf("[%d] %s%s ", i, text[i], i < notes ? ";" : ".")
	line = ""
	m = split(all, word, " ")
	for (i = 1; i <= m; i++) {
		if (length(line) + length(word[i]) > 84) {
			print line
			line = ""
		}
		line = line (line == "" ? "" : " ") word[i]
	}
	if (notes > 0)
		print line
}
