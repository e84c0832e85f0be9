#include "shared_lines/lines.h"

#include <unordered_map>
#include <vector>

namespace masu::lines {
namespace {

constexpr size_t kLine = 64;

struct Range {
  const char* name;
  uintptr_t begin, end;
};
struct State {
  std::vector<Range> ranges;
  std::unordered_map<uintptr_t, uint32_t> holders;  // by line: a bit a thread
  Counts counts;
  unsigned current = 0;
};
State& state() {
  static State s;
  return s;
}

const Range* range_of(uintptr_t address) {
  const auto& all = state().ranges;
  for (size_t i = all.size(); i-- > 0;) {
    if (address >= all[i].begin && address < all[i].end) return &all[i];
  }
  return nullptr;
}

void touch(uintptr_t address, size_t bytes, bool write) {
  const Range* range = range_of(address);
  if (range == nullptr) return;
  const uint32_t me = 1u << state().current;
  for (uintptr_t line = address / kLine; line <= (address + bytes - 1) / kLine; ++line) {
    uint32_t& holders = state().holders[line];
    if (write && (holders & ~me) != 0) ++state().counts[range->name];
    holders = write ? me : holders | me;
  }
}

}  // namespace

void add_range(const char* name, const void* begin, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(begin);
  state().ranges.push_back({name, at, at + bytes});
}
void forget() {
  state().ranges.clear();
  state().holders.clear();
}
unsigned& current() { return state().current; }
void start() { state().counts.clear(); }
Counts stop() { return state().counts; }

}  // namespace masu::lines

// What the compiler calls.
using masu::lines::touch;
#define AT(p) reinterpret_cast<uintptr_t>(p)

#define ACCESS(bytes) \
  void __tsan_read##bytes(void* p) { touch(AT(p), bytes, false); } \
  void __tsan_write##bytes(void* p) { touch(AT(p), bytes, true); } \
  void __tsan_unaligned_read##bytes(void* p) { touch(AT(p), bytes, false); } \
  void __tsan_unaligned_write##bytes(void* p) { touch(AT(p), bytes, true); }

#define FETCH(bits, T, op) \
  T __tsan_atomic##bits##_fetch_##op(volatile T* p, T v, int) { \
    touch(AT(p), sizeof(T), true); \
    return __atomic_fetch_##op(p, v, __ATOMIC_SEQ_CST); \
  }

#define ATOMIC(bits, T) \
  T __tsan_atomic##bits##_load(const volatile T* p, int) { \
    touch(AT(p), sizeof(T), false); \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST); \
  } \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int) { \
    touch(AT(p), sizeof(T), true); \
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST); \
  } \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int) { \
    touch(AT(p), sizeof(T), true); \
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); \
  } \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* want, T v, int, int) { \
    touch(AT(p), sizeof(T), true); \
    return __atomic_compare_exchange_n(p, want, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  } \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* want, T v, int, int) { \
    touch(AT(p), sizeof(T), true); \
    return __atomic_compare_exchange_n(p, want, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
  } \
  FETCH(bits, T, add) FETCH(bits, T, sub) FETCH(bits, T, and) FETCH(bits, T, or)

extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* p, unsigned long bytes) { touch(AT(p), bytes, false); }
void __tsan_write_range(void* p, unsigned long bytes) { touch(AT(p), bytes, true); }
void __tsan_atomic_thread_fence(int) {}
ACCESS(1) ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16)
ATOMIC(8, uint8_t) ATOMIC(16, uint16_t) ATOMIC(32, uint32_t) ATOMIC(64, uint64_t)
}
