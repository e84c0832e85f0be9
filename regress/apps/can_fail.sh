#!/bin/bash
# Do these runs notice anything? Each quick script must pass on a plain wrapper around glibc's malloc, and fail on the same wrapper
# with a fault in it, and with a library that replaces nothing. Arguments: the scripts to try (default: the quick ones).
. "$(dirname "$0")/lib.sh"
need gcc libc6-dev
unset MASU_EXPECT FAULT

gcc -O1 -Wall -Wextra -Werror -fno-builtin -shared -fPIC "$apps/broken_allocator.c" -o "$tmp/broken.so"
echo 'int nothing;' | gcc -xc -shared -fPIC - -o "$tmp/empty.so"

outcome() { # SCRIPT LIBRARY
  MASU_LIB=$tmp/$2.so timeout -k 5 200 "$apps/$1.sh" >"$tmp/outcome" 2>&1 && echo passed || echo failed
}
expect() { # WANTED SCRIPT LIBRARY
  local got
  got=$(outcome "$2" "$3")
  ! grep -aq ' on glibc: exit' "$tmp/outcome" || { tail -20 "$tmp/outcome" >&2; fail "$2 failed on glibc itself"; }
  [[ $got == "$1" ]] || { tail -5 "$tmp/outcome" >&2; fail "$2 $got on ${FAULT:-no fault} in $3.so"; }
  echo "$name: $2 $got on $3.so ${FAULT-}: $(grep -a -m1 FAILED "$tmp/outcome" || true)"
}
for script in ${*:-python sqlite3 perl ruby php git redis man sshd nginx node}; do
  expect passed "$script" broken
  expect failed "$script" empty
  FAULT=abort expect failed "$script" broken
done
for fault in realloc calloc overlap; do
  export FAULT=$fault
  caught=0
  for script in ${*:-python sqlite3 perl ruby php git redis}; do
    got=$(outcome "$script" broken)
    echo "$name: $script $got on $fault: $(grep -a -m1 FAILED "$tmp/outcome" || true)"
    [[ $got == passed ]] || caught=$((caught + 1))
  done
  ((caught > 0)) || fail "a wrong $fault was noticed by no script"
done
