/* Compiler attributes. With src/os/linux.cc the only place where #if may appear.
 * Anyone may include this; it depends on nothing. */
#pragma once

#define MASU_INLINE inline __attribute__((always_inline))
#define MASU_NOINLINE __attribute__((noinline))
#define MASU_COLD __attribute__((noinline, cold))
#define MASU_EXPORT __attribute__((visibility("default")))
#define MASU_HIDDEN __attribute__((visibility("hidden")))
#define MASU_LIKELY(x) __builtin_expect(static_cast<bool>(x), 1)
#define MASU_UNLIKELY(x) __builtin_expect(static_cast<bool>(x), 0)
#define MASU_WEAK __attribute__((weak))

/* Sets (clears) bit i % 64 of the word; whether it was set before. One instruction where there is one. */
#if defined(__x86_64__)
MASU_INLINE bool masu_bit_set(unsigned long& word, unsigned long i) {
  bool was;
  asm("btsq %2, %0" : "+r"(word), "=@ccc"(was) : "r"(i));
  return was;
}
MASU_INLINE bool masu_bit_clear(unsigned long& word, unsigned long i) {
  bool was;
  asm("btrq %2, %0" : "+r"(word), "=@ccc"(was) : "r"(i));
  return was;
}
/* Where a value is kept: where results go, or beside that. Left to itself GCC moves malloc's result there in the end. */
#define MASU_AS_RESULT(x) asm("" : "+a"(x))
#define MASU_BESIDE_RESULT(x) asm("" : "+d"(x))
/* i < *bound, read once, as by a relaxed load; no compiler folds an atomic load into the comparison. */
MASU_INLINE bool masu_below(unsigned long i, const unsigned long* bound) {
  bool below;
  asm("cmpq %2, %1" : "=@ccb"(below) : "r"(i), "m"(*bound));
  return below;
}
#else
#define MASU_AS_RESULT(x) static_cast<void>(x)
#define MASU_BESIDE_RESULT(x) static_cast<void>(x)
MASU_INLINE bool masu_below(unsigned long i, const unsigned long* bound) {
  return i < __atomic_load_n(bound, __ATOMIC_RELAXED);
}
MASU_INLINE bool masu_bit_set(unsigned long& word, unsigned long i) {
  const unsigned long old = word;
  word |= 1ul << (i % 64);
  return (old >> (i % 64)) & 1;
}
MASU_INLINE bool masu_bit_clear(unsigned long& word, unsigned long i) {
  const unsigned long old = word;
  word &= ~(1ul << (i % 64));
  return (old >> (i % 64)) & 1;
}
#endif
