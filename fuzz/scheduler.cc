// Compiled without any sanitizer or coverage: what happens here is not the program's doing.
#include "fuzz/scheduler.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fuzz/fibre.h"

extern "C" {
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
}

namespace masu::fuzz {
namespace {

// Interleavings seen, for the engine: libFuzzer clears and reads the section around each input.
constexpr size_t kCounters = 16 * 1024;
[[gnu::used, gnu::section("__libfuzzer_extra_counters")]] uint8_t counters[kCounters];

char start_token, end_token;  // what starting and joining threads orders

}  // namespace

constinit Scheduler Scheduler::instance_;

const char* access_name(Access access) {
  static constexpr const char* kNames[] = {"begin", "operation", "load", "store", "rmw",  "cas",
                                           "lock",  "unlock",    "wait", "pause", "exit"};
  return kNames[static_cast<size_t>(access)];
}

struct Scheduler::Fibres {
  struct Seat {
    Scheduler* scheduler;
    unsigned thread;
  };
  Seat seat[kMaxThreads];
  Fibre host;
  Fibre fibre[kMaxThreads];

  explicit Fibres(Scheduler* s)
      : seat{{s, 0}, {s, 1}, {s, 2}, {s, 3}},
        fibre{{0, &enter, &seat[0]}, {1, &enter, &seat[1]}, {2, &enter, &seat[2]}, {3, &enter, &seat[3]}} {}
  Fibre& of(unsigned thread) { return thread == kHost ? host : fibre[thread]; }
};

Scheduler::Result Scheduler::run(Strategy& strategy, unsigned threads, Body body, void* argument,
                                 const uint32_t* first) {
  if (fibres_ == nullptr) fibres_ = new Fibres(this);
  seat_ = kHost;
  strategy_ = &strategy;
  body_ = body;
  argument_ = argument;
  threads_ = threads;
  alive_ = ready_ = (1u << threads) - 1;
  resting_ = 0;
  steps_ = progress_ = 0;
  if (threads > 1) recorded_ = 0;  // what one thread does after a schedule leaves the schedule's steps
  preempted_ = abandoned_ = false;
  hash_ = 0x9e3779b97f4a7c15u;
  ++run_;
  for (unsigned t = 0; t < threads; ++t) {
    thread_[t] = {};
    ranks_[t] = 0;
    begun_[t] = first != nullptr ? first[t] : 0;
  }
  result_ = {Verdict::kDone, 0, 0, ""};
  if (__tsan_release != nullptr) __tsan_release(&start_token);
  const Moment moment{kHost, ready_, true, Access::kBegin, 0, 0, 0, begun_};
  switch_to(strategy.next(moment));
  if (__tsan_acquire != nullptr) __tsan_acquire(&end_token);
  seat_ = kHost;
  if (result_.verdict != Verdict::kDone || abandoned_) {
    for (unsigned t = 0; t < threads; ++t) fibres_->fibre[t].rewind();
  }
  result_.steps = steps_;
  result_.hash = hash_;
  return result_;
}

void Scheduler::enter(void* seat) {
  auto [scheduler, thread] = *static_cast<Fibres::Seat*>(seat);
  for (;;) {
    if (__tsan_acquire != nullptr) __tsan_acquire(&start_token);
    scheduler->body_(scheduler->argument_, thread);
    scheduler->finish();
  }
}

void Scheduler::finish() {
  if (__tsan_release != nullptr) __tsan_release(&end_token);
  if (ranks_[current_] != 0) leave(Verdict::kStopped, "a thread ended with a lock held");
  alive_ &= ~(1u << current_);
  ready_ &= alive_;
  begun_[current_] = UINT32_MAX;
  resting_ = 0;
  if (alive_ == 0) return switch_to(kHost);
  decide(Access::kExit, true);
}

void Scheduler::switch_to(unsigned thread) {
  const unsigned from = current_;
  current_ = thread;
  fibres_->of(from).switch_to(fibres_->of(thread), Order::kNone);
}

void Scheduler::leave(Verdict verdict, const char* reason) {
  result_ = {verdict, 0, 0, reason};
  switch_to(kHost);
  std::abort();  // rewound, so nobody comes back here
}

void Scheduler::stop(const char* reason) {
  if (running()) leave(Verdict::kStopped, reason);
  std::fprintf(stderr, "outside a run: %s\n", reason);
  std::abort();
}

// Lets the strategy say who goes on, and changes over.
void Scheduler::decide(Access access, bool forced) {
  if (steps_ - progress_ > kLivelockSteps) leave(Verdict::kLivelock, "no end in sight");
  unsigned mask = (ready_ & ~resting_) != 0 ? ready_ & ~resting_ : ready_;
  if (forced) {
    if ((mask & ~(1u << current_)) != 0) mask &= ~(1u << current_);
    if (mask == 0) leave(Verdict::kDeadlock, "everybody waits");
  } else {
    mask |= 1u << current_;
  }
  forced = (mask >> current_ & 1) == 0;
  if (!forced && mask == 1u << current_) return;
  unsigned next = current_;
  if (steps_ > kSteps) {
    if (forced || steps_ % 64 == 0) {
      const unsigned above = mask >> (current_ + 1) << (current_ + 1);
      next = static_cast<unsigned>(std::countr_zero(above != 0 ? above : mask));
    }
  } else {
    next = strategy_->next(
        {current_, mask, forced, access, steps_, begun_[current_], thread_[current_].yield, begun_});
  }
  if (next == current_) return;
  preempted_ = !forced;
  resting_ &= ~(1u << next);
  switch_to(next);
}

void Scheduler::point(Access access, Site site, const volatile void* address) {
  if (!running() || threads_ == 1) return;
  ++steps_;
  decide(access, false);
  ++thread_[current_].yield;
  hash_ = (hash_ ^ site.id ^ current_) * 0x100000001b3u;
  observe(access, site.id, address);
  if (ring_ != nullptr) {
    ring_[recorded_++ % capacity_] = {static_cast<uint8_t>(current_), access, preempted_,      begun_[current_],
                                      thread_[current_].yield,        site,   address, 0};
  }
  preempted_ = false;
}

void Scheduler::observe(Access access, uint32_t site, const volatile void* address) {
  if (access != Access::kLoad) resting_ &= 1u << current_;
  if (address == nullptr) return;
  Recent& last = recent_[mix(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(address) >> 2)) % kRecent];
  if (last.address == address && last.run == run_ && last.thread != current_) {
    uint8_t& counter = counters[mix(last.site ^ (site >> 1)) % kCounters];
    if (counter != UINT8_MAX) ++counter;
  }
  last = {address, run_, site, static_cast<uint8_t>(current_)};
}

void Scheduler::note(uint64_t value) {
  if (!running() || threads_ == 1) return;
  hash_ = (std::rotl(hash_, 23) ^ value) * 0x9e3779b97f4a7c15u;
  if (ring_ != nullptr && recorded_ != 0) ring_[(recorded_ - 1) % capacity_].value = value;
}

unsigned Scheduler::choose(unsigned n) {
  return !running() || n < 2 || steps_ > kSteps ? 0 : strategy_->choose(n);
}

void Scheduler::wait(const volatile void* address, Site site) {
  if (!running()) stop("waits for a lock that nobody will release");
  ready_ &= ~(1u << current_);
  thread_[current_].waits_for = address;
  ++steps_;
  decide(Access::kWait, true);
  hash_ = (hash_ ^ site.id ^ current_) * 0x100000001b3u;
}

void Scheduler::wake(const volatile void* address) {
  for (unsigned t = 0; t < threads_; ++t) {
    if (thread_[t].waits_for != address) continue;
    thread_[t].waits_for = nullptr;
    ready_ |= 1u << t;
  }
}

void Scheduler::pause(Site site) {
  if (!running() || threads_ == 1) return;
  ++steps_;
  resting_ |= 1u << current_;
  decide(Access::kPause, true);
  hash_ = (hash_ ^ site.id ^ current_) * 0x100000001b3u;
}

void Scheduler::begin_operation(uint32_t operation, Site site) {
  if (!running()) return;
  begun_[current_] = operation;
  progress_ = steps_;
  thread_[current_].yield = 0;
  point(Access::kOperation, site, nullptr);
}

void*& Scheduler::self(uint32_t slot) { return self_[slot][thread()]; }

uint32_t Scheduler::attach() {
  const auto slot = static_cast<uint32_t>(std::countr_one(attached_));
  if (slot >= kSlots) stop("too many heaps at once");
  attached_ |= 1u << slot;
  for (void*& self : self_[slot]) self = nullptr;
  return slot;
}

void Scheduler::renew() {
  for (auto& heap : self_) heap[thread()] = nullptr;
}

void Scheduler::detach(uint32_t slot) { attached_ &= ~(1u << slot); }

void Scheduler::abandon_others() {
  if (!running()) return;
  alive_ = ready_ = 1u << current_;
  for (unsigned t = 0; t < threads_; ++t) {
    if (t == current_) continue;
    thread_[t].waits_for = nullptr;
    begun_[t] = UINT32_MAX;
  }
  abandoned_ = true;
}

void Scheduler::record(Step* ring, uint32_t capacity) {
  ring_ = ring;
  capacity_ = capacity;
  recorded_ = 0;
}

}  // namespace masu::fuzz
