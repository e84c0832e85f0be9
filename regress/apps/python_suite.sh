#!/bin/bash
# CPython's own tests of threads, child processes and ctypes: every single test must end as it does on glibc.
. "$(dirname "$0")/lib.sh"
need python3
need "lib$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')-testsuite"
limit=${APP_LIMIT:-400}
took_over /usr/bin/python3 -c 'import test.test_threading, ctypes.test'

suite() {
  run /usr/bin/python3 -m test -v --timeout 300 "$1" >suite.log 2>&1 || true
  grep -E '\.\.\. (ok|FAIL|ERROR|skipped|expected failure)' suite.log | sed "s/'.*//" | sort -u
  grep -E '^(Ran [0-9]+ tests|== Tests result|Tests result|OK|FAILED)' suite.log | sed 's/ in [0-9.]*s$//'
}
test_threading() { suite test_threading; }
test_subprocess() { suite test_subprocess; }
test_ctypes() { suite test_ctypes; }
compare test_threading
compare test_subprocess
compare test_ctypes
