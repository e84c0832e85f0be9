/* masu's own functions, beside malloc's. Any thread; none changes errno unless it says so.
 * Sizes and alignments are in bytes. Link with -lmasu, or look the symbols up when masu may be preloaded. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "masu VERSION LANE", static storage: its presence shows that masu took malloc over. */
const char* masu_version(void);

/* Bytes usable in a live block (>= those asked for), 0 for null. As malloc_usable_size (glibc). */
size_t masu_usable_size(const void* block);

/* Bytes that malloc(bytes) would make usable: ask for as many and none are lost. */
size_t masu_good_size(size_t bytes);

/* Gives freed memory of this thread and of ended threads back to the system at once. */
void masu_purge(void);

/* The event counter of that name (as in the exit line, see docs/operations.md); UINT64_MAX if there is none. */
uint64_t masu_stat(const char* name);

/* Writes all counters as one JSON object into buffer[0..size), NUL-terminated and cut to fit.
 * Returns the bytes that the whole object needs, NUL included. */
size_t masu_stats_json(char* buffer, size_t size);

/* A heap of its own: blocks come from its own pages; free() by any thread gives them back to it.
 * One lock a heap; null with errno ENOMEM where there is no memory. */
typedef struct masu_heap masu_heap;
masu_heap* masu_heap_new(void);
void* masu_heap_malloc(masu_heap* heap, size_t bytes);
/* align: a power of two, else null with errno EINVAL. */
void* masu_heap_aligned(masu_heap* heap, size_t align, size_t bytes);
/* Ends the heap and every block that is still live in it; no thread may use either any more. */
void masu_heap_delete(masu_heap* heap);

#ifdef __cplusplus
}
#endif
