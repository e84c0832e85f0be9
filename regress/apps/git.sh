#!/bin/bash
# git: clone of a local repository through its own protocol, gc with many delta threads, log, blame, fsck.
. "$(dirname "$0")/lib.sh"
need git
export HOME=$tmp GIT_CONFIG_NOSYSTEM=1
unset "${!GIT_DIR@}" "${!GIT_INDEX@}" "${!GIT_WORK@}"
took_over /usr/bin/git version --build-options

# A repository of 400 commits over 60 files, made in one go from a deterministic stream.
awk 'BEGIN {
  for (c = 1; c <= 400; c++) {
    printf "commit refs/heads/main\nmark :%d\ncommitter A U Thor <a@example.org> %d +0000\ndata <<E\ncommit %d\nE\n", c, 1600000000 + c * 60, c
    for (k = 0; k < 4; k++) {
      f = (c * 7 + k * 13) % 60
      printf "M 100644 inline dir%d/file%d.txt\ndata <<E\n", f % 6, f
      for (l = 0; l < 120; l++) printf "line %d of file %d, version %d\n", l, f, (l + c) % 9 == 0 ? c : 0
      print "E"
    } } }' >"$tmp/stream"

work() {
  run git init -q -b main origin
  run git -C origin fast-import --quiet <"$tmp/stream"
  run git clone -q --no-local origin copy
  cd copy
  run git -c pack.threads=4 gc -q --aggressive --prune=now
  run git fsck --full --strict --no-progress
  run git log --stat --graph | sha256sum
  run git log -p --no-color -S'version 77' | sha256sum
  run git blame -l dir0/file0.txt | sha256sum
  run git diff --stat -M HEAD~200 HEAD
  run git grep -c 'version 39' HEAD~1 | sha256sum
  run git rev-list --objects --all | sort | sha256sum
}
compare work
