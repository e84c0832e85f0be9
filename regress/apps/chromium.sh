#!/bin/bash
# Chromium, headless: it brings its own malloc, so the preload must live beside it (or refuse in a clear line): same page, same DOM.
. "$(dirname "$0")/lib.sh"
need chromium
preloaded /usr/bin/chromium --version

cat >"$tmp/page.html" <<'HTML'
<!doctype html><title>masu</title><ul id="list"></ul><canvas id="c" width="300" height="200"></canvas><pre id="out"></pre>
<script>
let x = 1;
const next = () => (x = (Math.imul(x, 1103515245) + 12345) >>> 0) >>> 8;
const live = new Map();
for (let i = 0; i < 50000; i++) live.set(next() % 3000, 'v'.repeat(next() % 300));
for (let i = 0; i < 200; i++) list.append(Object.assign(document.createElement('li'), { textContent: 'item ' + next() % 1000 }));
const g = c.getContext('2d');
for (let i = 0; i < 200; i++) { g.fillStyle = `rgb(${next() % 256},${next() % 256},0)`; g.fillRect(next() % 300, next() % 200, 20, 20); }
let sum = 0;
for (const b of g.getImageData(0, 0, 300, 200).data) sum = (sum * 31 + b) >>> 0;
const all = [...live].sort((a, b) => a[0] - b[0]).map((e) => e.join('=')).join();
out.textContent = `${live.size} ${all.length} ${sum} ${JSON.parse(JSON.stringify(all)).length}`;
</script>
HTML
page() {
  run /usr/bin/chromium --no-sandbox --headless --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$PWD/profile" --virtual-time-budget=5000 \
    --dump-dom "file://$tmp/page.html" 2>chromium.err || {
    grep '^masu: .*own allocator' chromium.err && exit 0
    tail -5 chromium.err >&2
    exit 1
  }
}
compare page
