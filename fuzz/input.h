// The input format, the same for every target and engine; every byte string is valid.
//   16 bytes   header: config, threads and mode, priorities, OS failures, 4 preemptions, seed
//   4 bytes each, at most 64 operations {thread and kind, slot, size code, argument}
//   the rest   a byte per scheduling decision (mode kBytes only)
// Widths are fixed, so that an edit of one operation leaves all others, and the schedule, where they were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/strategy.h"

namespace masu::fuzz {

constexpr size_t kHeaderBytes = 16;
constexpr size_t kOperationBytes = 4;
constexpr unsigned kMaxOperations = 64;

enum class Kind : uint8_t {
  kMalloc, kCalloc, kRealloc, kAligned, kFree, kFreeMany, kMallocMany, kCheck,
  kFlush, kExit, kStart, kPurge, kTrim, kClock, kBudget, kFail, kFork, kForkChild, kStats,
  kHeapNew, kHeapMalloc, kHeapDelete, kDoubleFree, kInteriorFree, kWildFree, kCount,
};
const char* kind_name(Kind kind);
// The first byte of an operation of this kind by thread 0; the others' follow.
uint8_t byte_of(Kind kind);

struct Operation {
  uint8_t thread;
  Kind kind;
  uint8_t slot, size, argument;
};

// The bytes a size code stands for: neighbours of every class boundary, of page counts, and the absurd.
size_t size_of_code(uint8_t code);
// The code of the smallest size that is no smaller; of the largest below a megabyte where there is none.
uint8_t code_of_size(size_t size);
// The alignment an argument stands for: mostly powers of two, up to 4 MiB, and one absurd.
size_t alignment_of(uint8_t argument);

enum class Mode : uint8_t { kAnchored, kPct, kBytes };

struct Input {
  uint8_t config;
  uint8_t threads;       // 2..4
  Mode mode;
  uint8_t depth;         // kPct: 2..4
  uint8_t permutation;   // of priorities, < 24
  uint32_t span;         // kPct: steps among which the changes lie
  Anchored::Preemption preemptions[Anchored::kMax];
  uint8_t fail_mask, fail_at;
  bool fail_for_good;
  uint64_t seed;
  unsigned count;
  Operation operations[kMaxOperations];
  const uint8_t* schedule;  // points into the decoded bytes
  size_t schedule_bytes;
};

Input decode(const uint8_t* data, size_t size);

// As text, a line per operation; `from` and `to` bound the operations shown.
std::string describe(const Input& input);
std::string describe(const Operation& operation);

}  // namespace masu::fuzz
