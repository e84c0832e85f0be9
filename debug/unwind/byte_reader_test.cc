#include "debug/unwind/byte_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace masu::debug {
namespace {

// Not inlined: g++ 12 sees reads past the end that the checks prevent.
[[gnu::noinline]] ByteReader reader(const std::vector<uint8_t>& bytes) {
  return {bytes.data(), bytes.data() + bytes.size()};
}

TEST(ByteReader, ReadsLeb128AsTheDwarfStandardShowsIt) {
  const std::vector<uint8_t> unsigned_bytes{2, 127, 0x80, 1, 0x81, 1, 0x82, 1, 0xb9, 0x64};
  ByteReader u = reader(unsigned_bytes);
  for (const uint64_t expected : {2, 127, 128, 129, 130, 12857}) EXPECT_EQ(u.uleb(), expected);
  EXPECT_TRUE(u.ok() && u.at_end());

  const std::vector<uint8_t> signed_bytes{2, 0x7e, 0xff, 0,    0x81, 0x7f, 0x80,
                                          1, 0x80, 0x7f, 0x81, 1,    0xff, 0x7e};
  ByteReader s = reader(signed_bytes);
  for (const int64_t expected : {2, -2, 127, -127, 128, -128, 129, -129}) EXPECT_EQ(s.sleb(), expected);
  EXPECT_TRUE(s.ok() && s.at_end());
}

TEST(ByteReader, FailsForGoodPastTheEnd) {
  const std::vector<uint8_t> bytes{1, 2, 3};
  ByteReader r = reader(bytes);
  EXPECT_EQ(r.read<uint32_t>(), 0u);
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.read<uint8_t>(), 0);

  const std::vector<uint8_t> endless{0x80, 0x80, 0x80};
  ByteReader leb = reader(endless);
  leb.uleb();
  EXPECT_FALSE(leb.ok());
  EXPECT_TRUE(reader(bytes).sub(3).ok());
  ByteReader over = reader(bytes);
  over.sub(~uint64_t{0});
  EXPECT_FALSE(over.ok());
}

TEST(ByteReader, DecodesPointersByTheirBase) {
  const std::vector<uint8_t> bytes{0xfc, 0xff, 0xff, 0xff};  // -4
  const auto place = reinterpret_cast<uintptr_t>(bytes.data());
  EXPECT_EQ(reader(bytes).encoded(0x1b, 0), place - 4);    // pcrel | sdata4
  EXPECT_EQ(reader(bytes).encoded(0x3b, 1000), 996u);      // datarel | sdata4
  EXPECT_EQ(reader(bytes).encoded(0x03, 0), 0xfffffffcu);  // absolute udata4
  ByteReader unsupported = reader(bytes);
  unsupported.encoded(0x5b, 0);  // aligned
  EXPECT_FALSE(unsupported.ok());
}

}  // namespace
}  // namespace masu::debug
