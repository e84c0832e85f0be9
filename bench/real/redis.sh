#!/bin/bash
# redis-server under redis-benchmark, over a socket file; only the server runs on the allocator that is measured. Its peak RSS is
# the larger by far, and the client's time is the same on all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
socket=$folder/socket
# The one binary of all Redis programs, which its name tells what to be: the package redis-server would start a service.
(exec -a redis-server redis-check-rdb --port 0 --unixsocket "$socket" --save '' --dir "$folder" --daemonize no) >"$folder/log" 2>&1 &
server=$!
unset LD_PRELOAD
until [[ -S $socket ]]; do
  kill -0 $server || { cat "$folder/log"; exit 1; }
  sleep 0.05
done
redis-benchmark -s "$socket" --csv -n "$1" -r 100000 -d 400 -P 16 -t set,get,lpush,lpop,hset,zadd,mset
redis-cli -s "$socket" shutdown nosave
wait $server
