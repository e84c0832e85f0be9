# Shared by the real-program runs of this folder; each script sources it first. A script names its Debian packages (`need`),
# proves that the preload replaced malloc in its program (`took_over`, for servers also `took_over_pid`), and gives a function
# to `compare`, which runs it on glibc and on the preload and demands equal output and a clean exit from both.
# With the debug lane nothing may be reported in any process of the run, known_faults.txt aside.
#   MASU_LIB     the library to preload (default: build/release/libmasu.so of this repository)
#   MASU_EXPECT  the allocator inside it (default: masu, whose version line is then demanded as well)
set -euo pipefail

apps=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=$(basename "$0" .sh)
MASU_LIB=$(realpath -m "${MASU_LIB:-$apps/../../build/release/libmasu.so}")
MASU_EXPECT=${MASU_EXPECT:-masu}
limit=${APP_LIMIT:-120} # seconds that one program run may take
side=glibc
unset LD_PRELOAD
export LC_ALL=C.UTF-8 TZ=UTC

fail() {
  echo "$name: FAILED: $*" >&2
  exit 1
}

[[ -r $MASU_LIB ]] || fail "no library at $MASU_LIB; build it or set MASU_LIB"
tmp=$(mktemp -d)
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
reports=$tmp/reports
if [[ $MASU_LIB == *-debug.so ]]; then
  install -m 666 /dev/null "$reports"
  export MASU_OPTIONS=report=$reports:suppressions=$apps/known_faults.txt
fi

# need PACKAGE...: installs what is missing, without letting the packages start their services.
need() {
  local missing=() package policy=/usr/sbin/policy-rc.d guard=
  for package; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true) == *' installed' ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || fail "missing packages: ${missing[*]} (run as root, or: apt-get install ${missing[*]})"
  echo "$name: installing ${missing[*]}"
  if [[ ! -e $policy ]]; then
    guard=$policy
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
  fi
  apt_install "${missing[@]}" || { apt-get -qq update && apt_install "${missing[@]}"; } || {
    rm -f $guard
    tail -5 "$tmp/apt.log" >&2
    fail "cannot install ${missing[*]}"
  }
  rm -f $guard
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "$@" \
    >"$tmp/apt.log" 2>&1 </dev/null
}

# preloaded COMMAND...: one short run with the dynamic linker's own log, which names the library that every symbol came from.
preloaded() {
  local status=0
  rm -f "$tmp"/linker.*
  timeout -k 5 60 env LD_DEBUG=libs,bindings LD_DEBUG_OUTPUT="$tmp/linker" LD_PRELOAD="$MASU_LIB" \
    MASU_OPTIONS="${MASU_OPTIONS:+$MASU_OPTIONS:}verbose=1" "$@" >"$tmp/start" 2>&1 </dev/null || status=$?
  ((status == 0)) || { tail -5 "$tmp/start" >&2; fail "exit status $status from: $*"; }
  grep -qsF "calling init: $MASU_LIB" "$tmp"/linker.* || fail "$MASU_LIB was not loaded by: $*"
  [[ $MASU_EXPECT != masu ]] || grep -q '^masu: version' "$tmp/start" || fail "no 'masu: version' line from: $*"
}

# took_over COMMAND...: the preload is loaded, and the program's allocations go to it.
took_over() {
  preloaded "$@"
  grep -qsE "binding file .* to $MASU_LIB .*: normal symbol .(malloc|calloc|realloc|posix_memalign|_Znwm)'" "$tmp"/linker.* ||
    fail "malloc is not bound to $MASU_LIB in: $*"
  rm -f "$tmp"/linker.*
}

# took_over_pid PID: the same for a running server, on the side that has the preload.
took_over_pid() {
  [[ $side == glibc ]] || grep -qF "$MASU_LIB" "/proc/$1/maps" || fail "$MASU_LIB is not mapped in process $1"
}

# run COMMAND...: the program under test, on whichever side is being compared.
run() {
  timeout -k 5 "$limit" "${with[@]}" "$@"
}

# serve COMMAND...: a server in the background that cannot outlive this script; sets $server. Its output goes to server.log.
serve() {
  setpriv --pdeathsig KILL "${with[@]}" "$@" >>server.log 2>&1 </dev/null &
  server=$!
}

# stop [SIGNAL]: ends the server of `serve`, which must leave with status 0.
stop() {
  local status=0
  kill -"${1:-TERM}" "$server"
  wait "$server" || status=$?
  ((status == 0)) || { tail -5 server.log >&2; fail "the server left with status $status"; }
}

# wait_port PORT: until the server answers there.
wait_port() {
  local try
  for ((try = 0; try < 300; try++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    kill -0 "$server" 2>/dev/null || { tail -5 server.log >&2; fail "the server ended at its start"; }
    sleep 0.1
  done
  fail "no server on port $1"
}

free_port() {
  local port
  while port=$((20000 + RANDOM % 10000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

# compare FUNCTION: runs it on both sides, each in a folder of its own; stdout must be equal and not empty.
compare() {
  local status seconds=$SECONDS
  for side in glibc preload; do
    with=(env)
    [[ $side == glibc ]] || with=(env LD_PRELOAD="$MASU_LIB")
    mkdir -p "$tmp/$side"
    set +e
    (set -e; cd "$tmp/$side"; "$1") >"$tmp/$1.$side" 2>"$tmp/$1.$side.err"
    status=$?
    set -e
    ((status == 0)) || { tail -15 "$tmp/$1.$side.err" >&2; fail "$1 on $side: exit status $status"; }
    echo "$name: $1 on $side: $((SECONDS - seconds)) s"
    seconds=$SECONDS
  done
  ! grep -h '^masu: ' "$tmp/$1.preload.err" "$tmp"/preload/server.log 2>/dev/null || fail "$1: the allocator complained"
  [[ ! -s $reports ]] || { cut -c -2000 "$reports" >&2; fail "$1: the debug lane reported a fault"; }
  [[ -s $tmp/$1.glibc ]] || fail "$1: printed nothing to compare"
  diff "$tmp/$1.glibc" "$tmp/$1.preload" >"$tmp/diff" || { head -10 "$tmp/diff" >&2; fail "$1: output differs from glibc's"; }
}
