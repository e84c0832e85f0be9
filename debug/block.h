// What the debug lane knows of one block, out of line, 32 bytes. Whoever moves `state` away from kLive owns
// the record until the block is handed out again; readers of other states may see a record change under them
// and look at `state` twice.
//   never -> live -> freeing -> quarantined -> released -> live ...
// A free does not touch the record of a block of the arena: the front (front.h) says that it has ended, the quarantine
// who ended it. That is written when somebody asks (Quarantine::settle), or at last when it leaves there.
// A block's cell: front red zone [begin, user), the program's bytes [user, user + size), tail [.., end).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace masu::debug {

enum class State : uint8_t { kNever, kLive, kFreeing, kQuarantined, kReleased };

// The call that made a block; the one that ends it must be of the same family.
enum class Family : uint8_t { kMalloc, kNew, kNewArray };

struct Record {
  std::atomic<State> state;
  Family family;
  uint8_t align_log2;  // 0: not asked for
  uint8_t cls;         // of its slab when it was handed out
  uint32_t alloc_stack;
  uint64_t size_and_heap;  // requested bytes; above kHeapShift the number of a private heap, else 0
  uint32_t free_thread;
  uint32_t free_stack;
  uint64_t serial;  // thread << kThreadShift | count of its allocations

  static constexpr unsigned kHeapShift = 48, kThreadShift = 40;
  size_t size() const { return size_and_heap & ((uint64_t{1} << kHeapShift) - 1); }
  uint32_t heap() const { return static_cast<uint32_t>(size_and_heap >> kHeapShift); }
  uint32_t alloc_thread() const { return static_cast<uint32_t>(serial >> kThreadShift); }
};
static_assert(sizeof(Record) == 32);

struct Cell {
  Record* record = nullptr;
  uintptr_t begin = 0, end = 0;
  uintptr_t user = 0;
  size_t size = 0;     // that the program asked for
  bool paged = false;  // on pages of its own, behind guard pages

  uintptr_t user_end() const { return user + size; }
};

}  // namespace masu::debug
