#!/bin/bash
# perl: strings, hashes, sorts, regular expressions, fork and interpreter threads.
. "$(dirname "$0")/lib.sh"
need perl
took_over /usr/bin/perl -e 1

cat >"$tmp/work.pl" <<'PERL'
use strict; use warnings; use threads; use Digest::SHA qw(sha1_hex);
sub work {
  my ($seed, $n) = @_;
  my ($x, %h, @a) = ($seed);
  for my $i (1 .. $n) {
    $x = ($x * 1103515245 + 12345) & 0x7fffffff;
    my $w = join '', map { chr(97 + (($x >> $_) & 15)) } 0 .. ($x % 17);
    push @{ $h{$w} }, "$i:" . 'x' x ($x % 400);
    delete $h{ $a[ $x % @a ] } if @a && $i % 3 == 0;
    push @a, $w;
  }
  my $text = join ',', map { "$_=" . join('|', @{ $h{$_} }) } sort keys %h;
  (my $upper = $text) =~ s/([a-c]+)x*/uc $1/ge;
  return sha1_hex($text) . ' ' . sha1_hex($upper) . ' ' . length($upper) . ' ' . scalar(() = $text =~ /b+c/g);
}
print work(1, 60000), "\n";
my @threads = map { my $s = $_; threads->create(sub { work($s, 8000) }) } 2 .. 5;
print $_->join, "\n" for @threads;
for my $s (6 .. 8) {
  my $pid = open(my $child, '-|') // die;
  if (!$pid) { print work($s, 5000), "\n"; exit 0 }
  print <$child>; close $child or die "child: $?";
}
PERL
work() { run env PERL_HASH_SEED=0 /usr/bin/perl "$tmp/work.pl"; }
compare work
