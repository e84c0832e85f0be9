/* Built by can_fail.sh: glibc's malloc with the faults a real allocator could have. It says masu's version line, so that only the
   work itself can show what is wrong. FAULT=realloc: moves to another tier lose what lies beyond 1 KiB; calloc: reused large
   memory is not cleared; abort: the 2,000th free stops the process; overlap: one block in a thousand is handed out twice; hang: the
   2,000th free never ends; errno: a free sets it; lost: nothing is freed. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

static char fault;

__attribute__((constructor)) static void start(void) {
  const char* name = getenv("FAULT");
  const char* options = getenv("MASU_OPTIONS");
  fault = name ? name[0] : 0;
  if (options && strstr(options, "verbose=1") && write(2, "masu: version broken\n", 21) < 0) _exit(1);
}

void* malloc(size_t size) {
  static unsigned count;
  static void* last;
  if (fault == 'o' && size == 64) {
    if (__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) % 1000 == 999 && last) return last;
    return last = __libc_malloc(size);
  }
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  void* block = __libc_malloc(bytes);
  if (block) memset(block, fault == 'c' && bytes > 256 ? 0xAA : 0, bytes);
  return block;
}

void* realloc(void* old, size_t size) {
  if (fault != 'r' || old == NULL || size < 2048) return __libc_realloc(old, size);
  void* block = __libc_malloc(size);
  if (block == NULL) return NULL;
  const size_t before = malloc_usable_size(old), keep = before < size ? before : size;
  memcpy(block, old, keep < 1024 ? keep : 1024);
  __libc_free(old);
  return block;
}

void free(void* block) {
  static unsigned count;
  if ((fault == 'a' || fault == 'h') && __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED) == 2000) {
    if (fault == 'a') abort();
    for (;;) pause();
  }
  if (fault == 'e') errno = EBUSY;
  if (fault == 'l') return;
  __libc_free(block);
}

/* The rest of the family, so that a program linked with another allocator does not mix the two. */
void* memalign(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }
void* aligned_alloc(size_t alignment, size_t size) { return __libc_memalign(alignment, size); }
int posix_memalign(void** out, size_t alignment, size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* block = __libc_memalign(alignment, size);
  if (block) *out = block;
  return block ? 0 : ENOMEM;
}
size_t malloc_usable_size(void* block) { /* glibc's chunk header; bit 1: a mapping, which ends 8 bytes earlier */
  const size_t chunk = block ? ((size_t*)block)[-1] : 0;
  return block ? chunk / 16 * 16 - (chunk & 2 ? 16 : 8) : 0;
}
