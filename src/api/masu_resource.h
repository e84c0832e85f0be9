// C++ on a private heap: a std::pmr::memory_resource and a standard allocator. For programs that link masu;
// header-only over masu.h. Throws std::bad_alloc where there is no memory.
// Thread rules: allocate and deallocate from any thread; the resource must outlive its blocks.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory_resource>
#include <new>

#include "masu.h"

namespace masu {

class HeapResource : public std::pmr::memory_resource {
 public:
  HeapResource() : heap_(masu_heap_new()) {
    if (heap_ == nullptr) throw std::bad_alloc();
  }
  // Frees whatever is still allocated from it.
  ~HeapResource() override { masu_heap_delete(heap_); }
  HeapResource(const HeapResource&) = delete;
  HeapResource& operator=(const HeapResource&) = delete;

 private:
  void* do_allocate(std::size_t bytes, std::size_t align) override {
    void* p = masu_heap_aligned(heap_, align, bytes);
    if (p == nullptr) throw std::bad_alloc();
    return p;
  }
  void do_deallocate(void* p, std::size_t, std::size_t) override { std::free(p); }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  masu_heap* heap_;
};

// Standard allocator (C++20 [allocator.requirements]) over a resource that the caller keeps alive.
template <class T>
class HeapAllocator {
 public:
  using value_type = T;
  explicit HeapAllocator(HeapResource& heap) : heap_(&heap) {}
  template <class U>
  HeapAllocator(const HeapAllocator<U>& other) : heap_(other.heap_) {}

  T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(heap_->allocate(n * sizeof(T), alignof(T)));
  }
  void deallocate(T* p, std::size_t n) { heap_->deallocate(p, n * sizeof(T), alignof(T)); }
  template <class U>
  bool operator==(const HeapAllocator<U>& other) const {
    return heap_ == other.heap_;
  }

 private:
  template <class U>
  friend class HeapAllocator;
  HeapResource* heap_;
};

}  // namespace masu
