// The C symbols of a replacement malloc on glibc, and masu's own. Included once a lane, at the end of the file
// that owns its global; that file defines `rules()`, `process()` and `kLaneName` in namespace masu before.
#pragma once

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "api/masu.h"

namespace masu {

struct MemoryInfo {
  size_t arena, used, free, large;
};

// Read off the page map while other threads go on: a moment's estimate.
inline MemoryInfo memory_info() {
  const auto t = rules().heap.totals();
  MemoryInfo m{t.arena_bytes + t.kept_bytes, rules().heap.arena_live_bytes(), 0, t.live_large_bytes};
  m.free = m.arena > m.used ? m.arena - m.used : 0;
  return m;
}

template <class Mallinfo>
Mallinfo fill_mallinfo() {
  const MemoryInfo m = memory_info();
  Mallinfo info{};
  using Number = decltype(info.arena);
  info.arena = static_cast<Number>(m.arena);
  info.hblkhd = static_cast<Number>(m.large);
  info.uordblks = static_cast<Number>(m.used);
  info.fordblks = static_cast<Number>(m.free);
  return info;
}

inline masu_heap* heap_or_enomem(masu_heap* heap) {
  if (heap == nullptr) errno = ENOMEM;
  return heap;
}

}  // namespace masu

extern "C" {

MASU_EXPORT void* malloc(size_t bytes) noexcept { return masu::rules().malloc(bytes); }
MASU_EXPORT void free(void* p) noexcept { masu::rules().heap.free(p); }
MASU_EXPORT void cfree(void* p) { masu::rules().heap.free(p); }
MASU_EXPORT void free_sized(void* p, size_t bytes) { masu::rules().free_sized(p, bytes); }
MASU_EXPORT void free_aligned_sized(void* p, size_t align, size_t bytes) {
  masu::rules().free_aligned_sized(p, align, bytes);
}
MASU_EXPORT void* calloc(size_t n, size_t bytes) noexcept { return masu::rules().calloc(n, bytes); }
MASU_EXPORT void* realloc(void* p, size_t bytes) noexcept { return masu::rules().realloc(p, bytes); }
MASU_EXPORT void* reallocarray(void* p, size_t n, size_t bytes) noexcept {
  return masu::rules().reallocarray(p, n, bytes);
}
MASU_EXPORT void* aligned_alloc(size_t align, size_t bytes) noexcept {
  return masu::rules().aligned_alloc(align, bytes);
}
MASU_EXPORT void* memalign(size_t align, size_t bytes) noexcept { return masu::rules().memalign(align, bytes); }
MASU_EXPORT int posix_memalign(void** out, size_t align, size_t bytes) noexcept {
  return masu::rules().posix_memalign(out, align, bytes);
}
MASU_EXPORT void* valloc(size_t bytes) noexcept {
  return masu::rules().valloc(bytes, masu::rules().heap.core().os.page_size());
}
MASU_EXPORT void* pvalloc(size_t bytes) noexcept {
  return masu::rules().pvalloc(bytes, masu::rules().heap.core().os.page_size());
}
MASU_EXPORT size_t malloc_usable_size(void* p) noexcept { return masu::rules().heap.usable_size(p); }

// glibc: 1 where memory went back to the system. There is no heap top, so the padding says nothing here.
MASU_EXPORT int malloc_trim(size_t) noexcept { return masu::rules().heap.trim() ? 1 : 0; }

MASU_EXPORT struct mallinfo mallinfo(void) noexcept { return masu::fill_mallinfo<struct mallinfo>(); }
MASU_EXPORT struct mallinfo2 mallinfo2(void) noexcept { return masu::fill_mallinfo<struct mallinfo2>(); }

// glibc's parameters tune arenas, bins and thresholds that do not exist here: none can be honoured, 0 says so.
MASU_EXPORT int mallopt(int, int) noexcept { return 0; }

MASU_EXPORT void malloc_stats(void) noexcept { masu::process().print_stats(); }

// glibc: EINVAL for options other than 0.
MASU_EXPORT int malloc_info(int options, FILE* out) noexcept {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  const masu::MemoryInfo m = masu::memory_info();
  fprintf(out, "<malloc version=\"masu-%s\">\n<total type=\"rest\" size=\"%zu\"/>\n<total type=\"mmap\" size=\"%zu\"/>\n"
               "<system type=\"current\" size=\"%zu\"/>\n",
          masu::kVersion, m.free, m.large, m.arena + m.large);
  masu::process().each_stat([out](const char* name, uint64_t value) {
    fprintf(out, "<event name=\"%s\" count=\"%llu\"/>\n", name, static_cast<unsigned long long>(value));
  });
  fprintf(out, "</malloc>\n");
  return 0;
}

// --- masu.h

MASU_EXPORT const char* masu_version(void) { return masu::kVersionLine; }
MASU_EXPORT size_t masu_usable_size(const void* p) { return masu::rules().heap.usable_size(p); }
MASU_EXPORT size_t masu_good_size(size_t bytes) { return masu::rules().heap.good_size(bytes); }
MASU_EXPORT void masu_purge(void) { masu::rules().heap.trim(); }

MASU_EXPORT uint64_t masu_stat(const char* name) {
  uint64_t found = UINT64_MAX;
  masu::process().each_stat([&](const char* each, uint64_t value) {
    if (strcmp(each, name) == 0) found = value;
  });
  return found;
}

MASU_EXPORT size_t masu_stats_json(char* buffer, size_t size) {
  size_t used = 0;
  auto put = [&](const char* s) {
    for (; *s != 0; ++s, ++used) {
      if (used + 1 < size) buffer[used] = *s;
    }
  };
  const char* separator = "{";
  masu::process().each_stat([&](const char* name, uint64_t value) {
    masu::Text number;
    number << "\": ";
    number.dec(value).put('\0');
    put(separator);
    put("\"");
    put(name);
    put(number.data());
    separator = ", ";
  });
  put("}");
  if (size > 0) buffer[used + 1 < size ? used : size - 1] = 0;
  return used + 1;
}

MASU_EXPORT masu_heap* masu_heap_new(void) {
  return masu::heap_or_enomem(reinterpret_cast<masu_heap*>(masu::rules().heap.heap_new()));
}
MASU_EXPORT void* masu_heap_malloc(masu_heap* heap, size_t bytes) { return masu_heap_aligned(heap, masu::kGranule, bytes); }
MASU_EXPORT void* masu_heap_aligned(masu_heap* heap, size_t align, size_t bytes) {
  if (!masu::is_pow2(align)) {
    errno = EINVAL;
    return nullptr;
  }
  using Owner = std::remove_reference_t<decltype(masu::rules().heap)>::OwnerT;
  void* p = masu::rules().heap.heap_malloc(*reinterpret_cast<Owner*>(heap), bytes, align);
  if (p == nullptr) errno = ENOMEM;
  return p;
}
MASU_EXPORT void masu_heap_delete(masu_heap* heap) {
  using Owner = std::remove_reference_t<decltype(masu::rules().heap)>::OwnerT;
  if (heap != nullptr) masu::rules().heap.heap_delete(*reinterpret_cast<Owner*>(heap));
}

}  // extern "C"
