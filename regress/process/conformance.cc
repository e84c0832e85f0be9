// The rules of POSIX, C23 and glibc 2.36 for the malloc family: errno, zero sizes, overflow, alignment, contents.
#include <cstdint>
#include <malloc.h>
#include <vector>

#include "check.h"

namespace {

const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));
constexpr size_t kMax = SIZE_MAX;
const std::vector<size_t> kSizes = {1, 7, 8, 15, 16, 17, 24, 31, 33, 48, 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 500, 511, 512, 513, 1000,
                                    1023, 1024, 1025, 2000, 2048, 3000, 4000, 4095, 4096, 4097, 6000, 8192, 10000, 16384, 30000, 32768, 32769,
                                    65536, 100000, 131072, 131073, 200000, 262144, 500000, 1048576, 1048577, 2097152, 3000000, 8388608};

bool aligned(void* p, size_t to) { return reinterpret_cast<uintptr_t>(p) % to == 0; }

template <class F>
void expect_null(int error, F&& f) {
  errno = 0;
  CHECK(hide(f()) == nullptr);
  CHECK(errno == error);
}

// free is called with errno set to a value that nobody uses, and must leave it.
void free_keeping_errno(void* p) {
  errno = 12345;
  free(p);
  CHECK(errno == 12345);
}

void plain_blocks() {
  for (size_t size : kSizes) {
    auto* p = static_cast<unsigned char*>(hide(malloc(size)));
    CHECK(p != nullptr && aligned(p, 16));
    const size_t usable = malloc_usable_size(p);
    CHECK(usable >= size);
    memset(p, 0xA5, usable);  // all that is called usable may be written
    CHECK(malloc_usable_size(p) == usable);
    free_keeping_errno(p);
  }
  CHECK(malloc_usable_size(nullptr) == 0);
  free_keeping_errno(nullptr);
}

void zero_sizes() {
  void* p[] = {hide(malloc(0)), hide(malloc(0)), hide(calloc(0, 8)), hide(calloc(8, 0)), hide(realloc(nullptr, 0)), hide(aligned_alloc(64, 0)),
               hide(memalign(64, 0)), hide(reallocarray(nullptr, 0, 8))};
  constexpr size_t n = sizeof p / sizeof *p;
  for (size_t i = 0; i < n; ++i) {
    CHECK(p[i] != nullptr);
    for (size_t k = 0; k < i; ++k) CHECK(p[i] != p[k]);
  }
  for (void* each : p) free_keeping_errno(each);
  void* out = nullptr;
  CHECK(posix_memalign(&out, 64, 0) == 0);
  free(out);
  for (size_t size : kSizes) CHECK(hide(realloc(hide(malloc(size)), 0)) == nullptr);  // glibc: it was freed
}

void too_much() {
  for (size_t size : {kMax, kMax - 1, kMax - 15, kMax - 16, kMax - 4096, kMax / 2 + 1, kMax / 2 + 2, kMax / 2}) {
    expect_null(ENOMEM, [=] { return malloc(hide(size)); });
    expect_null(ENOMEM, [=] { return calloc(hide(size), 1); });
    expect_null(ENOMEM, [=] { return calloc(1, hide(size)); });
    expect_null(ENOMEM, [=] { return realloc(nullptr, hide(size)); });
    expect_null(ENOMEM, [=] { return aligned_alloc(64, hide(size)); });
    expect_null(ENOMEM, [=] { return memalign(1 << 20, hide(size)); });
    expect_null(ENOMEM, [=] { return valloc(hide(size)); });
    expect_null(ENOMEM, [=] { return pvalloc(hide(size)); });
    void* out = &out;
    CHECK(posix_memalign(&out, 4096, hide(size)) == ENOMEM && out == &out);
  }
  for (size_t n : {size_t{2}, size_t{3}, size_t{16}, size_t{1} << 32, kMax / 2}) {
    expect_null(ENOMEM, [=] { return calloc(hide(kMax / n + 1), hide(n)); });
    expect_null(ENOMEM, [=] { return calloc(hide(n), hide(kMax / n + 1)); });
    expect_null(ENOMEM, [=] { return reallocarray(nullptr, hide(kMax / n + 1), hide(n)); });
  }
  for (size_t size : kSizes) {
    Block kept = Block::make(size);
    expect_null(ENOMEM, [&] { return realloc(kept.bytes, hide(kMax / 2 + 1)); });
    expect_null(ENOMEM, [&] { return reallocarray(kept.bytes, hide(kMax / 8 + 1), 8); });
    kept.release();  // a failed realloc has not touched it
  }
}

void alignment() {
  for (size_t to = sizeof(void*); to <= (1u << 23); to *= 2) {
    for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, to - 1, to, to + 1, 3 * to}) {
      void* p[3] = {hide(aligned_alloc(to, size)), hide(memalign(to, size)), nullptr};  // C23: size need not be a multiple
      errno = 777;
      CHECK(posix_memalign(&p[2], to, size) == 0 && errno == 777);
      for (void* each : p) {
        CHECK(each != nullptr && aligned(each, to) && malloc_usable_size(each) >= size);
        memset(each, 1, size);
      }
      p[0] = hide(realloc(p[0], size + 1000));
      CHECK(p[0] != nullptr);
      for (size_t i = 0; i < size; i += 97) CHECK(static_cast<char*>(p[0])[i] == 1);
      for (void* each : p) free_keeping_errno(each);
    }
  }
  for (size_t bad : {size_t{0}, size_t{1}, size_t{2}, size_t{4}, size_t{7}, size_t{12}, size_t{24}, size_t{48}, size_t{4097}, kMax}) {
    void* out = &out;
    CHECK(posix_memalign(&out, bad, 100) == EINVAL && out == &out);
  }
  // No power of two: glibc 2.36 rounds up, C23 and newer glibc say EINVAL. Either is right, anything else is not.
  for (size_t odd : {size_t{3}, size_t{24}, size_t{48}, size_t{1000}, size_t{4097}}) {
    errno = 0;
    void* p = hide(aligned_alloc(odd, 100));
    if (p == nullptr) CHECK(errno == EINVAL);
    else CHECK(aligned(p, size_t{1} << (63 - __builtin_clzl(odd))));
    free(p);
  }
  expect_null(EINVAL, [] { return memalign(hide(kMax / 2 + 2), 1); });
  for (size_t size : {size_t{1}, size_t{100}, kPage, kPage + 1, 5 * kPage}) {
    void* whole = hide(valloc(size));
    CHECK(whole != nullptr && aligned(whole, kPage));
    void* rounded = hide(pvalloc(size));
    CHECK(rounded != nullptr && aligned(rounded, kPage));
    memset(rounded, 2, (size + kPage - 1) / kPage * kPage);  // pvalloc rounds the size up to pages
    free_keeping_errno(whole);
    free_keeping_errno(rounded);
  }
}

void calloc_is_zero() {
  for (int round = 0; round < 4; ++round) {
    for (size_t size : kSizes) {
      void* dirty[8];
      for (void*& each : dirty) {
        each = hide(malloc(size));
        CHECK(each != nullptr);
        memset(each, 0xFF, malloc_usable_size(each));
      }
      for (void* each : dirty) free(each);
      unsigned char* clean[8];
      for (auto& each : clean) {
        each = static_cast<unsigned char*>(hide(calloc(1, size)));
        CHECK(each != nullptr);
        for (size_t i = 0; i < size; ++i) CHECK(each[i] == 0);
        memset(each, 0xEE, size);
      }
      for (auto* each : clean) free(each);
    }
  }
}

void realloc_keeps_contents() {
  for (size_t from : kSizes) {
    for (size_t to : kSizes) {
      Block block = Block::make(from);
      auto* moved = static_cast<unsigned char*>(hide(realloc(block.bytes, to)));
      CHECK(moved != nullptr && malloc_usable_size(moved) >= to);
      for (size_t i = 0; i < from && i < to; i += Block::stride(from)) CHECK(moved[i] == Block::pattern(from, i));
      free_keeping_errno(moved);
    }
  }
  unsigned char* p = nullptr;
  for (size_t size = 1; size < 3000000; size += size / 3 + 1) {
    p = static_cast<unsigned char*>(hide(reallocarray(p, size, 1)));
    CHECK(p != nullptr && (size == 1 || p[0] == 9));
    p[0] = p[size - 1] = 9;
  }
  free(p);
}

void blocks_do_not_overlap() {
  Random random(1);
  std::vector<Block> live;
  for (int i = 0; i < 20000; ++i) live.push_back(Block::make(1 + random.below(i % 50 == 0 ? 60000 : 700)));
  for (Block& block : live) block.verify();
  for (size_t i = 0; i < live.size(); i += 2) live[i].release();
  for (size_t i = 0; i < live.size(); i += 2) live[i] = Block::make(1 + random.below(700));
  for (Block& block : live) block.release();
}

void sized_frees() {
  const auto free_sized = reinterpret_cast<void (*)(void*, size_t)>(address_of("free_sized"));
  const auto free_aligned_sized = reinterpret_cast<void (*)(void*, size_t, size_t)>(address_of("free_aligned_sized"));
  if (!on_masu() && free_sized == nullptr) return;  // not in glibc 2.36
  CHECK(free_sized != nullptr && free_aligned_sized != nullptr);
  for (size_t size : kSizes) {
    errno = 12345;
    free_sized(hide(malloc(size)), size);
    free_sized(hide(calloc(1, size)), size);
    free_aligned_sized(hide(aligned_alloc(256, size)), 256, size);
    CHECK(errno == 12345);
  }
  free_sized(nullptr, 10);
  free_aligned_sized(nullptr, 64, 10);
}

void introspection() {
  char* text = nullptr;
  size_t length = 0;
  FILE* memory = open_memstream(&text, &length);
  CHECK(memory != nullptr);
  CHECK(malloc_info(0, memory) == 0);
  CHECK(fclose(memory) == 0);
  CHECK(length > 20 && strncmp(text, "<malloc", 7) == 0 && strstr(text, "</malloc>") != nullptr);
  free(text);
  CHECK(malloc_info(1, stderr) != 0);  // EINVAL in glibc's code, -1 in its manual
  void* large = hide(malloc(10 << 20));
  memset(large, 1, 10 << 20);
  const struct mallinfo2 info = mallinfo2();
  CHECK(info.uordblks + info.hblkhd >= (10u << 20));  // what is in use is in it
  free(large);
  const int trimmed = malloc_trim(0);
  CHECK(trimmed == 0 || trimmed == 1);
  if (on_masu()) CHECK(mallopt(12345, 1) == 0);
  CHECK(mallopt(M_TRIM_THRESHOLD, 1 << 20) == 0 || mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1);
}

}  // namespace

int main() {
  check_take_over();
  plain_blocks();
  zero_sizes();
  too_much();
  alignment();
  calloc_is_zero();
  realloc_keeps_contents();
  blocks_do_not_overlap();
  sized_frees();
  introspection();
}
