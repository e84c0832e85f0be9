#!/bin/bash
# nginx under wrk: master and two workers, gzip, a reload in mid-load, then the pages themselves.
. "$(dirname "$0")/lib.sh"
need nginx wrk curl
took_over /usr/sbin/nginx -V

mkdir "$tmp/www"
for size in 10 3000 400000; do seq -f 'line %g of a page' $size >"$tmp/www/$size.html"; done
config() {
  mkdir -p temp
  cat >nginx.conf <<CONFIG
daemon off; worker_processes 2; pid $PWD/nginx.pid; error_log $PWD/error.log error; user $(id -un);
events { worker_connections 256; }
http {
  access_log off; gzip on; gzip_min_length 100; types { text/html html; }
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  server { listen 127.0.0.1:$port; root $tmp/www; location /loop/ { proxy_pass http://127.0.0.1:$port/; proxy_buffers 4 4k; } }
}
CONFIG
}
load() { # PATH SECONDS [ALSO]: no bad status, and none of ALSO
  wrk -t 1 -c 16 -d "$2s" -H 'Accept-Encoding: gzip' "http://127.0.0.1:$port/$1" >wrk.log
  ! grep -E "Non-2xx${3:+|$3}" wrk.log || fail "wrk saw errors on $1"
  grep -qE '^ +[1-9][0-9]* requests in' wrk.log || fail "no request was answered on $1"
}
work() {
  port=$(free_port)
  config
  serve /usr/sbin/nginx -p "$PWD/" -c nginx.conf -e error.log
  wait_port "$port"
  took_over_pid "$server"
  for worker in $(pgrep -P "$server"); do took_over_pid "$worker"; done
  load 3000.html 3 'Socket errors'
  load loop/3000.html 2 'Socket errors'
  (sleep 1; kill -HUP "$server") & # closes idle connections: only then may a socket error be seen
  load 10.html 2
  for page in 10 3000 400000 loop/3000 loop/400000; do
    for encoding in --no-compressed --compressed; do
      curl -sSf $encoding "http://127.0.0.1:$port/$page.html" | sha256sum
    done
  done
  stop QUIT
  cat error.log
}
compare work
