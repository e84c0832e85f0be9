// Every byte string is an input; mutations keep inside the format; preemptions stay with their operations.
#include "fuzz/input.h"

#include <gtest/gtest.h>

#include <vector>

#include "fuzz/mutator.h"
#include "fuzz/random.h"

namespace masu::fuzz {
namespace {

TEST(Input, AnyBytesDecode) {
  Random random(1);
  for (unsigned i = 0; i < 5000; ++i) {
    std::vector<uint8_t> bytes(random.below(400));
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random.next());
    const Input in = decode(bytes.data(), bytes.size());
    ASSERT_TRUE(in.threads >= 2 && in.threads <= kMaxThreads);
    ASSERT_TRUE(in.depth >= 2 && in.depth <= 4);
    ASSERT_LE(in.count, kMaxOperations);
    ASSERT_LE(kHeaderBytes + in.count * kOperationBytes + in.schedule_bytes, std::max(bytes.size(), kHeaderBytes));
    for (unsigned op = 0; op < in.count; ++op) {
      ASSERT_LT(in.operations[op].thread, in.threads);
      ASSERT_LT(in.operations[op].kind, Kind::kCount);
    }
    ASSERT_FALSE(describe(in).empty());
  }
}

TEST(Input, OperationsHaveFixedWidth) {
  std::vector<uint8_t> bytes(kHeaderBytes + 5 * kOperationBytes, 0x35);
  const Input before = decode(bytes.data(), bytes.size());
  bytes[kHeaderBytes + 2 * kOperationBytes + 2] ^= 0xff;
  const Input after = decode(bytes.data(), bytes.size());
  for (unsigned op = 0; op < before.count; ++op) {
    EXPECT_EQ(describe(before.operations[op]) == describe(after.operations[op]), op != 2);
  }
}

TEST(Input, SizeCodesReachEveryClassAndTheAbsurd) {
  bool zero = false, huge = false, large = false;
  for (unsigned code = 0; code < 256; ++code) {
    const size_t size = size_of_code(static_cast<uint8_t>(code));
    zero |= size == 0;
    huge |= size > PTRDIFF_MAX;
    large |= size > 32768 && size < 200000;
  }
  EXPECT_TRUE(zero && huge && large);
}

TEST(Mutator, StaysWithinItsRoom) {
  std::vector<uint8_t> bytes(401, 0xee);
  size_t size = 0;
  for (unsigned seed = 0; seed < 20000; ++seed) {
    const size_t room = 20 + seed % 380;
    size = mutate_bytes(bytes.data(), std::min(size, room), room, seed);
    ASSERT_LE(size, room);
    ASSERT_EQ(bytes[400], 0xee);
  }
}

TEST(Mutator, ChangesMostInputs) {
  std::vector<uint8_t> bytes(kHeaderBytes + 10 * kOperationBytes, 0x11);
  unsigned changed = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::vector<uint8_t> copy = bytes;
    copy.resize(400);
    copy.resize(mutate_bytes(copy.data(), bytes.size(), copy.size(), seed));
    changed += copy != bytes;
  }
  EXPECT_GT(changed, 190u);
}

TEST(Mutator, DroppingAnOperationTakesPreemptionsAlong) {
  std::vector<uint8_t> bytes(kHeaderBytes + 6 * kOperationBytes, 0);
  bytes[4] = 5;  // a preemption in operation 5
  bytes[5] = 8;  // to T1
  std::vector<uint8_t> less(bytes.size() + 2 * kHeaderBytes);
  less.resize(without_part(bytes.data(), bytes.size(), 2, less.data()));
  EXPECT_EQ(decode(less.data(), less.size()).count, 5u);
  EXPECT_EQ(decode(less.data(), less.size()).preemptions[0].operation, 4u);
}

TEST(Mutator, DropsEveryPartThereIsAndNoMore) {
  std::vector<uint8_t> bytes(kHeaderBytes + 3 * kOperationBytes, 0x22), out(200);
  unsigned parts = 0;
  while (without_part(bytes.data(), bytes.size(), parts, out.data()) != 0) ++parts;
  EXPECT_EQ(parts, 3 + Anchored::kMax + 3);
}

TEST(Mutator, CrossingKeepsBothSides) {
  std::vector<uint8_t> a(kHeaderBytes + 4 * kOperationBytes, 0x11), b(kHeaderBytes + 4 * kOperationBytes, 0x77), out(400);
  bool from_a = false, from_b = false;
  for (unsigned seed = 0; seed < 50; ++seed) {
    const size_t size = cross(a.data(), a.size(), b.data(), b.size(), out.data(), out.size(), seed);
    const Input in = decode(out.data(), size);
    for (unsigned op = 0; op < in.count; ++op) (in.operations[op].slot == 0x11 ? from_a : from_b) = true;
  }
  EXPECT_TRUE(from_a && from_b);
}

}  // namespace
}  // namespace masu::fuzz
