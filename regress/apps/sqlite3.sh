#!/bin/bash
# sqlite3: tables, indices, sorts, large blobs and text in memory and in a file.
. "$(dirname "$0")/lib.sh"
need sqlite3
took_over /usr/bin/sqlite3 :memory: 'select 1'

cat >"$tmp/work.sql" <<'SQL'
pragma cache_size = 2000;
create table item(id integer primary key, name text, weight real, note blob);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
insert into item select i, printf('item-%05d-%s', i * 7919 % 60000, hex(i * i)), i / 7.0, zeroblob(i % 300) from n;
create index by_name on item(name);
create index by_weight on item(weight desc, name);
select count(*), sum(length(note)), max(name), round(sum(weight), 3) from item;
select substr(name, 1, 7) as head, count(*), group_concat(id) from item group by head order by head limit 40;
select a.id, b.id from item a join item b on b.name > a.name and b.weight < a.weight where a.id < 40 order by 1, 2 limit 200;
update item set note = note || zeroblob(id % 2000), name = upper(name) || id where id % 5 = 0;
delete from item where id % 3 = 0;
select count(*), sum(length(note)), sum(length(name)) from item;
select length(group_concat(name, ' ')) from item;
select name, row_number() over (partition by id % 11 order by weight) r from item order by r desc, name limit 20;
vacuum;
pragma integrity_check;
SQL
memory() { run /usr/bin/sqlite3 :memory: <"$tmp/work.sql"; }
file() {
  run /usr/bin/sqlite3 work.db <"$tmp/work.sql"
  run /usr/bin/sqlite3 work.db .dump | sha256sum
}
compare memory
compare file
