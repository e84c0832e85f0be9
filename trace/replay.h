// Performs a trace by native threads: each thread's operations in its order, each block's in the order of the recording. A
// thread begins when all those are gone that had ended before its first operation, so that no more are alive than were.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>

#include "trace/mapped.h"
#include "trace/trace.h"

namespace masu::trace {

enum class Order { kOfBlocks, kOfAll };  // kOfAll: one operation at a time, as recorded

// `Perform` is called as perform(operation, index, thread).
template <class Perform>
class Replay {
 public:
  Replay(const Trace& trace, const Perform& perform, Order order)
      : trace_(trace), perform_(perform), order_(order), last_(trace.threads), threads_(trace.threads), done_(trace.blocks) {
    for (uint32_t i = 0; i < trace.count; ++i) last_[trace.operations[i].thread] = i;
  }

  // May be called again. False: a thread could not be started.
  bool run() {
    for (uint32_t b = 0; b < trace_.blocks; ++b) done_[b].store(0, std::memory_order_relaxed);
    all_done_.store(0, std::memory_order_relaxed);
    bool good = true;
    uint32_t begun = 0;
    for (; good && begun < trace_.threads; ++begun) {
      join(begun, trace_.first[begun]);
      threads_[begun] = {this, begun, {}, false};
      good = pthread_create(&threads_[begun].id, nullptr, entry, &threads_[begun]) == 0;
    }
    join(good ? begun : 0, kNoOperation);
    return good;
  }

 private:
  struct Thread {
    Replay* replay;
    uint32_t number;
    pthread_t id;
    bool gone;
  };

  // Those of the first `count` threads whose last operation comes before this one.
  void join(uint32_t count, uint32_t before) {
    for (uint32_t t = 0; t < count; ++t) {
      if (threads_[t].gone || last_[t] > before) continue;
      pthread_join(threads_[t].id, nullptr);
      threads_[t].gone = true;
    }
  }

  static void* entry(void* raw) {
    auto* thread = static_cast<Thread*>(raw);
    thread->replay->run_thread(thread->number);
    return nullptr;
  }

  static void await(const std::atomic<uint32_t>& done, uint32_t turn) {
    // acquire, pairs with the stores below: what the operations before did.
    for (unsigned spins = 0; done.load(std::memory_order_acquire) != turn; ++spins) {
      if (spins >= 100) sched_yield();
    }
  }

  void run_thread(uint32_t thread) {
    for (uint32_t i = trace_.first[thread]; i != kNoOperation; i = trace_.operations[i].next) {
      const Operation& op = trace_.operations[i];
      if (order_ == Order::kOfAll) await(all_done_, i);
      await(done_[op.block], op.turn);
      perform_(op, i, thread);
      done_[op.block].store(op.turn + 1, std::memory_order_release);
      if (order_ == Order::kOfAll) all_done_.store(i + 1, std::memory_order_release);
    }
  }

  const Trace& trace_;
  const Perform& perform_;
  const Order order_;
  Mapped<uint32_t> last_;  // of each thread: its last operation
  Mapped<Thread> threads_;
  Mapped<std::atomic<uint32_t>> done_;
  std::atomic<uint32_t> all_done_{0};
};

}  // namespace masu::trace
