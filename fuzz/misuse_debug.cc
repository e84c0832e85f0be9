// A program that misbehaves, on the debug heap: what it does wrong is found, and the heap goes on as if it had not been
// done. Operations that mean nothing here (threads, clock, the system's failures) are the misdeeds:
//   flush: writes behind a block    exit: writes before it    start, purge: writes into a freed block
//   double, interior, wild free     as their names say; fork, budget, fail: wild ones too
// Never: blocks that overlap, a block outside the heap's ranges, one that was just freed, a changed live block, a finding
// without a misdeed.
#include "fuzz/debug_lanes.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "fuzz/real_heaps.h"

namespace masu::fuzz {
namespace {

using debug::Cell;
using debug::State;

constexpr unsigned kSlots = 32;
constexpr unsigned kGraves = 16;
constexpr unsigned kHeldBack = 4;      // blocks freed last, which the quarantine has room for
constexpr size_t kMost = 12288;
constexpr size_t kPaged = 600 * kKiB;  // such blocks lie on pages of their own
constexpr size_t kLook = 256;          // bytes of a block's begin, and of its end, that are written and looked at

class Misdeeds {
 public:
  explicit Misdeeds(const Input& input) : input_(input) {}

  Scheduler::Result run() {
    findings().forget();
    for (unsigned i = 0; i < input_.count && !broken_; ++i) {
      step(input_.operations[i]);
      hash_ = (hash_ ^ generation_) * 0x100000001b3u;
      if (findings().internal != 0) fail("the heap calls its own state broken: %s", findings().last.detail);
      if (findings().damages != 0 && damaged_ == 0) fail("damage is found where none was done");
      if (findings().damages != 0 && !broken_) sweep();  // others may be whole again: start afresh
    }
    if (!broken_) sweep();
    for (unsigned s = 0; s < kSlots; ++s) end(s);
    if (findings().all() != 0) fail("a second look finds what was mended, or freeing is called misuse");
    return {broken_ ? Scheduler::Verdict::kStopped : Scheduler::Verdict::kDone, input_.count, hash_, reason()};
  }

 private:
  struct Block {
    unsigned char* at;
    size_t bytes;
    uint8_t key;
  };

  static char* reason() {
    static char text[200];
    return text;
  }
  [[gnu::format(printf, 2, 3)]] void fail(const char* format, ...) {
    if (broken_) return;
    broken_ = true;
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(reason(), 200, format, arguments);
    va_end(arguments);
  }

  unsigned find(unsigned wish, bool full) const {
    for (unsigned i = 0; i < kSlots; ++i) {
      if ((blocks_[(wish + i) % kSlots].at != nullptr) == full) return (wish + i) % kSlots;
    }
    return kSlots;
  }
  static Cell cell_of(const void* p) {
    Cell cell;
    return heap().locate(reinterpret_cast<uintptr_t>(p), cell) ? cell : Cell{};
  }
  static debug::DebugHeap& heap() { return debug_rules().heap; }

  // Whatever was done must be known by now, and is mended.
  void sweep() {
    heap().sweep("the fuzzer's look");
    if (findings().internal != 0) fail("the heap calls its own state broken: %s", findings().last.detail);
    if (damaged_ != 0 && findings().damages == 0) fail("damage at %#zx goes unnoticed", size_t{damaged_});
    if (damaged_ == 0 && findings().damages != 0) fail("damage is found where none was done");
    damaged_ = 0;
    findings().forget();
    for (const Block& b : blocks_) verify(b);
  }
  static size_t size_of(const Operation& op) {
    const size_t bytes = size_of_code(op.size);
    return bytes < kPaged ? std::min(bytes, kMost) : kPaged;
  }
  static uint8_t content(const Block& b, size_t i) { return static_cast<uint8_t>(b.key + i); }
  static size_t next(const Block& b, size_t i) { return i + 1 == kLook && b.bytes > 2 * kLook ? b.bytes - kLook : i + 1; }
  void verify(const Block& b) {
    if (b.at == nullptr) return;
    for (size_t i = 0; i < b.bytes; i = next(b, i)) {
      if (b.at[i] != content(b, i)) return fail("a live block of %zu bytes was changed at byte %zu", b.bytes, i);
    }
  }

  void allocate(const Operation& op) {
    const unsigned slot = find(op.slot, false);
    if (slot == kSlots) return end(op.slot % kSlots);
    const size_t bytes = size_of(op);
    const size_t align = op.kind == Kind::kAligned ? size_t{1} << op.argument % 13 : 16;
    take(slot, op.kind == Kind::kAligned ? debug_rules().memalign(align, bytes) : debug_rules().malloc(bytes), bytes, align);
  }
  void take(unsigned slot, void* p, size_t bytes, size_t align) {
    const auto at = reinterpret_cast<uintptr_t>(p);
    if (p == nullptr) return fail("no memory for %zu bytes", bytes);
    if (at % align != 0) return fail("a block of %zu bytes is not aligned to %zu", bytes, align);
    const Cell cell = cell_of(p);
    if (cell.record == nullptr || cell.user != at || cell.user_end() != at + bytes) return fail("a block that is no cell's");
    for (const Block& b : blocks_) {
      const Cell other = b.at != nullptr ? cell_of(b.at) : Cell{};
      if (other.record != nullptr && other.begin < cell.end && cell.begin < other.end) fail("two blocks share a cell");
    }
    for (unsigned i = 1; i <= std::min(kHeldBack, buried_) && !cell.paged; ++i) {
      const uintptr_t grave = graves_[(buried_ - i) % kGraves];
      if (cell.begin <= grave && grave < cell.end) fail("a block that was just freed is handed out again");
    }
    blocks_[slot] = {static_cast<unsigned char*>(p), bytes, static_cast<uint8_t>(++generation_ * 37)};
    const Block& b = blocks_[slot];
    for (size_t i = 0; i < bytes; i = next(b, i)) b.at[i] = content(b, i);
  }

  void end(unsigned slot) {
    Block& b = blocks_[slot];
    if (b.at == nullptr) return;
    verify(b);
    graves_[buried_++ % kGraves] = reinterpret_cast<uintptr_t>(b.at);
    heap().free(b.at);
    b = {};
  }
  void resize(const Operation& op) {
    const unsigned slot = find(op.slot, true);
    if (slot == kSlots) return allocate(op);
    const Block old = blocks_[slot];
    verify(old);
    blocks_[slot] = {};
    const size_t bytes = std::max<size_t>(size_of(op), 1);
    graves_[buried_++ % kGraves] = reinterpret_cast<uintptr_t>(old.at);
    void* p = debug_rules().realloc(old.at, bytes);
    for (size_t i = 0; p != nullptr && i < std::min({old.bytes, bytes, kLook}); ++i) {
      if (static_cast<uint8_t*>(p)[i] != content(old, i)) fail("realloc loses byte %zu", i);
    }
    take(slot, p, bytes, 16);
  }

  void spoil(uintptr_t at, size_t bytes) {
    auto* to = reinterpret_cast<volatile uint8_t*>(at);
    for (size_t i = 0; i < bytes; ++i) to[i] = static_cast<uint8_t>(to[i] ^ 0x5A);
    if (bytes != 0) damaged_ = at;
  }
  // Twice in one place would undo it: the first is found first.
  void overflow(const Operation& op, bool before) {
    const unsigned slot = find(op.slot, true);
    if (slot == kSlots) return;
    if (damaged_ != 0) sweep();
    const Cell cell = cell_of(blocks_[slot].at);
    const uintptr_t end = reinterpret_cast<uintptr_t>(blocks_[slot].at) + blocks_[slot].bytes;
    const size_t room = std::min<size_t>(before ? debug::kFront : cell.end - end, 64);
    if (room == 0 || (before && cell.paged && cell.user - cell.begin < room)) return;  // a guard page lies there
    const size_t bytes = 1 + op.argument % room;
    spoil(before ? cell.user - bytes : end, bytes);
  }
  void write_after_free(const Operation& op) {
    const uintptr_t grave = graves_[op.slot % kGraves];
    const Cell cell = cell_of(reinterpret_cast<void*>(grave));
    if (grave == 0 || cell.record == nullptr || cell.user != grave || cell.paged) return;
    // Elsewhere than in the quarantine the memory may be gone.
    if (cell.record->state.load(std::memory_order_relaxed) != State::kQuarantined || cell.record->size() == 0) return;
    if (damaged_ != 0) sweep();
    const size_t first = op.argument % cell.record->size();
    spoil(cell.user + first, std::min<size_t>(cell.record->size() - first, 1 + op.size % 32));
  }

  void bad_free(const Operation& op) {
    uintptr_t at = graves_[op.slot % kGraves];
    if (op.kind == Kind::kInteriorFree) {
      const unsigned slot = find(op.slot, true);
      if (slot == kSlots) return;
      const Cell cell = cell_of(blocks_[slot].at);
      at = cell.begin + (op.argument + op.size * size_t{256}) % (cell.end - cell.begin);
    } else if (op.kind != Kind::kDoubleFree) {
      const uintptr_t near = op.slot % 2 == 0 ? at : reinterpret_cast<uintptr_t>(blocks_[op.slot % kSlots].at);
      const uintptr_t bases[] = {near, near & ~uintptr_t{0xFFFF}, reinterpret_cast<uintptr_t>(&op), UINTPTR_MAX - 4096,
                                 reinterpret_cast<uintptr_t>(&heap()), uintptr_t{1} << (op.argument % 64)};
      at = bases[op.slot / 2 % std::size(bases)] + op.size;
    }
    if (at == 0 || std::any_of(blocks_, std::end(blocks_), [at](const Block& b) { return reinterpret_cast<uintptr_t>(b.at) == at; })) return;
    const unsigned before = findings().bad_pointers;
    heap().free(reinterpret_cast<void*>(at));
    if (findings().bad_pointers == before) fail("free of %#zx, which is no live block, goes unnoticed", size_t{at});
    findings().bad_pointers = 0;
  }

  void step(const Operation& op) {
    switch (op.kind) {
      case Kind::kMalloc:
      case Kind::kAligned:
      case Kind::kHeapMalloc:
        return allocate(op);
      case Kind::kMallocMany:
        for (unsigned i = 0; i <= op.argument % 8u; ++i) allocate(op);
        return;
      case Kind::kCalloc: {
        const unsigned slot = find(op.slot, false);
        const size_t bytes = size_of(op);
        if (slot == kSlots) return;
        auto* p = static_cast<unsigned char*>(debug_rules().calloc(1, bytes));
        if (p != nullptr && std::any_of(p, p + bytes, [](unsigned char c) { return c != 0; })) fail("calloc of %zu bytes: not zero", bytes);
        return take(slot, p, bytes, 16);
      }
      case Kind::kRealloc:
        return resize(op);
      case Kind::kFree:
        return free_from(op.slot);
      case Kind::kFreeMany:
        for (unsigned i = 0; i <= op.argument % 8u; ++i) free_from(op.slot + i);
        return;
      case Kind::kFlush:
        return overflow(op, false);
      case Kind::kExit:
        return overflow(op, true);
      case Kind::kStart:
      case Kind::kPurge:
        return write_after_free(op);
      case Kind::kTrim:
        return static_cast<void>(heap().trim());
      case Kind::kDoubleFree:
      case Kind::kInteriorFree:
      case Kind::kWildFree:
      case Kind::kFork:
      case Kind::kForkChild:
      case Kind::kBudget:
      case Kind::kFail:
        return bad_free(op);
      case Kind::kClock:
      case Kind::kStats:
        return sweep();
      default:
        if (const unsigned slot = find(op.slot, true); slot != kSlots) verify(blocks_[slot]);
    }
  }
  void free_from(unsigned wish) {
    if (const unsigned slot = find(wish, true); slot != kSlots) end(slot);
  }

  const Input& input_;
  bool broken_ = false;
  uint64_t hash_ = 0xcbf29ce484222325u;
  uint8_t generation_ = 0;
  uintptr_t damaged_ = 0;  // where bytes were changed that nobody has found yet
  Block blocks_[kSlots] = {};
  uintptr_t graves_[kGraves] = {};
  unsigned buried_ = 0;
};

}  // namespace

Scheduler::Result run_misuse_debug(const Input& input) { return Misdeeds(input).run(); }

}  // namespace masu::fuzz
