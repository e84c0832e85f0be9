#include "debug/unwind/eh_frame.h"

namespace masu::debug {
namespace {

constexpr uint8_t kTableEncoding = 0x3b;  // DW_EH_PE_datarel | DW_EH_PE_sdata4: what every linker emits
constexpr uint8_t kOmitted = 0xff;
constexpr uint64_t kMaxHeaderBytes = 20;
constexpr uint64_t kMaxEntryBytes = uint64_t{1} << 24;

struct TableEntry {
  int32_t begin;
  int32_t fde;
};

// The loader maps the segments of an object apart and tells the bounds of one, so the table's own lengths are
// all there is to go by. They are read-only and were there before the program ran.
ByteReader reader_at(uintptr_t address, uint64_t bytes) {
  const auto* begin = reinterpret_cast<const uint8_t*>(address);
  return {begin, begin + bytes};
}

// The body of a length-prefixed CIE or FDE; empty for the terminator.
ByteReader entry_body(uintptr_t address) {
  const uint64_t length = reader_at(address, sizeof(uint32_t)).read<uint32_t>();
  if (length == 0 || length > kMaxEntryBytes) return {};
  return reader_at(address + sizeof(uint32_t), length);
}

// The augmentations gcc, clang and gas emit: z, then any of R (pointer encoding), P (personality),
// L (language data) and S (signal frame).
bool read_augmentation(const char* letters, ByteReader& body, Fde& fde, uint8_t& encoding) {
  if (*letters == '\0') return true;
  if (*letters++ != 'z') return false;
  ByteReader data = body.sub(body.uleb());
  for (; *letters != '\0'; ++letters) {
    if (*letters == 'R') {
      encoding = data.read<uint8_t>();
    } else if (*letters == 'L') {
      data.skip(1);
    } else if (*letters == 'S') {
      fde.signal = true;
    } else if (*letters == 'P') {
      const auto personality = data.read<uint8_t>();
      data.encoded(personality & 0x0f, 0);
    } else if (*letters != 'B') {
      return false;
    }
  }
  return data.ok();
}

bool read_cie(ByteReader body, Fde& fde, uint8_t& encoding, bool& augmented) {
  if (body.read<uint32_t>() != 0) return false;  // a CIE has the id zero
  const auto version = body.read<uint8_t>();
  if (version != 1 && version != 3) return false;
  const auto* letters = reinterpret_cast<const char*>(body.position());
  while (body.ok() && body.read<char>() != '\0') {
  }
  fde.code_align = body.uleb();
  fde.data_align = body.sleb();
  fde.ra_register = version == 1 ? body.read<uint8_t>() : body.uleb();
  if (!body.ok() || !read_augmentation(letters, body, fde, encoding)) return false;
  augmented = *letters == 'z';
  fde.common = body;
  return body.ok();
}

bool read_fde(uintptr_t address, Fde& fde) {
  ByteReader body = entry_body(address);
  const auto here = reinterpret_cast<uintptr_t>(body.position());
  const auto back = body.read<uint32_t>();
  if (!body.ok() || back == 0) return false;
  uint8_t encoding = 0;
  bool augmented = false;
  if (!read_cie(entry_body(here - back), fde, encoding, augmented)) return false;
  fde.begin = body.encoded(encoding, 0);
  fde.end = fde.begin + body.encoded(encoding & 0x0f, 0);
  if (augmented) body.skip(body.uleb());
  fde.program = body;
  return body.ok();
}

}  // namespace

bool find_fde(uintptr_t address, uintptr_t pc, Fde& fde) {
  ByteReader header = reader_at(address, kMaxHeaderBytes);
  const auto version = header.read<uint8_t>();
  const auto frame_encoding = header.read<uint8_t>();
  const auto count_encoding = header.read<uint8_t>();
  const auto table_encoding = header.read<uint8_t>();
  if (version != 1 || table_encoding != kTableEncoding || count_encoding == kOmitted) return false;
  header.encoded(frame_encoding, address);
  const uint64_t count = header.encoded(count_encoding, address);
  const auto* table = reinterpret_cast<const TableEntry*>(header.position());
  if (!header.ok() || count == 0) return false;

  const auto offset = static_cast<int64_t>(pc - address);
  uint64_t low = 0;  // the last entry that begins at or before pc is in [low, high)
  uint64_t high = count;
  while (high - low > 1) {
    const uint64_t middle = low + (high - low) / 2;
    (table[middle].begin <= offset ? low : high) = middle;
  }
  const auto entry = static_cast<uintptr_t>(static_cast<intptr_t>(address) + table[low].fde);
  return read_fde(entry, fde) && pc >= fde.begin && pc < fde.end;
}

}  // namespace masu::debug
