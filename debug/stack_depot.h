// Stacks stored once each and named by 32-bit ids: blocks keep an id instead of frames. Any thread, inside
// malloc, in signal handlers: no locks, no allocation, one fixed range of zero pages taken at init and
// touched as it fills. Nothing is ever removed, so a frame pointer stays valid. When full, and before init,
// put() returns 0.
// An id with kCut names the innermost part of a stack that nobody walked further.
//   id = word index of a record;  record = { link, frame count and hash, frames... }
//   link and bucket = id of the next record | one bit for the hash of each from there on: most new stacks are known to be
//   new without a look at any record
//   every record is reachable from the bucket of its hash, exactly once
#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace masu::debug {

class StackDepot {
 public:
  using StackId = uint32_t;  // 0: unknown
  static constexpr StackId kCut = StackId{1} << 31;
  static constexpr size_t kMaxFrames = 255;

  struct Frames {
    const uintptr_t* sites;
    size_t count;
  };

  // `map(bytes)` returns that many zero bytes, page-aligned, or null. One thread, before anything else.
  template <class Map>
  bool init(size_t bytes, Map&& map) {
    if (bytes > kMaxBytes) bytes = kMaxBytes;
    if (bytes < kMinBytes) return false;
    auto* memory = static_cast<std::atomic<uint64_t>*>(map(bytes));
    if (memory == nullptr) return false;
    const size_t words = bytes / sizeof(uint64_t);
    buckets_ = std::min(std::bit_floor(words / 16), kMaxBuckets);
    used_.store(buckets_, std::memory_order_relaxed);  // relaxed: published by the store of words_
    words_ = words;
    // release, pairs with the acquires in put() and get(): the fields above.
    memory_.store(memory, std::memory_order_release);
    return true;
  }

  // Long stacks are cut to kMaxFrames.
  StackId put(const uintptr_t* sites, size_t count) {
    std::atomic<uint64_t>* memory = memory_.load(std::memory_order_acquire);  // pairs with init()
    if (memory == nullptr || count == 0) return 0;
    if (count > kMaxFrames) count = kMaxFrames;
    const uint64_t hash = hash_of(sites, count);
    std::atomic<uint64_t>& bucket = memory[hash & (buckets_ - 1)];
    // acquire, pairs with the release below: the records that the head leads to.
    uint64_t head = bucket.load(std::memory_order_acquire);
    if (const StackId found = find(memory, head, 0, hash, sites, count)) return found;

    const uint64_t id = take(kHeaderWords + count);
    if (id == 0) return 0;
    write(memory + id, hash, sites, count);
    for (uint64_t searched = head;; searched = head) {
      memory[id].store(head, std::memory_order_relaxed);  // relaxed: published by the exchange
      const uint64_t link = id | (head & ~kIdBits) | bit_of(hash);
      // release, pairs with the acquires of the bucket: the record. acquire on failure: what others inserted.
      if (bucket.compare_exchange_weak(head, link, std::memory_order_release, std::memory_order_acquire)) {
        return static_cast<StackId>(id);
      }
      // Who lost to the same stack gives its own record up: it is reachable from nowhere.
      if (const StackId found = find(memory, head, searched, hash, sites, count)) return found;
    }
  }

  // Empty for an id that put() never returned, as far as that can be told.
  Frames get(StackId id) const {
    id &= ~kCut;
    const std::atomic<uint64_t>* memory = memory_.load(std::memory_order_acquire);  // pairs with init()
    if (memory == nullptr || id < buckets_ || id + kHeaderWords > words_) return {nullptr, 0};
    // relaxed: who was handed the id was handed the record; of a made-up id, whatever is there is checked.
    const uint64_t mark = memory[id + 1].load(std::memory_order_relaxed);
    const size_t count = mark & kMaxFrames;
    const auto* sites = reinterpret_cast<const uintptr_t*>(memory + id + kHeaderWords);
    if (count == 0 || id + kHeaderWords + count > words_) return {nullptr, 0};
    return mark_of(hash_of(sites, count), count) == mark ? Frames{sites, count} : Frames{nullptr, 0};
  }

  // Bytes in use, of the bytes given.
  size_t used_bytes() const {
    return used_.load(std::memory_order_relaxed) * sizeof(uint64_t);
  }  // relaxed: a hint
  size_t capacity_bytes() const { return words_ * sizeof(uint64_t); }

 private:
  static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uintptr_t) &&
                std::atomic<uint64_t>::is_always_lock_free);
  // More would spread what little short programs use over more pages; a full depot has chains of six.
  static constexpr size_t kMaxBuckets = size_t{1} << 16;
  static constexpr size_t kHeaderWords = 2;
  static constexpr size_t kMinBytes = 4096;
  static constexpr size_t kMaxBytes = size_t{kCut} * sizeof(uint64_t);

  // Four lanes, so that the multiplications of a long stack overlap.
  static uint64_t hash_of(const uintptr_t* sites, size_t count) {
    constexpr uint64_t kFactor = 0x9e3779b97f4a7c15u;
    uint64_t lanes[4] = {count, 1, 2, 3};
    for (size_t i = 0; i < count; ++i) lanes[i % 4] = (std::rotl(lanes[i % 4], 23) ^ sites[i]) * kFactor;
    uint64_t hash = 0;
    for (const uint64_t lane : lanes) hash = (std::rotl(hash, 23) ^ lane) * kFactor;
    return hash ^ (hash >> 32);
  }
  static uint64_t mark_of(uint64_t hash, size_t count) { return (hash & ~uint64_t{kMaxFrames}) | count; }

  static constexpr uint64_t kIdBits = UINT32_MAX;
  static uint64_t bit_of(uint64_t hash) { return uint64_t{1} << (32 + (hash >> 20) % 32); }

  // The record with these frames among those from `head` up to, without, `end`: two links.
  static StackId find(const std::atomic<uint64_t>* memory, uint64_t head, uint64_t end, uint64_t hash,
                      const uintptr_t* sites, size_t count) {
    const uint64_t mark = mark_of(hash, count);
    for (uint64_t link = head; link != end && (link & bit_of(hash)) != 0;) {
      const uint64_t id = link & kIdBits;
      const std::atomic<uint64_t>* record = memory + id;
      // relaxed: records are written before they are published, and never after; see the acquires in put().
      if (record[1].load(std::memory_order_relaxed) == mark && equal(record + kHeaderWords, sites, count)) {
        return static_cast<StackId>(id);
      }
      link = record[0].load(std::memory_order_relaxed);
    }
    return 0;
  }

  static bool equal(const std::atomic<uint64_t>* stored, const uintptr_t* sites, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (stored[i].load(std::memory_order_relaxed) != sites[i]) return false;  // relaxed: as in find()
    }
    return true;
  }

  static void write(std::atomic<uint64_t>* record, uint64_t hash, const uintptr_t* sites, size_t count) {
    record[1].store(mark_of(hash, count),
                    std::memory_order_relaxed);  // relaxed: published by put()'s exchange
    for (size_t i = 0; i < count; ++i) record[kHeaderWords + i].store(sites[i], std::memory_order_relaxed);
  }

  // Words of its own for the caller, 0 if there are not as many left.
  uint64_t take(size_t words) {
    uint64_t used = used_.load(std::memory_order_relaxed);  // relaxed: only the sum matters
    do {
      if (used + words > words_) return 0;
    } while (!used_.compare_exchange_weak(used, used + words, std::memory_order_relaxed));
    return used;
  }

  std::atomic<std::atomic<uint64_t>*> memory_{nullptr};
  std::atomic<uint64_t> used_{0};
  size_t buckets_ = 0;  // a power of two; the table is the first words
  size_t words_ = 0;
};

}  // namespace masu::debug
