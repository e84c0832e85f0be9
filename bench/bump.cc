// The bound: an allocator that only moves a pointer and never frees. What a workload costs under it is what the harness and fresh
// memory cost; nobody who recycles through the same pages has to be slower. With BUMP_REPEAT=n in the environment every
// n-th block is handed out twice: the workloads must notice, and a test sees to it that they do.
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr size_t kReserve = size_t{1} << 36, kChunk = size_t{1} << 20, kHeader = 16;

char* reserve() {
  void* p = mmap(nullptr, kReserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}

char* space() {
  static char* const base = reserve();
  return base;
}

uint64_t repeat() {
  static const uint64_t every = std::getenv("BUMP_REPEAT") ? std::strtoull(std::getenv("BUMP_REPEAT"), nullptr, 10) : 0;
  return every;
}

struct Local {
  char* at;
  char* end;
  char* last;
  uint64_t count;
};
thread_local Local local __attribute__((tls_model("initial-exec")));
std::atomic<size_t> taken{0};

char* bump(size_t size, size_t align) {
  Local& l = local;
  if (repeat() && ++l.count % repeat() == 0 && l.last && reinterpret_cast<size_t*>(l.last)[-2] >= size) return l.last;
  auto place = (reinterpret_cast<uintptr_t>(l.at) + kHeader + align - 1) & ~(align - 1);
  if (l.at == nullptr || size > reinterpret_cast<uintptr_t>(l.end) - place || place > reinterpret_cast<uintptr_t>(l.end)) {
    const size_t chunk = (size + align + kHeader + kChunk - 1) / kChunk * kChunk;
    const size_t from = taken.fetch_add(chunk, std::memory_order_relaxed);  // relaxed: addresses only, no data travels
    if (!space() || size > kReserve || from + chunk > kReserve) {
      errno = ENOMEM;
      return nullptr;
    }
    l.at = space() + from;
    l.end = l.at + chunk;
    place = (reinterpret_cast<uintptr_t>(l.at) + kHeader + align - 1) & ~(align - 1);
  }
  l.at = reinterpret_cast<char*>((place + size + 15) & ~uintptr_t{15});
  l.last = reinterpret_cast<char*>(place);
  reinterpret_cast<size_t*>(place)[-2] = size;
  return l.last;
}

}  // namespace

EXPORT void* malloc(size_t size) { return bump(size, 16); }
EXPORT void free(void*) {}
EXPORT size_t malloc_usable_size(void* p) { return p ? static_cast<size_t*>(p)[-2] : 0; }
EXPORT void* calloc(size_t count, size_t size) {  // fresh memory is zero
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  char* p = bump(bytes, 16);
  return p && repeat() ? std::memset(p, 0, bytes) : p;
}
EXPORT void* realloc(void* old, size_t size) {
  const size_t had = malloc_usable_size(old);
  if (old && size <= had) return old;
  void* p = bump(size, 16);
  return p && old ? std::memcpy(p, old, had) : p;
}
EXPORT void* aligned_alloc(size_t align, size_t size) { return bump(size, align < 16 ? 16 : align); }
EXPORT void* memalign(size_t align, size_t size) { return aligned_alloc(align, size); }
EXPORT int posix_memalign(void** out, size_t align, size_t size) {
  void* p = aligned_alloc(align, size);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}
