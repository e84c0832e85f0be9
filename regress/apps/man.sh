#!/bin/bash
# man: a pipeline of helpers (decompressor, preconv, groff, ...) that man puts under its seccomp filter.
. "$(dirname "$0")/lib.sh"
need man-db groff-base
took_over /usr/bin/man --version
took_over /usr/bin/groff --version

{
  echo '.TH PAGE 1 2024-01-01 masu regress'
  for ((i = 0; i < 2000; i++)); do
    printf '.SH SECTION %d\nSome \\fBbold\\fR text number %d.\n.TP\n.B \\-\\-option%d\nWhat the option does, at some length.\n.TS\nl r.\na\t%d\n.TE\n' $i $i $i $i
  done
} | gzip >"$tmp/page.1.gz"
work() {
  run env MANWIDTH=80 /usr/bin/man -P cat -l "$tmp/page.1.gz"
  run /usr/bin/man -t -l "$tmp/page.1.gz" | grep -v -i date | sha256sum
  run /usr/bin/lexgrog "$tmp/page.1.gz" | sed 's,.*/,,' || true
}
compare work
