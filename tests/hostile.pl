# Text that does harm, for the tests of p2p-chat: every byte, every control, format
# and odd character, sequences that drive terminals, broken UTF-8, marks in heaps;
# a line each.
use strict;
use warnings;

my @l = map { "b" . chr($_) . "e" } grep { $_ != 10 } 0 .. 255;
my @c = (0x80 .. 0x9f, 0xad, 0x600 .. 0x605, 0x61c, 0x6dd, 0x70f, 0x180e,
    0x200b .. 0x200f, 0x2028 .. 0x202e, 0x2060 .. 0x206f, 0xfeff,
    0xfff9 .. 0xfffb, 0xfffe, 0xffff, 0xe000, 0x110bd, 0x13430, 0x1bca0,
    0x1d173, 0xe0001, 0xe0020, 0xe007f, 0xf0000, 0x10ffff, 0x1f600);
for (@c) {
	my $s = chr; utf8::encode($s);
	push @l, "c${s}e";
}
push @l, "\e[31mred\e[0m", "\e]0;title\a", "\e]8;;http://x\e\\x",
    "\eP+q\e\\", "\x9b31m", "\r\rover\rwritten", "a\bb\x7f", "tab\tbed",
    "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5",
    "\xe2\x82", "\xf0\x9f\x98", "z" . "\xcc\x81" x 500, "\xcc\x81first",
    "%s%n%x", "\\u001b \" \\", "{\"schema\":1}", "<\@>";
print "$_\n" for @l;
