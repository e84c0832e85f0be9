#include "fuzz/oracle.h"

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "fuzz/fault_os.h"
#include "fuzz/scheduler.h"
#include "fuzz/weak_model.h"

extern "C" {
[[gnu::weak]] void __tsan_read_range(void* at, unsigned long bytes);
[[gnu::weak]] void __tsan_write_range(void* at, unsigned long bytes);
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
}

namespace masu::fuzz {
namespace {

using Word = uint64_t;
constexpr Word kStep = 0x9e3779b97f4a7c15u;

void* pointer(uintptr_t at) { return reinterpret_cast<void*>(at); }

// To a race detector the model's accesses are the program's; elsewhere World knows what may be touched.
void look(uintptr_t at, size_t bytes, bool write) {
  if (write && __tsan_write_range != nullptr) __tsan_write_range(pointer(at), bytes);
  if (!write && __tsan_read_range != nullptr) __tsan_read_range(pointer(at), bytes);
}

bool is_sampled(const Block& b) { return !b.whole && b.usable > 4096; }

// Calls part(first, end) for the words that hold a block's contents. Where it is sampled these are its ends and the start of
// every page, where heaps put what they should not.
template <class Part>
void for_parts(const Block& b, Part part) {
  constexpr size_t kEnd = 512 / sizeof(Word), kPageWords = 4096 / sizeof(Word), kStart = 64 / sizeof(Word);
  const size_t n = b.usable / sizeof(Word);
  if (!is_sampled(b)) return part(0, n);
  part(0, kEnd);
  for (size_t i = kPageWords; i + kStart + kEnd < n; i += kPageWords) part(i, i + kStart);
  part(n - kEnd, n);
}

// The first `bytes` bytes of what block b holds.
void verify_words(const Block& b, size_t bytes, const char* when) {
  if (!World::get().is_committed(b.at, std::max<size_t>(bytes, 1))) {
    fail("%s: block %#zx of %zu bytes lies on inaccessible memory", when, size_t{b.at}, bytes);
  }
  const auto* words = reinterpret_cast<const Word*>(b.at);
  const size_t n = bytes / sizeof(Word);
  size_t wrong = n;
  for_parts(b, [&](size_t i, size_t end) {
    end = std::min(end, n);
    if (i < end) look(b.at + i * sizeof(Word), (end - i) * sizeof(Word), false);
    Word any = 0;
    for (size_t k = i; k < end; ++k) any |= words[k] ^ (b.key + k * kStep);
    if (any == 0) return;
    while (words[i] == b.key + i * kStep) ++i;
    wrong = std::min(wrong, i);
  });
  const Word last = b.key + n * kStep;
  const bool part_of_word = !is_sampled(b) && std::memcmp(words + n, &last, bytes % sizeof(Word)) != 0;
  if (wrong == n && !part_of_word) return;
  fail("%s: block %#zx of %zu bytes was changed at byte %zu: %#llx instead of %#llx", when, size_t{b.at}, bytes,
       wrong * sizeof(Word), wrong < n ? static_cast<unsigned long long>(words[wrong]) : 0ull,
       static_cast<unsigned long long>(b.key + wrong * kStep));
}

}  // namespace

void fail(const char* format, ...) {
  static char line[300];
  const int n = std::snprintf(line, sizeof line, "thread %u: ", Scheduler::get().thread());
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line + n, sizeof line - static_cast<size_t>(n), format, arguments);
  va_end(arguments);
  Scheduler::get().stop(line);
}

void Model::reset(bool whole) {
  std::memset(blocks_, 0, sizeof blocks_);
  generation_ = 0;
  whole_ = whole;
}

unsigned Model::find(unsigned wish, bool full) const {
  for (unsigned i = 0; i < kSlots; ++i) {
    const Block& b = blocks_[(wish + i) % kSlots];
    if (!b.busy && (b.at != 0) == full) return (wish + i) % kSlots;
  }
  return kSlots;
}

// Its slot may look empty already: the block's free is under way.
bool Model::in_use(unsigned heap) const {
  return std::any_of(blocks_, blocks_ + kSlots, [heap](const Block& b) { return b.busy && b.heap == heap; });
}
bool Model::belongs(unsigned slot, unsigned heap) const { return blocks_[slot].at != 0 && blocks_[slot].heap == heap; }

bool Model::starts_at(uintptr_t at) const {
  return std::any_of(blocks_, blocks_ + kSlots, [at](const Block& b) { return b.at == at; });
}

unsigned Model::live() const {
  unsigned n = 0;
  for (const Block& b : blocks_) n += b.at != 0;
  return n;
}

size_t Model::live_bytes() const {
  size_t n = 0;
  for (const Block& b : blocks_) n += b.at != 0 ? b.usable : 0;
  return n;
}

void Model::enter(unsigned slot) {
  blocks_[slot].busy = true;
  if (__tsan_acquire != nullptr) __tsan_acquire(&order_[slot]);
  WeakModel::get().take(slot);
}

void Model::leave(unsigned slot) {
  blocks_[slot].busy = false;
  if (__tsan_release != nullptr) __tsan_release(&order_[slot]);
  WeakModel::get().give(slot);
}

unsigned Model::forget_busy() {
  unsigned n = 0;
  for (Block& b : blocks_) {
    n += b.busy;
    if (b.busy) b = {};
  }
  return n;
}

void Model::write(const Block& b) {
  auto* words = reinterpret_cast<Word*>(b.at);
  for_parts(b, [&](size_t i, size_t end) {
    look(b.at + i * sizeof(Word), (end - i) * sizeof(Word), true);
    for (; i < end; ++i) words[i] = b.key + i * kStep;
  });
  const size_t n = b.usable / sizeof(Word);
  const Word last = b.key + n * kStep;
  std::memcpy(words + n, &last, b.usable % sizeof(Word));
}

void Model::place(unsigned slot, const Request& r, void* p, size_t usable) {
  const auto at = reinterpret_cast<uintptr_t>(p);
  const char* call = r.call;
  if (r.bytes > PTRDIFF_MAX) fail("%s: %zu bytes were granted", call, r.bytes);
  if (usable < r.bytes) fail("%s: %zu bytes asked, %zu usable", call, r.bytes, usable);
  if (at % std::max<size_t>(r.align, 16) != 0) fail("%s: %p is not aligned to %zu", call, p, std::max<size_t>(r.align, 16));
  if (!World::get().is_committed(at, std::max<size_t>(usable, 1))) {
    fail("%s: %p, %zu bytes, is not all the heap's memory", call, p, usable);
  }
  for (unsigned s = 0; s < kSlots; ++s) {
    const Block& b = blocks_[s];
    if (b.at != 0 && at < b.at + b.usable && b.at < at + usable) {
      fail("%s: %p, %zu bytes, overlaps the live block %#zx, %zu bytes", call, p, usable, size_t{b.at}, b.usable);
    }
  }
  blocks_[slot].heap = 0;
  blocks_[slot].at = at;
  blocks_[slot].asked = r.bytes;
  blocks_[slot].usable = usable;
  blocks_[slot].whole = whole_;
  blocks_[slot].key = (++generation_ * kSlots + slot) * 0xbf58476d1ce4e5b9u;
}

void Model::allocated(unsigned slot, const Request& r, void* p, size_t usable) {
  place(slot, r, p, usable);
  const Block& b = blocks_[slot];
  if (std::has_single_bit(r.bytes) && b.at % std::min<size_t>(r.bytes, 4096) != 0) {
    fail("%s: %p is not naturally aligned for %zu bytes", r.call, p, r.bytes);
  }
  if (r.zeroed) {
    look(b.at, b.asked, false);
    const auto* bytes = reinterpret_cast<const unsigned char*>(b.at);
    Word any = 0;
    for (size_t i = 0; i + sizeof(Word) <= b.asked; i += sizeof(Word)) any |= *reinterpret_cast<const Word*>(bytes + i);
    for (size_t i = any != 0 ? 0 : b.asked / sizeof(Word) * sizeof(Word); i < b.asked; ++i) {
      if (bytes[i] != 0) fail("%s: byte %zu of %zu at %p is %#x, not 0", r.call, i, b.asked, p, bytes[i]);
    }
  }
  write(b);
}

void Model::verify(unsigned slot, const char* when) const {
  verify_words(blocks_[slot], blocks_[slot].usable, when);
}

void Model::freed(unsigned slot) {
  verify(slot, "free");
  blocks_[slot].at = 0;
}

Block Model::suspend(unsigned slot) {
  verify(slot, "realloc");
  const Block old = blocks_[slot];
  blocks_[slot].at = 0;
  return old;
}

void Model::moved(unsigned slot, const Block& old, size_t bytes, void* p, size_t usable) {
  place(slot, {"realloc", bytes, 1, false}, p, usable);
  Block copy = old;
  copy.at = blocks_[slot].at;
  verify_words(copy, std::min(old.usable, bytes), "after realloc");
  write(blocks_[slot]);
}

void Model::restored(unsigned slot, const Block& old, size_t usable) {
  blocks_[slot] = old;
  if (usable != old.usable) fail("a failed realloc changed the usable size from %zu to %zu", old.usable, usable);
  verify(slot, "after a failed realloc");
}

}  // namespace masu::fuzz
