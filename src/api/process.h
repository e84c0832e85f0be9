// The life of a process with one global heap: first use, options, fork, thread exit, the exit line.
// Included by the one file of each lane that owns the global.
#pragma once

#include <pthread.h>

#include <atomic>

#include "base/options.h"
#include "base/text.h"
#include "heap/allocator.h"
#include "os/error_stream.h"

namespace masu {

constexpr const char* kVersion = "0.1.0";

template <class Lane>
class Process {
 public:
  using Heap = Allocator<Lane>;

  constexpr Process() : heap_(start) {}
  constexpr Heap& heap() { return heap_; }
  const Options& options() const { return options_; }

  // Constructor time: the environment is there, libc is up, threads are not.
  void constructed(const char* lane) {
    heap_.ensure_ready();
    if (!options_read_) read_options();
    if (options_.on(Option::kStats)) linux_keep_error_stream();
    pthread_atfork([] { self().heap_.fork_prepare(); }, [] { self().heap_.fork_parent(); },
                   [] { self().heap_.fork_child(); });
    if (options_.on(Option::kVerbose)) {
      Text line;
      line << "masu: version " << kVersion << " " << lane << "\n";
      linux_write_error(line.data(), line.size());
    }
  }

  void finished() {
    if (options_.on(Option::kStats)) print_stats();
  }

  // "masu: name=value", a line each.
  void print_stats() {
    auto print = [](const char* name, uint64_t value) {
      Text line;
      line << "masu: " << name << "=";
      line.dec(value) << "\n";
      linux_write_error(line.data(), line.size());
    };
    each_stat(print);
  }

  template <class Visit>
  void each_stat(Visit&& visit) {
    for (size_t i = 0; i < static_cast<size_t>(Event::kCount); ++i) {
      visit(kEventNames[i], heap_.event(static_cast<Event>(i)));
    }
    const auto t = heap_.totals();
    visit("owners", t.owners);
    visit("arena_bytes", t.arena_bytes);
    visit("kept_bytes", t.kept_bytes);
    visit("large_bytes", t.live_large_bytes);
    visit("large_cached_bytes", t.cached_large_bytes);
  }

  static Process& self();  // defined where the global is

 private:
  // The heap's first use, in any thread, before or after constructors.
  static bool start(Heap& heap) {
    Process& p = self();
    uint32_t expected = kIdle;
    // acquire, pairs with the release below: the loser of the race sees a whole heap.
    while (!p.state_.compare_exchange_strong(expected, kStarting, std::memory_order_acquire, std::memory_order_acquire)) {
      if (expected == kStarted) return heap.ready();
      expected = kIdle;
      linux_pause();
    }
    bool good = heap.ready();
    if (!good) {
      p.memory_ = heap.core().os.physical_memory();
      p.read_options();
      good = heap.init(p.config(), [](void*) { self().heap_.thread_exit(); }, &heap);
    }
    p.state_.store(good ? kStarted : kIdle, std::memory_order_release);
    return good;
  }

  // Nothing to read before libc has an environment; constructed() looks again then.
  void read_options() {
    if (linux_secure_process()) {
      options_read_ = true;
      return;
    }
    const char* spec = linux_environment("MASU_OPTIONS");
    if (spec == nullptr) return;
    options_read_ = true;
    Text complaint;
    options_.parse(spec, complaint);
    if (complaint.size() != 0) {
      complaint.put('\n');
      linux_write_error(complaint.data(), complaint.size());
    }
    if (heap_.ready()) heap_.configure(config());
  }

  HeapConfig config() const {
    HeapConfig c;
    c.arena_limit = static_cast<size_t>(options_.get(Option::kArenaLimit));
    c.decay_ms = static_cast<uint64_t>(options_.get(Option::kDecayMs));
    // In a small container less is kept: the kernel's kill gives no warning.
    c.large_cache = min_of(static_cast<size_t>(options_.get(Option::kLargeCache)), memory_ / 16);
    c.large_most = memory_ / 8;
    c.huge_pages = static_cast<HugePages>(options_.get(Option::kHugePages));
    c.ignore_misuse = options_.get(Option::kMisuse) != 0;
    return c;
  }

  enum : uint32_t { kIdle, kStarting, kStarted };
  std::atomic<uint32_t> state_{kIdle};
  bool options_read_ = false;
  size_t memory_ = SIZE_MAX;  // of the machine or its container
  Options options_;
  Heap heap_;
};

}  // namespace masu
