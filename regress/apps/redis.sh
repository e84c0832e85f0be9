#!/bin/bash
# redis-server under redis-benchmark: a save from a forked child in mid-load, defragmenting frees, restart from the saved file.
. "$(dirname "$0")/lib.sh"
need redis-server redis-tools
took_over /usr/bin/redis-server --version

cli() { redis-cli -p "$port" "$@"; }
save() {
  cli bgsave >/dev/null
  for ((try = 0; try < 300; try++)); do
    [[ $(cli info persistence) == *rdb_bgsave_in_progress:1* ]] || break
    sleep 0.1
  done
  [[ $(cli info persistence) == *rdb_last_bgsave_status:ok* ]] || fail "the forked save failed"
}
start() {
  serve /usr/bin/redis-server --bind 127.0.0.1 --port "$port" --dir . --save '' --enable-debug-command yes
  wait_port "$port"
  took_over_pid "$server"
}
work() {
  port=$(free_port)
  start
  awk 'BEGIN { srand(3); for (i = 0; i < 30000; i++) {
    printf "SET key:%d %0*d\r\n", i, 1 + int(rand() * 900), i
    printf "HSET hash:%d field:%d %0*d\r\n", i % 300, i, 1 + int(rand() * 90), i
    printf "ZADD zset:%d %d member:%d\r\n", i % 50, i * 7919 % 10007, i
    if (i % 4 == 0) printf "DEL key:%d\r\n", i / 2 } }' | cli --pipe | tail -1
  run redis-benchmark -p "$port" --dbnum 1 -q -c 30 -n 15000 -r 5000 -d 300 -P 4 \
    -t set,get,incr,lpush,rpush,lpop,sadd,hset,spop,zadd,lrange_100,mset >bench.log 2>&1 &
  bench=$!
  save
  wait $bench || fail "redis-benchmark failed: $(tail -3 bench.log)"
  ! grep -i error bench.log || fail "redis-benchmark saw errors"
  cli -n 1 flushdb
  cli memory purge >/dev/null || true
  cli dbsize
  before=$(cli debug digest)
  echo "$before"
  save
  cli shutdown nosave >/dev/null 2>&1 || true
  wait "$server" || fail "the server left with status $?"
  start
  [[ $(cli debug digest) == "$before" ]] || fail "the reloaded data differ"
  stop
}
compare work
