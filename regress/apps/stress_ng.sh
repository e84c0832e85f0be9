#!/bin/bash
# stress-ng --malloc: two verifying workers with threads of their own, a fixed number of operations, then the same with fork.
. "$(dirname "$0")/lib.sh"
need stress-ng
took_over /usr/bin/stress-ng --version

# The verdict lines, without what differs in every run (pid, time).
stress() { run /usr/bin/stress-ng "$@" --verify --timeout 40 2>&1 | sed -E 's/^stress-ng: //; s/\[[0-9]+\]//; s/in [0-9.]+s.*//' | grep -Ei 'fail|passed|completed|error' | sort; }
work() {
  stress --malloc 2 --malloc-bytes 256M --malloc-max 8192 --malloc-ops 20000
  stress --malloc 2 --malloc-bytes 64M --malloc-pthreads 2 --malloc-ops 20000
  stress --malloc 1 --malloc-bytes 16M --malloc-touch --malloc-ops 1000
  stress --fork 2 --fork-ops 1000
}
compare work
