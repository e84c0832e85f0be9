#!/bin/bash
# node: native buffers, zlib, crypto, worker threads and a child process.
. "$(dirname "$0")/lib.sh"
need nodejs
took_over /usr/bin/node -e 0

cat >"$tmp/work.js" <<'JS'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto'), zlib = require('zlib');
function work(seed, n) {
  let x = seed;
  const next = () => (x = (Math.imul(x, 1103515245) + 12345) >>> 0) >>> 8;
  const live = new Map();
  for (let i = 0; i < n; i++) live.set(next() % 2000, Buffer.alloc(1 + next() % 20000, i & 255));
  const all = Buffer.concat([...live.keys()].sort((a, b) => a - b).map((k) => live.get(k)));
  const packed = zlib.gzipSync(all, { level: 1 });
  if (!zlib.gunzipSync(packed).equals(all)) throw new Error('zlib');
  const text = JSON.stringify(Array.from({ length: 20000 }, () => ({ a: next(), b: 'x'.repeat(next() % 50) })));
  return crypto.createHash('sha256').update(all).update(JSON.stringify(JSON.parse(text))).digest('hex') + ' ' + all.length;
}
if (!isMainThread) {
  parentPort.postMessage(work(workerData, 8000));
} else {
  console.log(work(1, 20000));
  const results = [];
  let left = 4;
  for (let s = 2; s < 6; s++)
    new Worker(__filename, { workerData: s }).on('message', (m) => (results[s] = m)).on('error', (e) => { throw e; })
      .on('exit', () => {
        if (--left) return;
        console.log(results.filter(Boolean).join('\n'));
        console.log(require('child_process').execFileSync(process.execPath, ['-p', '"child".repeat(3)']).toString());
      });
}
JS
work() { run /usr/bin/node "$tmp/work.js"; }
compare work
