/* Compiler attributes. With src/os/linux.cc the only place where #if may appear.
 * Anyone may include this, from C too; it depends on nothing. */
#pragma once

#define MASU_INLINE inline __attribute__((always_inline))
#define MASU_NOINLINE __attribute__((noinline))
#define MASU_COLD __attribute__((noinline, cold))
#define MASU_EXPORT __attribute__((visibility("default")))
#define MASU_HIDDEN __attribute__((visibility("hidden")))
#define MASU_LIKELY(x) __builtin_expect(static_cast<bool>(x), 1)
#define MASU_UNLIKELY(x) __builtin_expect(static_cast<bool>(x), 0)
#define MASU_WEAK __attribute__((weak))

/* Around declarations that C and C++ share. */
#ifdef __cplusplus
#define MASU_BEGIN_C extern "C" {
#define MASU_END_C }
#else
#define MASU_BEGIN_C
#define MASU_END_C
#endif
