// The same program on the release heap and on the debug heap: to every call both answer alike, as far as a program may
// rely on the answer: null or not, errno of a failure, and what its blocks hold. Operations that mean nothing here
// (threads, the system's failures) are further calls of the malloc family.
#include "fuzz/debug_lanes.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fuzz/real_heaps.h"

namespace masu::fuzz {
namespace {

constexpr unsigned kSlots = 32;
constexpr size_t kLook = 256;          // bytes of a block's begin, and of its end, that are written and looked at
constexpr size_t kMost = 600 * kKiB;     // just beyond what lies in a segment
constexpr size_t kAbsurd = size_t{1} << 40;

struct Answer {
  uint64_t word;
  unsigned operation;
};

uint64_t mix(uint64_t hash, uint64_t word) { return (hash ^ word) * 0x9e3779b97f4a7c15u ^ (hash >> 29); }

template <class RulesOf>
class Program {
 public:
  Program(RulesOf rules, const Input& input) : rules_(rules), input_(input) {}

  std::vector<Answer> run() {
    for (at_ = 0; at_ < input_.count; ++at_) step(input_.operations[at_]);
    if (private_ != nullptr) end_heap();
    for (unsigned s = 0; s < kSlots; ++s) end(s);
    return answers_;
  }

 private:
  struct Block {
    unsigned char* at;
    size_t bytes;
    uint8_t key;
    bool owned;  // by the private heap
  };

  static size_t size_of(const Operation& op) {
    const size_t bytes = size_of_code(op.size);
    return bytes > kMost && bytes < kAbsurd ? kMost : bytes;
  }
  unsigned find(unsigned wish, bool full) const {
    for (unsigned i = 0; i < kSlots; ++i) {
      if ((blocks_[(wish + i) % kSlots].at != nullptr) == full) return (wish + i) % kSlots;
    }
    return kSlots;
  }
  void answer(uint64_t word) { answers_.push_back({word, at_}); }

  // A new block, or the reason why there is none.
  void granted(unsigned slot, void* p, size_t bytes, int error) {
    answer(p == nullptr ? 1 + static_cast<uint64_t>(error) : 0);
    if (p == nullptr) return;
    blocks_[slot] = {static_cast<unsigned char*>(p), bytes, static_cast<uint8_t>(++generation_), false};
    if (rules_.heap.usable_size(p) < bytes) answer(~uint64_t{0});
    paint(blocks_[slot]);
  }
  void paint(const Block& b) {
    const size_t n = std::min(b.bytes, kLook);
    std::memset(b.at, b.key, n);
    std::memset(b.at + b.bytes - n, b.key + 1, n);
  }
  static uint64_t contents(const unsigned char* at, size_t bytes) {
    const size_t n = std::min(bytes, kLook);
    uint64_t hash = bytes;
    for (size_t i = 0; i < n; ++i) hash = mix(hash, at[i]);
    for (size_t i = bytes - n; i < bytes; ++i) hash = mix(hash, at[i]);
    return hash;
  }
  void look(const Block& b) { answer(contents(b.at, b.bytes)); }

  void end(unsigned slot) {
    Block& b = blocks_[slot];
    if (b.at == nullptr) return;
    look(b);
    errno = 4711;
    b.bytes % 2 == 0 || b.owned ? rules_.heap.free(b.at) : rules_.free_sized(b.at, b.bytes);
    answer(static_cast<uint64_t>(errno));
    b = {};
  }

  void allocate(const Operation& op) {
    const unsigned slot = find(op.slot, false);
    if (slot == kSlots) return end(op.slot % kSlots);
    const size_t bytes = size_of(op);
    errno = 0;
    if (op.kind != Kind::kCalloc) {
      void* p = rules_.malloc(bytes);
      return granted(slot, p, bytes, errno);
    }
    const size_t factor = op.argument % 4 == 3 ? 16 : 1;
    void* p = rules_.calloc(factor, bytes);
    if (p != nullptr) answer(contents(static_cast<unsigned char*>(p), factor * bytes));
    granted(slot, p, factor * bytes, errno);
  }

  void allocate_aligned(const Operation& op) {
    const unsigned slot = find(op.slot, false);
    if (slot == kSlots) return end(op.slot % kSlots);
    const size_t bytes = size_of(op), align = alignment_of(op.argument);
    void* p = nullptr;
    errno = 0;
    switch (op.slot / 64) {
      case 0:
        p = rules_.aligned_alloc(align, bytes);
        break;
      case 1:
        answer(static_cast<uint64_t>(rules_.posix_memalign(&p, align, bytes)));
        break;
      case 2:
        p = rules_.memalign(align, bytes);
        break;
      default:
        p = op.argument % 2 == 0 ? rules_.valloc(bytes, kPage) : rules_.pvalloc(bytes, kPage);
    }
    if (op.slot / 64 < 2 && p != nullptr) answer(reinterpret_cast<uintptr_t>(p) % align);
    granted(slot, p, bytes, errno);
  }

  void resize(const Operation& op, size_t factor) {
    const unsigned slot = find(op.slot, true);
    if (slot == kSlots) return allocate(op);
    Block& b = blocks_[slot];
    const size_t bytes = size_of(op);
    errno = 0;
    void* p = factor == 0 ? rules_.realloc(b.at, bytes) : rules_.reallocarray(b.at, factor, bytes);
    const int error = errno;
    if (factor != 0 && bytes > SIZE_MAX / factor) {
      answer(p == nullptr ? static_cast<uint64_t>(error) : ~uint64_t{0});
      return look(b);
    }
    const size_t all = factor == 0 ? bytes : factor * bytes;
    if (all == 0) {  // freed
      answer(p == nullptr ? static_cast<uint64_t>(error) : ~uint64_t{0});
      b = {};
    } else if (p == nullptr) {
      answer(1 + static_cast<uint64_t>(error));
      look(b);
    } else {
      answer(contents(static_cast<unsigned char*>(p), std::min({b.bytes, all, kLook})));
      granted(slot, p, all, error);
    }
  }

  void heap_malloc(const Operation& op) {
    const unsigned slot = find(op.slot, false);
    if (private_ == nullptr || slot == kSlots) return allocate(op);
    const size_t bytes = std::min(size_of(op), kMost);
    void* p = rules_.heap.heap_malloc(*private_, bytes, size_t{16} << op.argument % 8);
    granted(slot, p, bytes, 0);
    if (p != nullptr) blocks_[slot].owned = true;
  }
  void end_heap() {
    for (Block& b : blocks_) {
      if (!b.owned) continue;
      look(b);
      b = {};
    }
    rules_.heap.heap_delete(*private_);
    private_ = nullptr;
  }

  void step(const Operation& op) {
    switch (op.kind) {
      case Kind::kMalloc:
      case Kind::kCalloc:
        return allocate(op);
      case Kind::kMallocMany:
        for (unsigned i = 0; i <= op.argument % 8u; ++i) allocate(op);
        return;
      case Kind::kAligned:
        return allocate_aligned(op);
      case Kind::kRealloc:
        return owned(op) ? allocate(op) : resize(op, 0);
      case Kind::kExit:
      case Kind::kStart:
        return owned(op) ? allocate(op) : resize(op, 1 + op.argument % 4u);
      case Kind::kFree:
        return free_from(op.slot);
      case Kind::kFreeMany:
        for (unsigned i = 0; i <= op.argument % 8u; ++i) free_from(op.slot + i);
        return;
      case Kind::kTrim:
        return static_cast<void>(rules_.heap.trim());
      case Kind::kHeapNew:
        if (private_ == nullptr) private_ = rules_.heap.heap_new();
        return;
      case Kind::kHeapMalloc:
        return heap_malloc(op);
      case Kind::kHeapDelete:
        if (private_ != nullptr) end_heap();
        return;
      default:
        if (const unsigned slot = find(op.slot, true); slot != kSlots) look(blocks_[slot]);
    }
  }
  // realloc takes a block out of its private heap on one lane and not on the other: no program may rely on either.
  bool owned(const Operation& op) const {
    const unsigned slot = find(op.slot, true);
    return slot != kSlots && blocks_[slot].owned;
  }
  void free_from(unsigned wish) {
    if (const unsigned slot = find(wish, true); slot != kSlots) end(slot);
  }

  RulesOf rules_;
  const Input& input_;
  unsigned at_ = 0;
  uint8_t generation_ = 0;
  Block blocks_[kSlots] = {};
  typename std::remove_reference_t<decltype(rules_.heap)>::OwnerT* private_ = nullptr;
  std::vector<Answer> answers_;
};

}  // namespace

Scheduler::Result run_release_vs_debug(const Input& input) {
  static char reason[200];
  findings().forget();
  const auto release = Program(release_rules(), input).run();
  const auto debug = Program(debug_rules(), input).run();
  uint64_t hash = 0;
  for (const Answer& a : release) hash = mix(hash, a.word);
  Scheduler::Result result{Scheduler::Verdict::kDone, input.count, hash, ""};
  const size_t n = std::min(release.size(), debug.size());
  size_t i = 0;
  while (i < n && release[i].word == debug[i].word) ++i;
  if (i < n || release.size() != debug.size()) {
    const unsigned operation = i < n ? release[i].operation : input.count;
    std::snprintf(reason, sizeof reason, "the lanes disagree about operation %u (%s): release %#llx, debug %#llx", operation,
                  operation < input.count ? kind_name(input.operations[operation].kind) : "end",
                  i < n ? static_cast<unsigned long long>(release[i].word) : 0ull,
                  i < n ? static_cast<unsigned long long>(debug[i].word) : 0ull);
  } else if (findings().all() != 0) {
    std::snprintf(reason, sizeof reason, "the debug lane reports %s in a correct program", findings().last.text().name);
  } else {
    return result;
  }
  result.verdict = Scheduler::Verdict::kStopped;
  result.reason = reason;
  return result;
}

}  // namespace masu::fuzz
