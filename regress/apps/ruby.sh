#!/bin/bash
# ruby: objects, strings, threads, fork, garbage collection with compaction, and its use of malloc_trim.
. "$(dirname "$0")/lib.sh"
need ruby
took_over /usr/bin/ruby -e 0

cat >"$tmp/work.rb" <<'RUBY'
require 'digest'
require 'json'
require 'zlib'
def work(seed, n)
  rng = Random.new(seed)
  live = {}
  n.times do |i|
    live[rng.rand(3000)] = [i, 'r' * rng.rand(700), { k: rng.rand(99).to_s * rng.rand(20) }]
  end
  text = JSON.generate(live.sort)
  raise 'JSON' unless JSON.parse(text).size == live.size
  raise 'zlib' unless Zlib::Inflate.inflate(Zlib::Deflate.deflate(text)) == text
  Digest::SHA256.hexdigest(text) + " #{text.scan(/r{300,}/).size}"
end
puts work(1, 60_000)
puts (2..5).map { |s| Thread.new { work(s, 15_000) } }.map(&:value)
GC.start
GC.compact if GC.respond_to?(:compact)
(6..8).each do |s|
  reader, writer = IO.pipe
  pid = fork { reader.close; writer.puts work(s, 8_000) }
  writer.close
  puts reader.read
  Process.wait(pid)
  raise "child #{$?}" unless $?.success?
end
puts (1..1500).inject(:*).to_s.size
RUBY
work() { run /usr/bin/ruby "$tmp/work.rb"; }
compare work
