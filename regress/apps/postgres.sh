#!/bin/bash
# postgres: initdb, pgbench, a parallel query and a vacuum, as an unprivileged user.
. "$(dirname "$0")/lib.sh"
need postgresql postgresql-contrib
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
cp "$MASU_LIB" "$tmp/" && MASU_LIB=$tmp/$(basename "$MASU_LIB") && chmod 755 "$MASU_LIB" # where that user can read it
took_over "$bin/postgres" --version

as=()
((EUID)) || as=(setpriv --reuid=postgres --regid=postgres --init-groups)
cat >"$tmp/query.sql" <<'SQL'
set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
create table item as select i as id, md5(i::text) as name, repeat(md5(i::text), i % 40) as note from generate_series(1, 60000) i;
create index on item(name);
select count(*), sum(length(note)), max(name) from item;
select left(name, 1) as head, count(*), md5(string_agg(note, ',' order by id)) from item group by 1 order by 1;
select md5(string_agg(a.name || b.name, '')) from (select * from item order by name limit 2000) a join item b on b.id = a.id * 7 % 60000 + 1;
select count(*) from pgbench_accounts;
update item set note = note || name where id % 3 = 0;
vacuum analyze item;
select jsonb_array_length(jsonb_agg(to_jsonb(item))), md5(jsonb_agg(to_jsonb(item) order by id)::text) from item where id < 20000;
SQL
work() {
  port=$(free_port)
  ((EUID)) || chown postgres .
  cd "$PWD"
  export PGHOST=$PWD PGPORT=$port PGUSER=masu PGDATABASE=postgres
  run "${as[@]}" "$bin/initdb" -D data -U masu -A trust --no-sync --locale=C.UTF-8 | grep -E 'Success|fail'
  serve "${as[@]}" "$bin/postgres" -D data -k "$PWD" -c listen_addresses=127.0.0.1 -c port="$port" -c fsync=off -c shared_buffers=32MB
  wait_port "$port"
  for ((try = 0; try < 100; try++)); do "$bin/pg_isready" -q && break; sleep 0.1; done
  took_over_pid "$server"
  run "$bin/pgbench" -i -s 2 -q >bench.log 2>&1 || fail "pgbench -i: $(tail -3 bench.log)"
  run "$bin/pgbench" -c 8 -j 2 -t 250 >bench.log 2>&1 || fail "pgbench: $(tail -3 bench.log)"
  run "$bin/pgbench" -c 4 -t 500 -C -S >>bench.log 2>&1 || fail "pgbench with reconnects: $(tail -3 bench.log)"
  grep 'actually processed' bench.log
  run "$bin/psql" -X -v ON_ERROR_STOP=1 -f "$tmp/query.sql"
  stop INT
  ! grep -E 'terminated by signal|PANIC' server.log || fail "a backend crashed"
}
compare work
