#!/bin/sh
# Goal: p2p-node tells a service manager when it listens and when it stops, by a
# path or an abstract name, and works as well without one that listens.
. "$(dirname "$0")/tool.sh"

# A manager in a few lines: each datagram becomes a line of the file.
cat >"$tmp/manager.pl" <<'X'
use Socket;
$| = 1;
my ($name) = @ARGV;
(my $path = $name) =~ s/^@/\0/;
# Perl pads a path with zeros, which would belong to an abstract name.
my $to = $name =~ /^@/ ? pack("Sa*", AF_UNIX, $path) : pack_sockaddr_un($path);
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($s, $to) or die "bind: $!";
print "bound\n";
while (defined recv($s, my $text, 4096, 0)) {
	$text =~ s/\n/ /g;
	print "$text\n";
}
X

# A file of an earlier run is taken for that of the next.
anew() { rm -f "$tmp"/*.out "$tmp"/*.err; }

# manages NAME: READY=1 comes when one can dial, STOPPING=1 at the end
manages() {
	anew
	start manager perl "$tmp/manager.pl" "$1"
	manager=$pid
	until_holds 'has "$tmp/manager.out" "^bound$"'
	NOTIFY_SOCKET=$1 start_node a
	until_holds 'has "$tmp/manager.out" "^READY=1$"'
	has "$tmp/manager.out" STOPPING && fail "$1: STOPPING before the end"
	expect 0 '"event":"summary"' ping --json -c 1 "$to"
	kill $pid
	ends $pid 0
	until_holds 'has "$tmp/manager.out" "^STOPPING=1$"'
	[ "$(tr '\n' ' ' <"$tmp/manager.out")" = 'bound READY=1 STOPPING=1 ' ] ||
	    fail "$1: other words, or another order"
	has "$tmp/a.err" NOTIFY_SOCKET && fail "$1: complains"
	kill -KILL $manager
	until_holds "ended $manager"
}
manages "$tmp/socket"
manages "@p2p-notify-$$-$(date +%s)"

# Not before it listens: one that cannot is never ready.
anew
start manager perl "$tmp/manager.pl" "$tmp/never"
until_holds 'has "$tmp/manager.out" "^bound$"'
NOTIFY_SOCKET="$tmp/never" $node run -l /ip4/192.0.2.1/tcp/1 \
    >"$tmp/out" 2>"$tmp/err" </dev/null && fail "listens on a foreign address"
sleep 0.2
has "$tmp/manager.out" READY && fail "READY of one that does not listen"

# Nobody there, or no name of a socket: said, and no reason to stop.
long=$(printf '/%0120d' 0)
for name in "$tmp/none" @p2p-none-$$ relative / @ "$long"; do
	anew
	NOTIFY_SOCKET=$name start_node b
	kill $pid
	ends $pid 0
	has "$tmp/b.err" 'NOTIFY_SOCKET: ' || fail "$name: nothing is said"
done
anew
NOTIFY_SOCKET='' start_node b
kill $pid
ends $pid 0
has "$tmp/b.err" NOTIFY_SOCKET && fail "no name, but talk of it"
echo "ok: READY=1 and STOPPING=1"
