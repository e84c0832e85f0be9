# Hashes, strings, regular expressions, sorting, closures. Usage: words.pl [ROUNDS]
use strict; use warnings;
for my $round (1 .. ($ARGV[0] // 1)) {
  my (%count, @list);
  for my $i (1 .. 120_000) {
    my $word = "w" . ($i * 7919 % 30_011);
    $count{$word}{n}++;
    push @{ $count{$word}{at} }, $i;
    push @list, [ $word, $i ] if $i % 3 == 0;
  }
  my $text = join ",", map { "$_->[0]:$_->[1]" } sort { $a->[0] cmp $b->[0] || $a->[1] <=> $b->[1] } @list;
  my %back = map { split /:/ } split /,/, $text;
  my @made = map { my $w = $_; sub { $w . length $text } } keys %back;
  die unless keys %count == 30_011 && $made[0]->();
}
