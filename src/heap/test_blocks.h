// What tests of the heap do with blocks: contents that are watched, hand-over between threads, random operations.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/bits.h"

namespace masu::test {

// Contents that say whose they are: words that follow from the key and their place.
inline uint64_t word_of(uint64_t key, size_t i) { return (key + i) * 0x9E3779B97F4A7C15u; }
inline void fill(void* p, size_t bytes, uint64_t key) {
  auto* b = static_cast<unsigned char*>(p);
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t w = word_of(key, i);
    memcpy(b + i, &w, min_of<size_t>(8, bytes - i));
  }
}
inline bool filled(const void* p, size_t bytes, uint64_t key) {
  const auto* b = static_cast<const unsigned char*>(p);
  uint64_t different = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    const uint64_t w = word_of(key, i);
    if (bytes - i < 8) return different == 0 && memcmp(b + i, &w, bytes - i) == 0;
    uint64_t found = 0;
    memcpy(&found, b + i, 8);
    different |= found ^ w;
  }
  return different == 0;
}
inline bool all_zero(const void* p, size_t bytes) {
  const auto* b = static_cast<const unsigned char*>(p);
  return bytes == 0 || (b[0] == 0 && memcmp(b, b + 1, bytes - 1) == 0);
}

// xorshift64*: repeatable by its seed.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  size_t below(size_t n) { return static_cast<size_t>((next() >> 32) * n >> 32); }
  // Small sizes often, sizes of every magnitude up to `most` sometimes.
  size_t size(size_t most) {
    const size_t top = size_t{1} << below(static_cast<size_t>(std::bit_width(most)));
    return min_of(below(top * 2), most);
  }

 private:
  uint64_t state_;
};

// Random operations on one thread's blocks, whose contents it watches. Null is an answer; a block never gets lost:
// a failed realloc leaves it as it was.
template <class Heap>
class Churn {
 public:
  Churn(Heap& heap, uint64_t seed, size_t most) : heap_(heap), random_(seed), most_(most) {}
  ~Churn() { free_all(); }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  void step() {
    const size_t bytes = random_.size(random_.below(16) == 0 ? most_ : 3000);
    if (live_.size() < 2 || random_.below(80) > live_.size()) {
      const size_t align = size_t{1} << random_.below(random_.below(8) == 0 ? 22 : 6);
      switch (random_.below(3)) {
        case 0: return add(heap_.malloc(bytes), bytes);
        case 1: {
          void* p = heap_.calloc(bytes);
          EXPECT_TRUE(p == nullptr || all_zero(p, bytes));
          return add(p, bytes);
        }
        default: {
          void* p = heap_.aligned(bytes, align);
          EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % align, 0u);
          return add(p, bytes);
        }
      }
    }
    const size_t i = random_.below(live_.size());
    const Block old = live_[i];
    EXPECT_TRUE(filled(old.p, old.bytes, old.key)) << "somebody wrote into a live block";
    if (random_.below(3) != 0) {
      drop(i);
      return heap_.free(old.p);
    }
    void* p = heap_.realloc(old.p, bytes);
    if (p == nullptr) {
      ++nulls;
      EXPECT_TRUE(filled(old.p, old.bytes, old.key)) << "a failed realloc changed the block";
      return;
    }
    EXPECT_TRUE(filled(p, min_of(bytes, old.bytes), old.key)) << "realloc lost contents";
    drop(i);
    add(p, bytes);
  }
  void steps(int n) {
    while (n-- > 0) step();
  }
  void free_all() {
    for (const Block& b : live_) {
      EXPECT_TRUE(filled(b.p, b.bytes, b.key));
      heap_.free(b.p);
    }
    live_.clear();
  }
  size_t live() const { return live_.size(); }
  unsigned nulls = 0;

 private:
  struct Block {
    void* p;
    size_t bytes;
    uint64_t key;
  };
  void add(void* p, size_t bytes) {
    if (p == nullptr) {
      ++nulls;
      return;
    }
    EXPECT_GE(heap_.usable_size(p), bytes);
    fill(p, bytes, ++key_);
    live_.push_back({p, bytes, key_});
  }
  void drop(size_t i) {
    live_[i] = live_.back();
    live_.pop_back();
  }

  Heap& heap_;
  Random random_;
  size_t most_;
  uint64_t key_ = 0;
  std::vector<Block> live_;
};

// Blocks on their way from one thread to the next. A slot holds one block; whoever takes it out frees it.
class Ring {
 public:
  explicit Ring(size_t slots) : slots_(slots) {}
  void* swap(size_t i, void* p) { return slots_[i % slots_.size()].exchange(p, std::memory_order_acq_rel); }
  template <class Visit>
  void drain(Visit visit) {
    for (auto& slot : slots_) {
      if (void* p = slot.exchange(nullptr, std::memory_order_acq_rel); p != nullptr) visit(p);
    }
  }

 private:
  std::vector<std::atomic<void*>> slots_;
};

// Its size and key stand in the block itself.
struct Marked {
  uint32_t bytes, key;
};
inline void* mark(void* p, size_t bytes, uint64_t key) {
  *static_cast<Marked*>(p) = {static_cast<uint32_t>(bytes), static_cast<uint32_t>(key)};
  fill(static_cast<char*>(p) + sizeof(Marked), bytes - sizeof(Marked), static_cast<uint32_t>(key));
  return p;
}
inline bool marked(void* p) {
  const Marked m = *static_cast<Marked*>(p);
  return filled(static_cast<char*>(p) + sizeof(Marked), m.bytes - sizeof(Marked), m.key);
}

}  // namespace masu::test
