#include "trace/trace.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "trace/names.h"

namespace masu::trace {
namespace {

constexpr uint64_t kA = 0x7f0000001000, kB = 0x7f0000002000;

std::string text_of(const Trace& trace) {
  std::string out;
  for (uint32_t i = 0; i < trace.count; ++i) {
    const Operation& op = trace.operations[i];
    out += std::to_string(op.thread) + kind_name(op.kind) + std::to_string(op.block) + "@" + std::to_string(op.turn) + " ";
  }
  return out;
}

TEST(Builder, ANumberIsUsedAgainByTheThreadThatFreedIt) {
  Builder b(20);
  b.append(7, Kind::kMalloc, kA, 10);
  b.append(7, Kind::kFree, kA);
  b.append(3, Kind::kMalloc, kB, 10);
  b.append(7, Kind::kMalloc, kA, 10);
  const Trace trace = b.finish();
  EXPECT_EQ(text_of(trace), "0malloc0@0 0free0@1 1malloc1@0 0malloc0@2 ");
  EXPECT_EQ(trace.blocks, 2u);
  EXPECT_EQ(trace.first[1], 2u);
  EXPECT_EQ(trace.operations[1].next, 3u);
  EXPECT_EQ(trace.operations[3].next, kNoOperation);
}

TEST(Builder, ReallocIsOneOperationAndItsOldNameIsFreeFromItsBeginning) {
  Builder b(20);
  b.append(0, Kind::kMalloc, kA, 10);
  b.append(0, Kind::kRealloc, kA);
  b.append(1, Kind::kMalloc, kA, 10);  // between the two halves another thread got the old address
  b.append(0, Kind::kResized, kB, 77);
  b.append(0, Kind::kFree, kB);
  b.append(1, Kind::kFree, kA);
  const Trace trace = b.finish();
  EXPECT_EQ(text_of(trace), "0malloc0@0 0realloc0@1 1malloc1@0 0free0@2 1free1@1 ");
  EXPECT_EQ(trace.operations[1].size, 77u);
}

TEST(Builder, ReallocThatIsRefusedIsNothingAndOneThatGivesNothingAFree) {
  Builder b(20);
  b.append(0, Kind::kMalloc, kA, 10);
  b.append(0, Kind::kRealloc, kA);
  b.append(0, Kind::kRefused, kA);
  b.append(0, Kind::kRealloc, kA);
  b.append(0, Kind::kMalloc, kA, 10);
  b.append(0, Kind::kRealloc, kA);
  EXPECT_EQ(text_of(b.finish()), "0malloc0@0 0free0@1 0malloc0@2 0free0@3 ");
}

TEST(Builder, WhatTheRecordingDidNotSeeIsLeftOutAndCounted) {
  Builder b(20);
  b.append(0, Kind::kFree, kA);
  b.append(0, Kind::kUsable, kB);
  b.append(0, Kind::kRealloc, kB);
  b.append(0, Kind::kResized, kA, 9);
  b.append(0, Kind::kMalloc, kA, 9);  // the first was freed somewhere
  const Trace trace = b.finish();
  EXPECT_EQ(text_of(trace), "0malloc0@0 0malloc1@0 ");
  EXPECT_EQ(trace.unknown, 3u);
  EXPECT_EQ(trace.lost, 1u);
}

TEST(Builder, AReallocToTheNameOfALostBlockTakesItOver) {
  Builder b(20);
  b.append(0, Kind::kMalloc, kA, 9);
  b.append(0, Kind::kMalloc, kB, 9);
  b.append(0, Kind::kRealloc, kB);
  b.append(0, Kind::kResized, kA, 20);
  b.append(0, Kind::kFree, kA);
  b.append(0, Kind::kFree, kA);
  const Trace trace = b.finish();
  EXPECT_EQ(text_of(trace), "0malloc0@0 0malloc1@0 0realloc1@1 0free1@2 ");
  EXPECT_EQ(trace.lost, 1u);
  EXPECT_EQ(trace.unknown, 1u);
}

TEST(Builder, RefusesWhatCannotBe) {
  Builder b(2);
  EXPECT_TRUE(b.put(1, 65535, Kind::kMalloc, kA, 1, 63));
  EXPECT_FALSE(b.put(2, 0, Kind::kMalloc, kA));
  EXPECT_FALSE(b.put(0, 65536, Kind::kMalloc, kA));
  EXPECT_FALSE(b.put(0, 0, Kind::kAligned, kA, 1, 64));
}

TEST(Chunk, ReadsBackWhatWasWrittenAndEndsBeforeDamage) {
  auto chunk = std::make_unique<Chunk>();
  chunk->magic = kMagic;
  std::mt19937_64 random(1);
  std::vector<Event> written;
  uint64_t order = 0;
  while (!chunk->full()) {
    const Event event{static_cast<Kind>(1 + random() % 9), order += random() % 3, random() >> random() % 64, random() >> random() % 64, static_cast<uint8_t>(random() % 64)};
    chunk->write(event);
    written.push_back(event);
  }
  ChunkReader reader(*chunk);
  Event read;
  for (const Event& event : written) {
    ASSERT_TRUE(reader.next(read));
    EXPECT_EQ(read.kind, event.kind);
    EXPECT_EQ(read.order, event.order);
    EXPECT_EQ(read.name, event.name);
    EXPECT_EQ(read.size, has_size(event.kind) ? event.size : 0);
    EXPECT_EQ(read.align_log2, event.kind == Kind::kAligned ? event.align_log2 : 0);
  }
  EXPECT_FALSE(reader.next(read));
  EXPECT_FALSE(reader.damaged());
  chunk->used.store(chunk->used.load() - 1);
  ChunkReader cut(*chunk);
  while (cut.next(read)) {
  }
  EXPECT_TRUE(cut.damaged());
}

TEST(Load, EveryByteStringIsATraceOrAnError) {
  const std::string path = testing::TempDir() + "/masu-trace-of-anything";
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(round % 2 == 0 ? kChunkBytes : random() % 200, 0);
    for (size_t i = 0; i < bytes.size() && i < 4000; ++i) bytes[i] = static_cast<char>(random() >> random() % 8);
    if (round % 2 == 0) {
      Chunk& chunk = *reinterpret_cast<Chunk*>(bytes.data());
      chunk.magic = kMagic;
      chunk.used.store(random() % 4000);
      for (int i = 0; i < round % 50; ++i) chunk.bytes[random() % 100] = static_cast<uint8_t>(random() % 10);
    } else if (!bytes.empty()) {
      bytes[0] = '#';
    }
    std::ofstream(path, std::ios::binary) << bytes;
    const Loaded loaded = load(path.c_str());
    if (loaded.error == nullptr) {
      EXPECT_LE(loaded.trace.blocks, loaded.trace.count);
    }
  }
}

TEST(Names, AreThoseOfAMap) {
  Names names;
  std::map<uint64_t, uint32_t> model;
  std::mt19937_64 random(3);
  for (uint32_t i = 0; i < 200000; ++i) {
    const uint64_t name = random() % 4096 << 4;
    ASSERT_EQ(names.find(name), model.contains(name) ? model[name] : Names::kNone);
    if (model.erase(name) != 0) {
      names.erase(name);
    } else {
      names.insert(name, i);
      model[name] = i;
    }
  }
}

}  // namespace
}  // namespace masu::trace
