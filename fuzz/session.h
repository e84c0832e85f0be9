// One input, run on one lane: builds a heap in a fresh world, lets the operations loose on it, one body a thread,
// and holds every answer against the model; at the end everybody leaves, and everything must come back.
//   Session<Lane>(input).run()   the result; a broken rule is a verdict, never an exit
#pragma once

#include "fuzz/own_errno.h"  // first

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "api/rules.h"
#include "fuzz/fault_os.h"
#include "fuzz/input.h"
#include "fuzz/oracle.h"
#include "fuzz/sched_sync.h"
#include "heap/allocator.h"

extern "C" [[gnu::weak]] void __tsan_acquire(void* address);

namespace masu::fuzz {

// Bounds so tight that a few operations reach every edge.
struct TightBounds : LaneDefaults {
  static constexpr bool kMisused = false;
  static constexpr bool kChecked = true;
  static constexpr unsigned kSegmentPages = 16;
  static constexpr size_t kMaxRunPages = 8;
  static constexpr uint32_t kMaxOwners = 8;
  static constexpr size_t kMinArena = 256 * kKiB;
  static constexpr size_t kMaxArena = 2 * kMiB;
  static constexpr unsigned kChunkSegments = 4;
  static constexpr size_t kBinBytes = 256;
  static constexpr size_t kRunBinBytes = 32 * kKiB;
  static constexpr size_t kCacheBytes = 64 * kKiB;
  static constexpr unsigned kBinMax = 4;
  static constexpr unsigned kBinMin = 1;
  static constexpr unsigned kBinFirst = 2;
  static constexpr unsigned kBinNarrow = 2;
  static constexpr unsigned kStashSlots = 2;
  static constexpr unsigned kStashChain = 3;
  static constexpr size_t kStashBytes = 2 * kKiB;
  static constexpr size_t kStashTotal = 4 * kKiB;
  static constexpr unsigned kSpill = 2;
  static constexpr unsigned kDrainStep = 3;
  static constexpr unsigned kBacklog = 0;
  static constexpr unsigned kKeepSegments = 1;
  static constexpr size_t kShrinkPages = 8;
  static constexpr size_t kShrinkLarge = 64 * kKiB;
  static constexpr unsigned kWatchedPerMs = 1;
  static constexpr unsigned kTickEvents = 4;
  static constexpr unsigned kMaxLargeCached = 3;
  static constexpr unsigned kEscapeRounds = 2;

  static void fatal(Fault f, const Evidence& e) {
    const auto& text = kFaultText[static_cast<size_t>(f)];
    fail("%s: %s at %#zx %s", e.where, text.kind, size_t{e.address}, e.detail);
  }
  static void out_of_memory(size_t) {}
};

// Reasons that end a run without a rule being broken: the lane found the program's misuse, as it should.
inline constexpr const char kDetected[] = "misuse detected";

// A lane whose programs misbehave: bad frees come up, and the heap steps over those it may.
// Unchecked: it shows what release makes of them, and the checks would stop many before that.
struct MisuseBounds : TightBounds {
  static constexpr bool kMisused = true;
  static constexpr bool kChecked = false;
  static void fatal(Fault, const Evidence&) { Scheduler::get().stop(kDetected); }
};

// The same where frees meet: each is told at once, so that the heap need never doubt itself.
struct MisuseAtOnce : MisuseBounds {
  static void fatal(Fault f, const Evidence& e) { TightBounds::fatal(f, e); }
};

template <class Lane>
class Session {
 public:
  using Heap = Allocator<Lane>;
  using Result = Scheduler::Result;
  static constexpr bool kConcurrent = !std::is_same_v<typename Lane::Sync, PlainSync>;

  explicit Session(const Input& input) : in_(input) {}

  Result run();
  // As run(), with a schedule of the caller's.
  Result run(Strategy& strategy);
  // What each operation answered: null or not, errno, hash of kept contents; equal on lanes that agree.
  uint64_t answers() const { return answers_; }

 private:
  // Atomic and ordered, as a program's own hand-over of a heap would be.
  struct Private {
    std::atomic<typename Heap::OwnerT*> heap{nullptr};
    std::atomic<unsigned> users{0};
  };
  static constexpr unsigned kHeaps = 2;

  // Works on a slot for as long as it lives.
  struct Hold {
    Hold(Model& m, unsigned s) : model(m), slot(s) { model.enter(slot); }
    ~Hold() { model.leave(slot); }
    Hold(const Hold&) = delete;
    Model& model;
    unsigned slot;
  };

  Result with(Strategy* strategy);
  Result schedule(Strategy* strategy);
  Result alone(void (*act)(void*, unsigned));
  void body(unsigned thread);
  void sequence();
  void begin();
  void settle();
  void step(const Operation& op);

  void allocate(const Operation& op);
  void allocate_aligned(const Operation& op);
  void reallocate(const Operation& op);
  void release(unsigned wish);
  void check(unsigned wish);
  void refused(const char* call, size_t bytes, int error);
  void granted(unsigned slot, const Model::Request& request, void* p) {
    const size_t usable = heap().usable_size(p);
    if (Lane::kMisused && freed_meanwhile(p)) Scheduler::get().stop(kDetected);
    model().allocated(slot, request, p, usable);
    // A block of the class that serves so many bytes, and no larger one. (Large mappings may be reused ones.)
    const size_t good = heap().good_size(request.bytes);
    if (request.align == 1 && request.bytes <= Heap::C::kMaxSize && usable != good) {
      fail("%s(%zu): %zu bytes usable instead of %zu", request.call, request.bytes, usable, good);
    }
  }
  // Whether a bad free of the address overlapped with this operation: nobody can tell it from a good one of the new block.
  bool freed_meanwhile(void* p) const {
    return reinterpret_cast<uintptr_t>(p) == misused_at_ && (misuses_ % 2 != 0 || misuses_ != begun_[Scheduler::get().thread()]);
  }
  void exit_thread();
  void fork_child();
  void heap_new(unsigned i);
  void heap_malloc(const Operation& op);
  void heap_delete(unsigned i);
  void misuse(const Operation& op);
  void answer(uint64_t word) {
    if constexpr (!kConcurrent) answers_ = (answers_ ^ word) * 0x100000001b3u;
  }

  // Static, so that addresses and page faults stay the same from run to run.
  static Heap& heap() { return *std::launder(reinterpret_cast<Heap*>(storage_)); }
  static Model& model() { return model_; }
  static World& world() { return World::get(); }
  Rules<Heap> rules() { return {heap()}; }

  alignas(Heap) static inline unsigned char storage_[sizeof(Heap)];
  static inline Model model_;

  static constexpr unsigned kGraves = 16;

  const Input& in_;
  bool started_ = false, forked_ = false, misused_ = false;
  uint64_t answers_ = 0;
  uintptr_t graves_[kGraves] = {};  // where blocks lay that have been freed
  unsigned buried_ = 0;
  uintptr_t misused_at_ = 0;        // by the last bad free
  unsigned misuses_ = 0;            // begins and ends of bad frees, and how many when each thread's operation began
  unsigned begun_[kMaxThreads + 1] = {};
  std::atomic<unsigned> seats_used_{0};
  bool exited_[kMaxThreads + 1] = {};
  Private heaps_[kHeaps];
};

}  // namespace masu::fuzz

#include "fuzz/session_operations.h"
#include "fuzz/session_run.h"
