#!/bin/bash
# setuid.sh PROGRAM: a setuid program (AT_SECURE) must ignore MASU_OPTIONS wholly; the same file without the bit obeys it.
set -euo pipefail
((EUID == 0)) || { echo "needs root to make a setuid program" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cp "$1" "$folder/program"
chmod 4755 "$folder/program"
as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups env MASU_OPTIONS=verbose=1:no_such_option=1 "$folder/program" 2>&1; }

output=$(as_nobody)
[[ -z $output ]] || { echo "a setuid program obeyed MASU_OPTIONS: $output" >&2; exit 1; }
chmod 755 "$folder/program"
output=$(as_nobody)
[[ $output == *'masu: version'* && $output == *no_such_option* ]] || { echo "the options had no effect without setuid: $output" >&2; exit 1; }
