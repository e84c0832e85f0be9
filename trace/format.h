// A recording: what a program asked of malloc, as bytes. A file is a row of chunks; a chunk is written by one thread at
// a time and holds events, each a kind, then numbers of 7 bits a byte.
//   kind | order - previous order | name - previous name (zigzag) | size, where it has one | log2 of the alignment, likewise
// An event's order is its place among those of all threads: taken after a call that gives a block and before one that
// takes it, so that a name (the block's address) is never given while it is taken. A chunk without the magic is empty.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace masu::trace {

enum class Kind : uint8_t {
  kNone, kMalloc, kCalloc, kAligned, kRealloc, kFree, kUsable,
  kThread,   // only in recordings: the next events are this thread's (its number is the name)
  kResized,  // the thread's realloc gave this block; where neither this nor kRefused follows, it was a free
  kRefused,  // the thread's realloc failed: nothing happened
  kCount,
};

constexpr bool has_size(Kind kind) {
  return kind == Kind::kMalloc || kind == Kind::kCalloc || kind == Kind::kAligned || kind == Kind::kResized;
}

struct Event {
  Kind kind;
  uint64_t order, name, size;
  uint8_t align_log2;
};

constexpr uint64_t kMagic = 0x3145434152545F4D;  // "M_TRACE1"
constexpr size_t kChunkBytes = 65536, kLongestEvent = 32;

struct Chunk {
  uint64_t magic, order, name;  // the last event's, 0 before the first
  std::atomic<uint32_t> used;   // bytes of events that are whole, so that a killed process leaves what it wrote
  uint8_t bytes[kChunkBytes - 32];

  bool full() const { return used.load(std::memory_order_relaxed) + kLongestEvent > sizeof bytes; }

  void write(const Event& event) {
    uint8_t* at = bytes + used.load(std::memory_order_relaxed);
    *at++ = static_cast<uint8_t>(event.kind);
    const int64_t step = static_cast<int64_t>(event.name - name);
    at = number(at, event.order - order);
    at = number(at, static_cast<uint64_t>(step) << 1 ^ static_cast<uint64_t>(step >> 63));
    if (has_size(event.kind)) at = number(at, event.size);
    if (event.kind == Kind::kAligned) *at++ = event.align_log2;
    order = event.order;
    name = event.name;
    used.store(static_cast<uint32_t>(at - bytes), std::memory_order_release);  // release: the bytes come first
  }

 private:
  static uint8_t* number(uint8_t* at, uint64_t value) {
    for (; value >= 128; value >>= 7) *at++ = static_cast<uint8_t>(value | 128);
    *at++ = static_cast<uint8_t>(value);
    return at;
  }
};
static_assert(sizeof(Chunk) == kChunkBytes);

// Reads a chunk's events in the order they were written.
class ChunkReader {
 public:
  explicit ChunkReader(const Chunk& chunk)
      : at_(chunk.bytes), end_(chunk.magic == kMagic && chunk.used <= sizeof chunk.bytes ? at_ + chunk.used : at_) {}

  // False at the end, and where the bytes are no event: damaged() tells.
  bool next(Event& event) {
    if (at_ == end_ || damaged_) return false;
    const uint8_t kind = *at_++;
    damaged_ = kind == 0 || kind >= static_cast<uint8_t>(Kind::kCount);
    event = {static_cast<Kind>(kind), order_ += number(), 0, 0, 0};
    const uint64_t step = number();
    event.name = name_ += step >> 1 ^ (0 - (step & 1));
    if (has_size(event.kind)) event.size = number();
    if (event.kind == Kind::kAligned) event.align_log2 = static_cast<uint8_t>(number());
    return !damaged_;
  }
  bool damaged() const { return damaged_; }

 private:
  uint64_t number() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      value |= uint64_t{*at_ & 127u} << shift;
      if (*at_++ < 128) return value;
    }
    damaged_ = true;
    return 0;
  }
  const uint8_t *at_, *end_;
  uint64_t order_ = 0, name_ = 0;
  bool damaged_ = false;
};

}  // namespace masu::trace
