// The size table for any request and alignment: big enough, the smallest that is, aligned, and little lost; and a heap
// that hands out what the table says.
#include "fuzz/one_heap.h"

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>


namespace {

void require(bool good, const char* rule, size_t bytes, size_t align) {
  if (good) return;
  std::fprintf(stderr, "ERROR: MasuSanitizer: size_class: %s; bytes %zu, align %zu\n", rule, bytes, align);
  std::abort();
}

template <size_t kMaxRunPages>
void check(size_t bytes, size_t align) {
  using C = masu::SizeClasses<kMaxRunPages>;
  bytes %= C::kMaxSize + 1;
  align = size_t{1} << align % 13;
  const masu::ClassId c = C::of(bytes);
  const size_t size = C::size(c);
  require(c < C::kCount && size >= bytes, "the class is too small", bytes, align);
  require(c == 0 || C::size(c - 1) < bytes, "a smaller class would do", bytes, align);
  require(size % masu::kGranule == 0, "not a multiple of the granule", bytes, align);
  require(bytes <= 64 || size - bytes <= size / 5 || size - bytes < masu::kPage, "more than a fifth is rounding", bytes, align);
  require(!std::has_single_bit(bytes) || bytes < masu::kGranule || size == bytes || bytes > masu::kPackedMax,
          "a power of two is no class", bytes, align);
  require(C::slab_blocks(c) * size <= C::slab_pages(c) * masu::kPage, "a slab is too short", bytes, align);
  require(C::is_packed(c) || size % masu::kPage == 0, "a run is not whole pages", bytes, align);
  if (masu::max_of(bytes, align) > C::kMaxSize) return;
  const masu::ClassId a = C::of_aligned(bytes, align);
  require(a < C::kCount && C::size(a) >= bytes && C::size(a) % align == 0, "no aligned class", bytes, align);
}

void serve(size_t bytes, size_t align) {
  using C = masu::Classes<masu::fuzz::OneHeapLane>;
  auto& heap = masu::fuzz::one_heap();
  bytes %= C::kMaxSize + 1;
  align = size_t{1} << align % 13;
  void* p = heap.aligned(bytes, align);
  require(p != nullptr && reinterpret_cast<uintptr_t>(p) % align == 0, "not aligned", bytes, align);
  const size_t usable = heap.usable_size(p);
  require(usable >= bytes && usable == heap.good_size(usable), "no size of the table", bytes, align);
  heap.free(p);
  if (masu::max_of(bytes, align) > C::kMaxSize) return;
  require(usable == C::size(C::of_aligned(bytes, align)), "not the class of the table", bytes, align);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t words[2] = {};
  std::memcpy(words, data, size < sizeof words ? size : sizeof words);
  check<8>(words[0], words[1]);
  check<128>(words[0], words[1]);
  serve(words[0], words[1]);
  return 0;
}
