// Fill, copy and compare without libc: the lane intercepts libc's own. Any thread, any state. Also the two
// patterns: canary (red zones; differs by address modulo 8, never zero, no text) and poison (freed blocks).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/attributes.h"
#include "bulk.h"

namespace masu::debug {

constexpr uint64_t kCanary = 0xB9EDC3F5A7D1E58Bu;
constexpr uint64_t kPoison = 0xDFDFDFDFDFDFDFDFu;

constexpr uint8_t pattern_byte(uint64_t pattern, uintptr_t address) {
  return static_cast<uint8_t>(pattern >> (address % 8 * 8));
}

// Two words, and memory at any address as such or as one word: compilers differ in where they take `aligned`.
using Wide = uint64_t __attribute__((vector_size(16)));
struct __attribute__((packed, may_alias)) WideAt {
  Wide value;
};
struct __attribute__((packed, may_alias)) WordAt {
  uint64_t value;
};
MASU_INLINE Wide wide_at(uintptr_t at) { return reinterpret_cast<const WideAt*>(at)->value; }
MASU_INLINE uint64_t word_at(uintptr_t at) { return reinterpret_cast<const WordAt*>(at)->value; }
MASU_INLINE void put_wide(uintptr_t at, Wide value) { reinterpret_cast<WideAt*>(at)->value = value; }
MASU_INLINE void put_word(uintptr_t at, uint64_t value) { reinterpret_cast<WordAt*>(at)->value = value; }

// The pattern as an unaligned word at `address` reads it.
MASU_INLINE uint64_t pattern_word(uint64_t pattern, uintptr_t address) {
  const unsigned shift = address % 8 * 8;
  return shift == 0 ? pattern : pattern >> shift | pattern << (64 - shift);
}

// The empty asm keeps compilers from calling memset.
MASU_INLINE void fill_pattern(uint64_t pattern, uintptr_t at, uintptr_t end) {
  const uint64_t word = pattern_word(pattern, at);
  const Wide wide = {word, word};
  for (; end - at >= 16; at += 16) {
    put_wide(at, wide);
    asm volatile("");
  }
  if (end - at >= 8) {
    put_word(at, word);
    at += 8;
  }
  for (; at != end; ++at) {
    *reinterpret_cast<uint8_t*>(at) = pattern_byte(pattern, at);
    asm volatile("");
  }
}

// The first byte that differs, or `end`.
MASU_INLINE uintptr_t first_damage(uint64_t pattern, uintptr_t at, uintptr_t end) {
  const uint64_t word = pattern_word(pattern, at);
  const Wide wide = {word, word};
  for (; end - at >= 32; at += 32) {
    const Wide d =
        (wide_at(at) ^ wide) | (wide_at(at + 16) ^ wide);
    if (MASU_UNLIKELY((d[0] | d[1]) != 0)) break;
  }
  for (; end - at >= 8; at += 8) {
    if (MASU_UNLIKELY(word_at(at) != word)) break;
  }
  for (; at != end; ++at) {
    if (*reinterpret_cast<const uint8_t*>(at) != pattern_byte(pattern, at)) return at;
  }
  return end;
}

// Behind the last byte that differs, or `at`.
inline uintptr_t last_damage(uint64_t pattern, uintptr_t at, uintptr_t end) {
  while (end != at && *reinterpret_cast<const uint8_t*>(end - 1) == pattern_byte(pattern, end - 1)) --end;
  return end;
}

// The same for the red zone behind a block: `end` is a multiple of 8 and at least 8 bytes behind the cell's begin.
// Up to 7 bytes before `from` are overwritten: they are the program's, and undefined until it writes them.
MASU_INLINE void fill_tail(uintptr_t from, uintptr_t end) {
  do {
    end -= 8;
    put_word(end, kCanary);
    asm volatile("");
  } while (end > from);
}
// Bits that differ from the pattern in [from, end), 0 if none. `end` is a multiple of 8, the word of `from` readable.
MASU_INLINE uint64_t damage_behind(uint64_t pattern, uintptr_t from, uintptr_t end) {
  uintptr_t at = from & ~uintptr_t{7};
  if (at == end) return 0;
  uint64_t bad = (word_at(at) ^ pattern) >> (from % 8 * 8);
  for (at += 8; at != end; at += 8) bad |= word_at(at) ^ pattern;
  return bad;
}
// [at, end) becomes the pattern; `at` is a multiple of 16, the word of `end` readable and writable.
MASU_INLINE void fill_block(uint64_t pattern, uintptr_t at, uintptr_t end) {
  const Wide wide = {pattern, pattern};
  for (; end - at >= 16; at += 16) {
    put_wide(at, wide);
    asm volatile("");
  }
  if (end - at >= 8) {
    put_word(at, pattern);
    at += 8;
  }
  if (at == end) return;
  const uint64_t mask = (uint64_t{1} << (end % 8 * 8)) - 1;
  put_word(at, (pattern & mask) | (word_at(at) & ~mask));
}

// The same where both ends are multiples of 16.
MASU_INLINE void fill_granules(uint64_t pattern, uintptr_t at, uintptr_t end) {
  if (MASU_UNLIKELY(end - at >= machine::kLongRun)) return machine::fill_words(at, pattern, (end - at) / sizeof(pattern));
  const Wide wide = {pattern, pattern};
  for (; end - at >= 64; at += 64) {
    put_wide(at, wide);
    put_wide(at + 16, wide);
    put_wide(at + 32, wide);
    put_wide(at + 48, wide);
    asm volatile("");
  }
  for (; at != end; at += 16) {
    put_wide(at, wide);
    asm volatile("");
  }
}
// Bits that differ, 0 if none.
MASU_INLINE uint64_t damage_in_granules(uint64_t pattern, uintptr_t at, uintptr_t end) {
  const Wide wide = {pattern, pattern};
  Wide bad = {0, 0};
  for (; end - at >= 64; at += 64) {
    bad |= (wide_at(at) ^ wide) | (wide_at(at + 16) ^ wide) | (wide_at(at + 32) ^ wide) | (wide_at(at + 48) ^ wide);
  }
  for (; at != end; at += 16) bad |= wide_at(at) ^ wide;
  return bad[0] | bad[1];
}

MASU_INLINE void raw_copy(void* to, const void* from, size_t bytes) {
  auto* d = static_cast<uint8_t*>(to);
  const auto* s = static_cast<const uint8_t*>(from);
  if (bytes >= machine::kLongRun) return machine::copy_bytes(to, from, bytes);
  for (; bytes >= 64; bytes -= 64, d += 64, s += 64) {
    const uintptr_t at = reinterpret_cast<uintptr_t>(s), put = reinterpret_cast<uintptr_t>(d);
    const Wide part[] = {wide_at(at), wide_at(at + 16), wide_at(at + 32), wide_at(at + 48)};
    for (size_t i = 0; i < 4; ++i) put_wide(put + i * 16, part[i]);
    asm volatile("");
  }
  for (; bytes >= 16; bytes -= 16, d += 16, s += 16) {
    put_wide(reinterpret_cast<uintptr_t>(d), wide_at(reinterpret_cast<uintptr_t>(s)));
    asm volatile("");
  }
  for (; bytes != 0; --bytes) {
    *d++ = *s++;
    asm volatile("");
  }
}

inline void raw_clear(void* to, size_t bytes) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(to);
  fill_pattern(0, at, at + bytes);
}

}  // namespace masu::debug
