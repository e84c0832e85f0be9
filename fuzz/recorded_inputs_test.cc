#include "fuzz/recorded_inputs.h"

#include <gtest/gtest.h>

#include <fstream>

#include "fuzz/lanes.h"
#include "fuzz/random.h"

namespace masu::fuzz {
namespace {

using trace::Kind;

std::string operations_of(const std::vector<uint8_t>& input) {
  const std::string all = describe(decode(input.data(), input.size()));
  return all.substr(all.find("  0  "));
}

trace::Trace random_trace(unsigned operations, unsigned threads) {
  Random random(operations);
  trace::Builder builder(size_t{2} * operations);
  bool live[100] = {};
  for (unsigned i = 0; i < operations; ++i) {
    const unsigned block = random.below(100), thread = random.below(threads);
    if (live[block] && random.one_in(4)) {
      builder.append(thread, Kind::kRealloc, block);
      builder.append(thread, Kind::kResized, block, random.below(3000));
    } else {
      builder.append(thread, live[block] ? Kind::kFree : random.one_in(3) ? Kind::kCalloc : Kind::kMalloc, block, random.below(3000));
      live[block] = !live[block];
    }
  }
  return builder.finish();
}

TEST(RecordedInputs, RunsBecomeOneOperation) {
  trace::Builder builder(20);
  builder.append(1, Kind::kUsable, 99);  // of another piece's block
  for (uint64_t block = 0; block < 3; ++block) builder.append(1, Kind::kMalloc, block, 60);
  builder.append(0, Kind::kAligned, 3, 500, 7);
  builder.append(0, Kind::kCalloc, 4, 40);
  for (uint64_t block = 0; block < 3; ++block) builder.append(0, Kind::kFree, block);
  builder.append(0, Kind::kMalloc, 5, 500000);
  builder.append(0, Kind::kRealloc, 3);
  builder.append(0, Kind::kResized, 3, 4);
  const auto inputs = cut(builder.finish(), 10);
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(operations_of(inputs[0]),
            "  0  T0 malloc many   slot  0 bytes 63 argument 2\n"
            "  1  T1 aligned       slot  3 bytes 511 align 128\n"
            "  2  T1 calloc        slot  4 bytes 47 argument 0\n"
            "  3  T1 free many     slot  0 code 0 argument 2\n"
            "  4  T1 malloc        slot  0 bytes 131079 argument 0\n"
            "  5  T1 realloc       slot  3 bytes 5 argument 0\n");  // a code that wraps around
}

TEST(RecordedInputs, TheSameTraceGivesTheSameInputsAndTheModelTakesThem) {
  const auto inputs = cut(random_trace(20000, 3), 1000);
  EXPECT_EQ(inputs, cut(random_trace(20000, 3), 1000));
  EXPECT_GT(inputs.size(), 100u);
  for (const auto& input : inputs) {
    const Input in = decode(input.data(), input.size());
    EXPECT_EQ(in.threads, 3);
    EXPECT_EQ(in.count, (input.size() - kHeaderBytes) / kOperationBytes);
    const auto result = run_on<SequentialLane>(in);
    EXPECT_EQ(result.verdict, Scheduler::Verdict::kDone) << result.reason;
  }
}

TEST(RecordedInputs, FewerAreSpreadEvenly) {
  const auto all = cut(random_trace(20000, 2), 1000), few = cut(random_trace(20000, 2), 10);
  ASSERT_EQ(few.size(), 10u);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(few[i], all[i * all.size() / 10]);
}

TEST(RecordedInputs, AnInputsProgramAsATrace) {
  // The first two threads: malloc, malloc many; then frees, a realloc and a check.
  std::vector<uint8_t> input(kHeaderBytes);
  auto add = [&input](fuzz::Kind kind, uint8_t thread, uint8_t slot, uint8_t size, uint8_t argument) {
    input.insert(input.end(), {static_cast<uint8_t>(byte_of(kind) + thread), slot, size, argument});
  };
  add(fuzz::Kind::kMalloc, 0, 31, code_of_size(100), 0);
  add(fuzz::Kind::kMallocMany, 1, 31, code_of_size(200), 1);
  add(fuzz::Kind::kFree, 1, 30, 0, 0);
  add(fuzz::Kind::kRealloc, 0, 1, code_of_size(300), 0);
  add(fuzz::Kind::kCheck, 0, 0, 0, 0);
  add(fuzz::Kind::kPurge, 0, 0, 0, 0);
  EXPECT_EQ(text_of_input(input, 8), "8 malloc 31 103\n9 malloc 0 223\n9 malloc 1 223\n9 free 31\n8 realloc 1 319\n8 usable 0\n8 free 0\n8 free 1\n");
}

TEST(Input, CodesOfSizesAndBytesOfKinds) {
  for (size_t size : {0, 1, 8, 100, 4095, 4096, 131072}) {
    const size_t got = size_of_code(code_of_size(size));
    EXPECT_TRUE(got >= size && got <= size + size / 4 + 8) << size << " " << got;
  }
  EXPECT_EQ(size_of_code(code_of_size(10000000)), 131079u);
  for (auto kind = fuzz::Kind::kMalloc; kind != fuzz::Kind::kCount; kind = static_cast<fuzz::Kind>(static_cast<int>(kind) + 1)) {
    std::vector<uint8_t> input(kHeaderBytes);
    input.insert(input.end(), {byte_of(kind), 0, 0, 0});
    EXPECT_EQ(decode(input.data(), input.size()).operations[0].kind, kind);
  }
}

}  // namespace
}  // namespace masu::fuzz
