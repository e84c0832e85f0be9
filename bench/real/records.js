// For node: records, JSON, maps, buffers, compression, a parser's churn. Usage: records.js [ROUNDS]
const zlib = require('zlib'), crypto = require('crypto');
function work(seed) {
  let x = seed;
  const next = () => (x = (Math.imul(x, 1103515245) + 12345) >>> 0) >>> 8;
  const live = new Map();
  for (let i = 0; i < 20000; i++) live.set(next() % 2000, Buffer.alloc(1 + next() % 20000, i & 255));
  const all = Buffer.concat([...live.values()].slice(0, 500));
  const packed = zlib.gzipSync(all, { level: 1 });
  if (!zlib.gunzipSync(packed).equals(all)) throw new Error('zlib');
  const records = Array.from({ length: 30000 }, () => ({ a: next(), b: 'x'.repeat(next() % 50), c: [next(), next()] }));
  const text = JSON.stringify(records);
  const words = text.split(',').map((w) => w.slice(1)).sort();
  return crypto.createHash('sha256').update(text).digest('hex') + JSON.parse(text).length + words.length;
}
for (let round = 1; round <= (+process.argv[2] || 1); round++) work(round);
