// Deterministic threads: fibres that change over only at yield points, where a Strategy decides who runs.
// Every atomic operation, lock and pause of the code under test calls point() first; each call has a site.
// One scheduler, one OS thread. Everything here is compiled uninstrumented (scheduler.cc), so that a race
// detector sees the code under test and nothing else.
// A run of one thread has no yield points, hence no limits either.
//   steps > kSteps        the strategy is retired and threads take fair turns
//   steps since an operation began > kLivelockSteps   the run ends as a livelock;  nobody can run: as a deadlock
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::fuzz {

constexpr unsigned kMaxThreads = 4;
constexpr unsigned kHost = kMaxThreads;  // the identity of code outside a run
constexpr unsigned kSteps = 4096;
constexpr unsigned kLivelockSteps = 10 * kSteps;

constexpr uint32_t mix(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  return (x ^ (x >> 15)) * 0x846ca68bu;
}

// Where in the source something happens.
struct Site {
  const char* file;
  unsigned line;
  uint32_t id;  // a hash of the line and the end of the file's name, the same in every build of the same source
  // Nothing is left of it in optimized code. (AFL++'s clang 14 knows no consteval in default arguments.)
  [[gnu::always_inline]] static constexpr Site here(const char* f = __builtin_FILE(), unsigned l = __builtin_LINE()) {
    const size_t length = __builtin_strlen(f);
    uint32_t id = l;
    for (size_t i = 8; i > 0; --i) id = i > length ? id : id * 16777619u ^ static_cast<unsigned char>(f[length - i]);
    return {f, l, mix(id)};
  }
};

enum class Access : uint8_t { kBegin, kOperation, kLoad, kStore, kRmw, kCas, kLock, kUnlock, kWait, kPause, kExit };
const char* access_name(Access access);

// What a strategy knows when it decides.
struct Moment {
  unsigned current;        // the thread that arrived here; kHost at the start
  unsigned runnable;       // mask of the threads that may go on
  bool forced;             // current is not among them
  Access access;
  uint32_t step;
  uint32_t operation;      // the operation that current is in
  uint32_t yield;          // yield points that current passed in it
  const uint32_t* begun;   // per thread: the operation it is in, or is about to begin
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  // One of moment.runnable. Choosing another than current where not forced is a preemption.
  virtual unsigned next(const Moment& moment) = 0;
  // 0 <= result < n: which of n permitted values the code sees; 0 is the ordinary one.
  virtual unsigned choose(unsigned n) = 0;
};

// One step of a run, kept where asked for.
struct Step {
  uint8_t thread;
  Access access;
  bool preempted;          // the previous thread could have gone on
  uint32_t operation;
  uint32_t yield;
  Site site;
  const volatile void* address;
  uint64_t value;          // what the access read or wrote
};

class Scheduler {
 public:
  enum class Verdict : uint8_t { kDone, kStopped, kDeadlock, kLivelock };
  struct Result {
    Verdict verdict;
    uint32_t steps;
    uint64_t hash;         // of all (site, thread, value): equal for equal runs
    const char* reason;    // why it was stopped
  };
  using Body = void (*)(void* argument, unsigned thread);

  static Scheduler& get() { return instance_; }

  // Runs `threads` bodies to their end. first[t] (may be null): the operation that thread t begins with.
  Result run(Strategy& strategy, unsigned threads, Body body, void* argument, const uint32_t* first = nullptr);

  // For the code under test, through the Sync policies.
  void point(Access access, Site site, const volatile void* address);
  void note(uint64_t value);
  unsigned choose(unsigned n);
  void wait(const volatile void* address, Site site);  // until wake(address), at the earliest
  void wake(const volatile void* address);
  void pause(Site site);
  unsigned thread() const { return seat_ != kHost ? seat_ : current_; }
  void*& self(uint32_t slot);
  uint32_t attach();
  void detach(uint32_t slot);
  void renew();                                        // this thread's seat is a new thread's: knows no heap
  uint32_t& ranks_held() { return ranks_[thread()]; }  // mask of the current thread's locks

  // For bodies.
  void begin_operation(uint32_t operation, Site site = Site::here());
  [[noreturn]] void stop(const char* reason);          // ends the run; outside one: aborts
  bool running() const { return current_ != kHost; }
  bool concurrent() const { return running() && threads_ > 1 && !abandoned_; }
  uint32_t run_number() const { return run_; }

  // Whose thread the caller plays from here on (kHost: its own), where only one body runs.
  void play(unsigned thread) { seat_ = thread; }
  // The other threads are gone, wherever they were, as in the child of a fork.
  void abandon_others();

  // Keeps the steps of later runs (null: does not). Holds at most `capacity`, the newest.
  void record(Step* ring, uint32_t capacity);
  uint32_t recorded() const { return recorded_; }

 private:
  struct Fibres;
  struct Thread {
    const volatile void* waits_for;  // null: for nothing
    uint32_t yield;
  };

  constexpr Scheduler() = default;
  void decide(Access access, bool forced);
  void switch_to(unsigned thread);
  void finish();
  [[noreturn]] void leave(Verdict verdict, const char* reason);
  void observe(Access access, uint32_t site, const volatile void* address);
  static void enter(void* fibre);

  static constexpr unsigned kSlots = 8;
  static constexpr unsigned kRecent = 256;
  struct Recent {  // the last access to an address, for interleaving feedback
    const volatile void* address;
    uint32_t run, site;
    uint8_t thread;
  };

  static Scheduler instance_;  // known before anything runs, and never destroyed: its stacks may be in use at exit

  Fibres* fibres_ = nullptr;
  Strategy* strategy_ = nullptr;
  Body body_ = nullptr;
  void* argument_ = nullptr;
  unsigned threads_ = 0;
  unsigned current_ = kHost;
  unsigned seat_ = kHost;
  bool abandoned_ = false;
  unsigned alive_ = 0;     // mask: has not ended
  unsigned ready_ = 0;     // mask: those that do not wait
  unsigned resting_ = 0;   // mask: paused, and nobody has written since
  uint32_t steps_ = 0;
  uint32_t progress_ = 0;  // steps when an operation began last
  uint32_t run_ = 0;
  uint64_t hash_ = 0;
  Result result_{};
  Thread thread_[kMaxThreads] = {};
  uint32_t begun_[kMaxThreads] = {};
  void* self_[kSlots][kMaxThreads + 1] = {};
  uint32_t attached_ = 0;  // mask
  uint32_t ranks_[kMaxThreads + 1] = {};
  Recent recent_[kRecent] = {};
  Step* ring_ = nullptr;
  uint32_t capacity_ = 0, recorded_ = 0;
  bool preempted_ = false;
};

}  // namespace masu::fuzz
