// Bounded reads of DWARF data. A read past the end makes the reader fail for good and yields zero, so a
// parser may check once at its end. Pure: never allocates, never writes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace masu::debug {

class ByteReader {
 public:
  ByteReader() = default;
  ByteReader(const uint8_t* begin, const uint8_t* end) : at_(begin), end_(begin <= end ? end : begin) {}

  bool ok() const { return ok_; }
  bool at_end() const { return at_ == end_; }
  const uint8_t* position() const { return at_; }

  template <class T>
  T read() {
    T value{};
    if (const uint8_t* from = take(sizeof(T))) std::memcpy(&value, from, sizeof(T));
    return value;
  }

  uint64_t uleb() { return leb().value; }

  int64_t sleb() {
    const Leb leb128 = leb();
    const uint64_t sign = leb128.negative && leb128.bits < 64 ? ~uint64_t{0} << leb128.bits : 0;
    return static_cast<int64_t>(leb128.value | sign);
  }

  // A pointer in one of the DW_EH_PE_ encodings; `data` is the base of data-relative ones.
  uintptr_t encoded(uint8_t encoding, uintptr_t data) {
    const auto place = reinterpret_cast<uintptr_t>(at_);
    uintptr_t value = encoded_value(encoding & 0x0f);
    switch (encoding & 0x70) {
      case 0x00:
        break;
      case 0x10:
        value += place;
        break;
      case 0x30:
        value += data;
        break;
      default:
        fail();
    }
    return ok_ ? value : 0;
  }

  ByteReader sub(uint64_t bytes) {
    const uint8_t* from = take(bytes);
    return from != nullptr ? ByteReader(from, from + bytes) : ByteReader();
  }

  void skip(uint64_t bytes) { take(bytes); }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

 private:
  struct Leb {
    uint64_t value;
    unsigned bits;
    bool negative;
  };

  Leb leb() {
    Leb result{0, 0, false};
    uint8_t byte = 0;
    do {
      byte = read<uint8_t>();
      if (result.bits < 64) result.value |= static_cast<uint64_t>(byte & 0x7f) << result.bits;
      result.bits += 7;
    } while (byte & 0x80);
    result.negative = (byte & 0x40) != 0;
    return result;
  }

  const uint8_t* take(uint64_t bytes) {
    if (bytes > static_cast<uint64_t>(end_ - at_)) {
      fail();
      return nullptr;
    }
    const uint8_t* from = at_;
    at_ += bytes;
    return from;
  }

  uintptr_t encoded_value(uint8_t format) {
    switch (format) {
      case 0x00:
        return read<uintptr_t>();
      case 0x01:
        return uleb();
      case 0x02:
        return read<uint16_t>();
      case 0x03:
        return read<uint32_t>();
      case 0x04:
        return read<uint64_t>();
      case 0x09:
        return static_cast<uintptr_t>(sleb());
      case 0x0a:
        return static_cast<uintptr_t>(int64_t{read<int16_t>()});
      case 0x0b:
        return static_cast<uintptr_t>(int64_t{read<int32_t>()});
      case 0x0c:
        return static_cast<uintptr_t>(read<int64_t>());
      default:
        fail();
        return 0;
    }
  }

  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  bool ok_ = true;
};

}  // namespace masu::debug
