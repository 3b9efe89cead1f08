#!/bin/sh
# Goal: whatever bytes a peer sends, a terminal is safe from them, and programs
# get them unchanged.
. "$(dirname "$0")/tool.sh"
here=/ip4/127.0.0.1/tcp/0

perl "$(dirname "$0")/hostile.pl" >"$tmp/corpus"

# For the sake of the memory that is measured at the end.
export ASAN_OPTIONS="${ASAN_OPTIONS-}:quarantine_size_mb=4"
mkfifo "$tmp/open"
exec 9<>"$tmp/open"
for name in pipe json; do
	[ $name = pipe ] && mode= || mode=--json
	$chat -l $here $mode <"$tmp/open" >>"$tmp/$name.out" \
	    2>"$tmp/$name.err" &
	pid=$!
	pids="$pids $pid"
	eval "$name=$pid"
done
until_holds 'has "$tmp/pipe.err" ^invite'
to_pipe=$(sed -n 's/^invite: p2p-chat -c //p' "$tmp/pipe.err" | head -n 1)
until_holds 'has "$tmp/json.out" listening'
address_of json
send() {
	$chat -l $here -c "$to" -c "$to_pipe" <"$1" >"$tmp/s.out" \
	    2>"$tmp/s.err" || fail "sending ${1##*/}"
}
# received N: it has gone for the N-th time, so all of it has come; the texts
# of the pipe, and those of the events as bytes
received() {
	until_holds '[ "$(count "$tmp/json.out" \"left\")" = '"$1"' ]'
	until_holds '[ "$(count "$tmp/pipe.err" "has left")" = '"$1"' ]'
	cut -f 4 "$tmp/pipe.out" >"$tmp/pipe.text"
	perl -ne 'next unless m/"text":"((?:[^"\\]|\\.)*)","direction":"in"/;
	my $s = $1;
	$s =~ s/\\(?:u(d[89ab]..)\\u(d[c-f]..)|u([0-9a-f]{4})|(.))/
	    defined $4 ? $4 : utf(defined $3 ? hex $3 :
	    0x10000 + ((hex($1) & 0x3ff) << 10) + (hex($2) & 0x3ff))/ge;
	print "$s\n";
	sub utf { my $c = chr shift; utf8::encode($c); $c }' "$tmp/json.out" \
	    >"$tmp/json.text"
}

# Neither mode puts out what drives a terminal: nothing below a blank but
# newlines, and the tabs between fields; no DEL, no C1, no format character.
send "$tmp/corpus"
received 1
sent=$(wc -l <"$tmp/corpus")
lines "$tmp/pipe.out" "$sent" || fail "lines are missing in the pipe"
cat "$tmp/pipe.out" "$tmp/pipe.err" "$tmp/json.err" >"$tmp/all"
perl -ne '
	utf8::decode($_) or die "broken UTF-8: $_";
	m/[\x00-\x08\x0b-\x1f\x7f-\x9f]|\p{Cf}|\p{Zl}|\p{Zp}|\p{Co}/ and
	    die sprintf "line %d has %04x\n", $., ord $&' "$tmp/all" \
    2>"$tmp/why.err" || fail "unsafe: $(cat "$tmp/why.err")"
perl -ne 'm/[^\n -~]/ and die "line $.\n"' "$tmp/json.out" ||
    fail "JSON is not printable ASCII"
grep -v '^[^	]*	[^	]*	[^	]*	[^	]*$' "$tmp/pipe.out" &&
    fail "a tab of the peer in the pipe"
is_json "$tmp/json.out"
# Valid UTF-8 comes back from JSON as it was, and only bytes that are none are
# replaced.
perl -e '
open my $a, "<", $ARGV[0]; open my $b, "<", $ARGV[1];
while (defined(my $w = <$a>)) {
	my $g = <$b>;
	my $d = $w;
	utf8::decode($d) && $w !~ /\xed[\xa0-\xbf]|\xf4[\x90-\xbf]/ or do {
		$g =~ /\xef\xbf\xbd/ or die "line $.: not replaced\n";
		next;
	};
	$g eq $w or die "line $.: $w came as $g\n";
}' "$tmp/corpus" "$tmp/json.text" 2>"$tmp/why.err" ||
    fail "not lossless: $(cat -v "$tmp/why.err")"

# Ends of the DOS kind, no end, none but ends; a line of the greatest length.
perl -e '
print "\n\r\n", "dos\r\n", "in\rside\n", "x" x 4096, "\n";
print "y" x 4096, "\r\n", "\r\n", "last without end"' >"$tmp/ends"
send "$tmp/ends"
received 2
tail -n 5 "$tmp/json.text" >"$tmp/json.last"
perl -e '
print "dos\n", "in\rside\n", "x" x 4096, "\n", "y" x 4096, "\n";
print "last without end\n"' | cmp - "$tmp/json.last" || fail "the ends of lines"
[ "$(wc -l <"$tmp/json.text")" = $((sent + 5)) ] || fail "an empty line was sent"
[ "$(tail -n 5 "$tmp/pipe.text" | awk '{ print length }' | tr '\n' ' ')" = \
    "3 9 4096 4096 16 " ] || fail "the ends of lines in the pipe"

# One of the user's that is too long is refused as a whole.
perl -e 'print "a\n", "x" x 4097, "\n", "y" x 20000, "\nz\n"' >"$tmp/long"
$chat -l $here -c "$to" <"$tmp/long" >"$tmp/s.out" 2>"$tmp/s.err"
[ $? = 1 ] || fail "what was refused counts as handed over"
[ "$(count "$tmp/s.err" "not sent: .* 4096 bytes")" = 2 ] || fail "two notices"
until_holds '[ "$(count "$tmp/json.out" \"left\")" = 3 ]'
[ "$(count "$tmp/json.out" '"text":"[az]"')" = 2 ] || fail "its neighbours"
has "$tmp/json.out" '"text":"x[^"]*xx"' && tail -n 4 "$tmp/json.out" |
    grep -q yyyy && fail "a part of a long line was sent"

# One of a peer's comes in pieces, cut between characters; what is no
# character is cut anywhere; a blank line and one without its end.
perl -e 'print "l" x 4095, "\xc3\xbc", "m" x 4094, "\xf0\x9f\x98\x80",
    "n" x 9000, "\n\n\r\n", "\x80" x 4100, "\r\nend\r"' >"$tmp/pieces"
: >"$tmp/json.out"
$raw send "$to" /chat/1.0.0 <"$tmp/pieces" || fail "raw"
until_holds 'has "$tmp/json.out" \"left\"'
is_json "$tmp/json.out"
sed -n 's/.*"text":"\(.*\)","direction":"in"}/\1/p' "$tmp/json.out" |
    sed 's/\\u..../u/g' | awk '{ print length, substr($0, 1, 2) substr($0, 
    length) }' | tr '\n' ' ' >"$tmp/pieces.out"
[ "$(cat "$tmp/pieces.out")" = "4095 lll 4095 umm 4094 uun 4096 nnn 812 nnn 4096 uuu 4 uuu 4 enu " ] ||
    fail "the pieces of a long line"
# Floods are shown as they come, and the memory stays where it is.
size() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pipe/status"; }
before=$(size)
yes "$(printf '%01000d' 0)" | head -n 40000 |
    $raw send "$to_pipe" /chat/1.0.0 || fail "a flood"
until_holds '[ "$(grep -c "	0000*$" "$tmp/pipe.out")" = 40000 ]'
[ "$(size)" -lt $((before + 20000)) ] || fail "from $before to $(size) kB"
kill -TERM $pipe $json
ends $pipe 0
ends $json 0
echo "ok: text from peers"
