// The reference model: what a correct heap may answer, and what a program has stored in its blocks.
// The program here is well-behaved: one thread at a time works on a slot (`busy`), and whoever works on it next
// is ordered after, as in a real program that hands a pointer over. Everything is compiled uninstrumented, but
// the race detector is told of every look at a block's contents.
//   live blocks are disjoint over their usable size;  content(block) = keyed words, all usable bytes (of large ones: samples)
// A broken rule stops the run with one line that names rule, block and thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu::fuzz {

constexpr unsigned kSlots = 32;

[[noreturn]] [[gnu::format(printf, 1, 2)]] void fail(const char* format, ...);

struct Block {
  uintptr_t at;         // 0: the slot is empty
  size_t asked, usable;
  uint64_t key;
  uint8_t heap;         // 0: the ordinary heap, else a private one
  bool whole;           // all of its bytes hold contents, however large it is
  bool busy;            // some thread's operation is working on it
};

class Model {
 public:
  // No blocks; `whole`: large ones will have contents in all their bytes.
  void reset(bool whole);

  // The first slot >= wish (wrapping) that nobody works on and that is empty or full; kSlots where none is.
  unsigned find(unsigned wish, bool full) const;
  Block& block(unsigned slot) { return blocks_[slot]; }
  bool belongs(unsigned slot, unsigned heap) const;  // whether a live block of that heap is there
  bool in_use(unsigned heap) const;                  // whether an operation works on a block of that heap
  bool starts_at(uintptr_t at) const;                // whether a live block does
  unsigned live() const;
  size_t live_bytes() const;

  // An operation on the slot begins and ends: happens-after the last one there.
  void enter(unsigned slot);
  void leave(unsigned slot);
  // Slots that a thread lost to a fork was working on: their blocks are in nobody's hands.
  unsigned forget_busy();

  // A block came out of the heap: checks the answer, then writes its contents.
  struct Request {
    const char* call;
    size_t bytes, align;
    bool zeroed;
  };
  void allocated(unsigned slot, const Request& request, void* p, size_t usable);
  // Its contents are as written, its first `bytes` bytes at least.
  void verify(unsigned slot, const char* when) const;
  // From here on the block is the heap's.
  void freed(unsigned slot);
  // realloc: hides the old block while the heap may already hand its address out, and puts things right after.
  Block suspend(unsigned slot);
  void moved(unsigned slot, const Block& old, size_t bytes, void* p, size_t usable);
  void restored(unsigned slot, const Block& old, size_t usable);

 private:
  void place(unsigned slot, const Request& request, void* p, size_t usable);
  void write(const Block& block);

  Block blocks_[kSlots];
  char order_[kSlots];    // addresses that stand for "the last operation on this slot"
  uint64_t generation_;
  bool whole_ = false;
};

}  // namespace masu::fuzz
