-- For the sqlite3 shell: rows, an index, a join, updates, text and JSON functions, deletes.
create table orders(id integer primary key, customer text, item integer, note text);
create table items(id integer primary key, name text, price real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
insert into items select i, printf('item %05d', i), i % 977 * 1.25 from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 400000)
insert into orders select i, printf('customer %d', i * 7919 % 20011), i % 5000 + 1, substr('a longer note on this order', 1, i % 27) from n;
create index by_customer on orders(customer);
update orders set note = note || ' (checked)' where item % 3 = 0;
select count(*), sum(length(names)) from (select customer, group_concat(name) as names from orders join items on items.id = item group by customer);
select count(*) from (select upper(replace(note, 'order', 'parcel')) as changed from orders where note like '%order%' order by changed, customer);
select sum(json_extract(json_object('id', id, 'note', note), '$.id')) from orders where id % 4 = 0;
delete from orders where item < 2500;
vacuum;
select count(*), max(customer) from orders;
