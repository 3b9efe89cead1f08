# Sourced: the C examples of the manual, as files.

# examples MAN DIR: DIR/PAGE-N.c, the N-th display of a page's EXAMPLES with a
# main()
examples() {
	mkdir -p "$2"
	for p in "$1"/*.3; do
		b=$(basename "$p" .3)
		awk -v out="$2/$b" '
/^\.Sh/ { sec = $2 }
sec == "EXAMPLES" && /^\.Bd.*-literal/ { f = out "-" ++n ".c"; next }
/^\.Ed/ { f = "" }
f { gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047")
    gsub(/\\\(dq/, "\""); gsub(/\\e|\\\(rs/, "\\"); print > f }' "$p"
	done
	for f in "$2"/*.c; do
		grep -q 'main(' "$f" || rm -f "$f"
	done
}
