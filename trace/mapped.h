// An array in a mapping of its own, zeroed, paged in as it is used.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <utility>

namespace masu::trace {

template <class T>
struct Mapped {
  T* at = nullptr;
  size_t count = 0;

  explicit Mapped(size_t n) : count(n) {
    void* p = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) abort();
    at = static_cast<T*>(p);
  }
  ~Mapped() {
    if (at != nullptr) munmap(at, bytes());
  }
  Mapped(Mapped&& from) : at(std::exchange(from.at, nullptr)), count(std::exchange(from.count, 0)) {}
  Mapped& operator=(Mapped&&) = delete;

  T& operator[](size_t i) { return at[i]; }
  const T& operator[](size_t i) const { return at[i]; }
  size_t bytes() const { return count * sizeof(T) + 1; }
  // Whoever asks keeps the memory.
  T* release() { return std::exchange(at, nullptr); }

  friend void swap(Mapped& a, Mapped& b) {
    std::swap(a.at, b.at);
    std::swap(a.count, b.count);
  }
};

}  // namespace masu::trace
