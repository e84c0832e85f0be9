#!/bin/bash
# no_overcommit.sh COMMAND...: runs it while the machine promises no more memory than it has (vm.overcommit_memory=2).
# Exit status 77 (skipped) where that cannot be switched. Alone: other programs may want promises.
set -euo pipefail
policy=/proc/sys/vm/overcommit_memory
before=$(<$policy)
restore() { echo "$before" >$policy; }
if ! echo 2 2>/dev/null >$policy; then
  echo "skipped: $policy cannot be written here"
  exit 77
fi
trap restore EXIT
[[ $(<$policy) == 2 ]]
"$@"
