#!/bin/bash
# container.sh MEGABYTES COMMAND...: runs it in a memory control group of that size, which kills what needs more.
# Exit status 77 (skipped) where no such group can be made.
set -euo pipefail
bytes=$(($1 << 20))
shift
if [[ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]]; then
  group=/sys/fs/cgroup/memory/masu-test-$$ limit=memory.limit_in_bytes
else
  group=/sys/fs/cgroup/masu-test-$$ limit=memory.max
fi
if ! mkdir "$group" 2>/dev/null; then
  echo "skipped: no control group can be made here"
  exit 77
fi
trap 'rmdir "$group"' EXIT
if ! echo "$bytes" 2>/dev/null >"$group/$limit"; then
  echo "skipped: no memory limit can be set in $group"
  exit 77
fi
(echo "$BASHPID" >"$group/cgroup.procs" && exec "$@")
