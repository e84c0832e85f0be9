#!/bin/bash
# php-fpm behind nginx under wrk: a master that forks workers which allocate for every request and are replaced after a few.
. "$(dirname "$0")/lib.sh"
need php-fpm nginx wrk curl
fpm=$(ls /usr/sbin/php-fpm* | tail -1)
took_over "$fpm" -n -v

mkdir "$tmp/www"
cat >"$tmp/www/index.php" <<'PHP'
<?php
$n = (int) ($_GET['n'] ?? 100);
$all = [];
for ($i = 0; $i < $n; $i++) $all["key $i"] = str_repeat(chr(97 + $i % 26), $i % 2000);
ksort($all);
echo hash('sha256', serialize($all)), "\n";
PHP
work() {
  port=$(free_port)
  cat >fpm.conf <<CONFIG
[global]
error_log = $PWD/fpm.log
daemonize = no
[www]
user = nobody
group = nogroup
listen = $PWD/fpm.sock
listen.owner = $(id -un)
pm = static
pm.max_children = 2
pm.max_requests = 200
CONFIG
  cat >nginx.conf <<CONFIG
daemon off; worker_processes 1; pid $PWD/nginx.pid; error_log $PWD/error.log; user $(id -un);
events { worker_connections 256; }
http {
  access_log off; fastcgi_temp_path temp; client_body_temp_path temp; proxy_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  server { listen 127.0.0.1:$port; location / {
    fastcgi_pass unix:$PWD/fpm.sock; fastcgi_param SCRIPT_FILENAME $tmp/www/index.php; fastcgi_param QUERY_STRING \$query_string;
    fastcgi_param REQUEST_METHOD GET; } }
}
CONFIG
  mkdir -p temp
  setpriv --pdeathsig KILL /usr/sbin/nginx -p "$PWD/" -c nginx.conf -e error.log >nginx.log 2>&1 &
  serve "$fpm" -n -F -y fpm.conf -p "$PWD" $( ((EUID)) || echo -R)
  wait_port "$port"
  for ((try = 0; try < 100; try++)); do [[ -S fpm.sock ]] && break; sleep 0.1; done
  took_over_pid "$server"
  wrk -t 1 -c 8 -d 4s "http://127.0.0.1:$port/?n=200" >wrk.log
  ! grep -E 'Non-2xx|Socket errors' wrk.log || fail "wrk saw errors: $(tail -3 error.log)"
  for n in 1 200 20000; do curl -sSf "http://127.0.0.1:$port/?n=$n"; done
  ! grep -E 'exited on signal' fpm.log || fail "a worker crashed"
  stop QUIT
  kill %1
}
compare work
