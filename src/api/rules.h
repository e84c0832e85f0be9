// The rules of the malloc family over any heap: errno, overflow, zero sizes, alignment (POSIX.1-2017, C23,
// glibc where they leave it open). Heap must have malloc, free, calloc, realloc, aligned, usable_size.
// free keeps errno: nothing below it sets it.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/bits.h"

namespace masu {

enum class NewForm : uint8_t { kScalar, kArray };
constexpr size_t kUnsaid = SIZE_MAX;  // a size or alignment that a form of delete does not tell

template <class Heap>
struct Rules {
  Heap& heap;

  // C23 7.24.3.6; a unique block for 0 bytes.
  MASU_INLINE void* malloc(size_t bytes) {
    if constexpr (requires { heap.hit(bytes); }) {
      void* p = heap.hit(bytes);
      return MASU_LIKELY(p != nullptr) ? p : malloc_missed(bytes);
    } else {
      return or_enomem(heap.malloc(bytes));
    }
  }

  // C23 7.24.3.2: n * bytes that overflows is ENOMEM.
  MASU_INLINE void* calloc(size_t n, size_t bytes) {
    size_t all = 0;
    return MASU_UNLIKELY(__builtin_mul_overflow(n, bytes, &all)) ? or_enomem(nullptr) : or_enomem(heap.calloc(all));
  }

  // glibc: realloc(p, 0) frees p and returns null with errno as it was; C23 leaves it undefined.
  void* realloc(void* p, size_t bytes) {
    if (bytes == 0 && p != nullptr) {
      heap.free(p);
      return nullptr;
    }
    return or_enomem(heap.realloc(p, bytes));
  }

  // POSIX.1-2024.
  void* reallocarray(void* p, size_t n, size_t bytes) {
    size_t all = 0;
    return __builtin_mul_overflow(n, bytes, &all) ? or_enomem(nullptr) : realloc(p, all);
  }

  // POSIX: the error is returned, errno and *out untouched; align a power-of-two multiple of sizeof(void*).
  int posix_memalign(void** out, size_t align, size_t bytes) {
    if (align % sizeof(void*) != 0 || !is_pow2(align)) return EINVAL;
    void* p = heap.aligned(bytes, align);
    if (p == nullptr) return ENOMEM;
    *out = p;
    return 0;
  }

  // C23 7.24.3.1: an alignment that is no power of two is EINVAL; bytes need be no multiple of it.
  void* aligned_alloc(size_t align, size_t bytes) {
    if (!is_pow2(align)) {
      errno = EINVAL;
      return nullptr;
    }
    return or_enomem(heap.aligned(bytes, align));
  }

  // glibc: other alignments are rounded up to a power of two; EINVAL where there is none.
  void* memalign(size_t align, size_t bytes) {
    if (align > (SIZE_MAX >> 1) + 1) {
      errno = EINVAL;
      return nullptr;
    }
    return or_enomem(heap.aligned(bytes, std::bit_ceil(max_of<size_t>(align, 1))));
  }

  // glibc: page-aligned; pvalloc also rounds the size up to whole pages.
  void* valloc(size_t bytes, size_t page) { return or_enomem(heap.aligned(bytes, page)); }
  void* pvalloc(size_t bytes, size_t page) {
    if (bytes > SIZE_MAX - page) return or_enomem(nullptr);
    return or_enomem(heap.aligned(align_up(max_of<size_t>(bytes, 1), page), page));
  }

  // C23 7.24.3.4, 7.24.3.5: sizes and alignments are hints that this heap has no need of.
  MASU_INLINE void free_sized(void* p, size_t) { heap.free(p); }
  MASU_INLINE void free_aligned_sized(void* p, size_t, size_t) { heap.free(p); }

  // Operator new and delete; align is 0 in the forms without one.
  MASU_INLINE void* new_block(size_t bytes, size_t align, NewForm) { return align == 0 ? malloc(bytes) : memalign(align, bytes); }
  MASU_INLINE void delete_block(void* p, NewForm, size_t, size_t) { heap.free(p); }

 private:
  MASU_NOINLINE void* malloc_missed(size_t bytes) { return or_enomem(heap.miss(bytes)); }
  static MASU_INLINE void* or_enomem(void* p) {
    if (MASU_UNLIKELY(p == nullptr)) errno = ENOMEM;
    return p;
  }
};

}  // namespace masu
