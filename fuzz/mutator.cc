// Mutations that know the input format, for libFuzzer (linked in) and AFL++ (as a shared library with
// AFL_CUSTOM_MUTATOR_LIBRARY) from one source. Preemptions follow their operations when others come or go.
#include <algorithm>
#include <cstring>
#include <vector>

#include "fuzz/input.h"
#include "fuzz/mutator.h"

extern "C" [[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace masu::fuzz {
namespace {

struct Raw {
  uint8_t header[kHeaderBytes] = {};
  std::vector<uint32_t> operations;  // as in the input, byte 0 lowest
  std::vector<uint8_t> schedule;
};

Raw parse(const uint8_t* data, size_t size) {
  Raw raw;
  std::memcpy(raw.header, data, std::min(size, kHeaderBytes));
  const Input input = decode(data, size);
  raw.operations.resize(input.count);
  if (input.count != 0) std::memcpy(raw.operations.data(), data + kHeaderBytes, input.count * kOperationBytes);
  raw.schedule.assign(input.schedule, input.schedule + input.schedule_bytes);
  return raw;
}

size_t write(const Raw& raw, uint8_t* data, size_t max_size) {
  std::vector<uint8_t> all(raw.header, raw.header + kHeaderBytes);
  const size_t count = std::min<size_t>(raw.operations.size(), kMaxOperations);
  all[13] = static_cast<uint8_t>(count % kMaxOperations);  // what follows is schedule
  const auto* operations = reinterpret_cast<const uint8_t*>(raw.operations.data());
  all.insert(all.end(), operations, operations + count * kOperationBytes);
  all.insert(all.end(), raw.schedule.begin(), raw.schedule.end());
  const size_t size = std::min(all.size(), max_size);
  std::memcpy(data, all.data(), size);
  return size;
}

// Operation `at` came (+1) or went (-1).
void shift_preemptions(Raw& raw, size_t at, int by) {
  for (unsigned i = 0; i < Anchored::kMax; ++i) {
    uint8_t& low = raw.header[4 + 2 * i];
    if (unsigned{low} % 64 >= at) low = static_cast<uint8_t>((low & 192) | ((low + by) & 63));
  }
}

uint32_t random_operation(Random& random) {
  // Few slots and sizes, so that operations meet.
  const auto slot = random.one_in(4) ? random.below(256) : random.below(8);
  const auto size = random.one_in(2) ? random.below(256) : 8 * random.below(8) + random.below(2);
  return random.below(256) | slot << 8 | size << 16 | random.below(256) << 24;
}

void insert(Raw& raw, size_t at, uint32_t operation) {
  if (raw.operations.size() >= kMaxOperations) return;
  raw.operations.insert(raw.operations.begin() + static_cast<std::ptrdiff_t>(at), operation);
  shift_preemptions(raw, at, 1);
}

void erase(Raw& raw, size_t at) {
  raw.operations.erase(raw.operations.begin() + static_cast<std::ptrdiff_t>(at));
  shift_preemptions(raw, at + 1, -1);
}

void mutate_header(Raw& raw, Random& random) {
  const unsigned i = random.below(8);
  switch (i) {
    case 0:
      raw.header[0] = static_cast<uint8_t>(random.one_in(2) ? random.below(256) : random.below(16));
      return;
    case 1:
      raw.header[1] = static_cast<uint8_t>(random.below(256));
      return;
    case 2:
      raw.header[2] = static_cast<uint8_t>(random.below(256));
      return;
    case 3:  // the OS: a mask and when
      raw.header[3] = static_cast<uint8_t>(random.one_in(2) ? 0 : 1u << random.below(8));
      raw.header[12] = static_cast<uint8_t>(random.below(random.one_in(2) ? 16 : 256));
      return;
    case 4:
      raw.header[14 + random.below(2)] = static_cast<uint8_t>(random.below(256));
      return;
    default: {  // a preemption, at an operation that exists
      const auto n = static_cast<uint32_t>(raw.operations.size());
      const unsigned bits = random.below(n + 1) % 64 | random.below(32) << 6 | random.below(4) << 11 |
                            (random.one_in(2) ? 0 : random.below(8) << 13);
      const unsigned which = random.below(Anchored::kMax);
      raw.header[4 + 2 * which] = static_cast<uint8_t>(bits);
      raw.header[5 + 2 * which] = static_cast<uint8_t>(bits >> 8);
    }
  }
}

void mutate_schedule(Raw& raw, Random& random) {
  raw.header[1] = static_cast<uint8_t>((raw.header[1] & ~12u) | 8);  // mode kBytes
  if (raw.schedule.size() < 64) raw.schedule.resize(raw.schedule.size() + 32);
  for (unsigned n = 1 + random.below(4); n > 0; --n) {
    raw.schedule[random.below(static_cast<uint32_t>(raw.schedule.size()))] = static_cast<uint8_t>(random.below(256));
  }
}

void mutate(Raw& raw, Random& random) {
  const auto n = static_cast<uint32_t>(raw.operations.size());
  if (n == 0) return insert(raw, 0, random_operation(random));
  const uint32_t at = random.below(n), other = random.below(n);
  uint32_t& operation = raw.operations[at];
  switch (random.below(12)) {
    case 0:
    case 1:
      return insert(raw, random.below(n + 1), random_operation(random));
    case 2:
      return insert(raw, at, raw.operations[other]);
    case 3:
      return erase(raw, at);
    case 4:
      return std::swap(operation, raw.operations[other]);
    case 5: {  // one field
      const uint32_t field = random.below(4);
      operation = (operation & ~(255u << field * 8)) | random.below(256) << field * 8;
      return;
    }
    case 6:  // another thread does it
      operation = (operation & ~3u) | random.below(4);
      return;
    case 7:  // the same slot as another operation, or a neighbour
      operation = (operation & ~0xff00u) | ((raw.operations[other] + (random.below(3) << 8)) & 0xff00u);
      return;
    case 8: {  // a stretch again, by another thread
      const uint32_t length = 1 + random.below(std::min(n - at, 6u));
      const uint32_t thread = random.below(4);
      const std::vector<uint32_t> stretch(raw.operations.begin() + at, raw.operations.begin() + at + length);
      for (uint32_t i = 0; i < length; ++i) insert(raw, at + i, (stretch[i] & ~3u) | thread);
      return;
    }
    case 9:
      return mutate_schedule(raw, random);
    default:
      return mutate_header(raw, random);
  }
}

}  // namespace

size_t mutate_bytes(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  Random random(seed);
  if (LLVMFuzzerMutate != nullptr && random.one_in(8)) return LLVMFuzzerMutate(data, size, max_size);
  Raw raw = parse(data, size);
  for (unsigned n = 1 + random.below(4); n > 0; --n) mutate(raw, random);
  return write(raw, data, max_size);
}

// The first operations of one, the rest of the other; header of the first, preemptions of either.
size_t cross(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out, size_t max_size,
             unsigned seed) {
  Random random(seed);
  Raw first = parse(a, a_size);
  const Raw second = parse(b, b_size);
  const size_t keep = random.below(static_cast<uint32_t>(first.operations.size()) + 1);
  const size_t from = random.below(static_cast<uint32_t>(second.operations.size()) + 1);
  first.operations.resize(keep);
  first.operations.insert(first.operations.end(), second.operations.begin() + static_cast<std::ptrdiff_t>(from),
                          second.operations.end());
  if (first.operations.size() > kMaxOperations) first.operations.resize(kMaxOperations);
  if (random.one_in(2)) std::memcpy(first.header + 4, second.header + 4, 2 * Anchored::kMax);
  return write(first, out, max_size);
}

// The input without its n-th part: operations first, then preemptions, failures, schedule. 0: no such part.
size_t without_part(const uint8_t* data, size_t size, unsigned n, uint8_t* out) {
  Raw raw = parse(data, size);
  if (n < raw.operations.size()) {
    erase(raw, n);
  } else {
    n -= static_cast<unsigned>(raw.operations.size());
    if (n >= Anchored::kMax + 3) return 0;
    if (n < Anchored::kMax) raw.header[4 + 2 * n] = raw.header[5 + 2 * n] = 0;
    if (n == Anchored::kMax) raw.header[3] = raw.header[12] = 0;
    if (n == Anchored::kMax + 1) raw.schedule.clear();
    if (n == Anchored::kMax + 2) raw.header[0] = 0;
  }
  return write(raw, out, size + kHeaderBytes);
}

}  // namespace masu::fuzz

extern "C" {

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return masu::fuzz::mutate_bytes(data, size, max_size, seed);
}
size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size, uint8_t* out,
                                 size_t max_size, unsigned seed) {
  return masu::fuzz::cross(a, a_size, b, b_size, out, max_size, seed);
}

// --- AFL++
struct AflMutator {
  unsigned seed;
  std::vector<uint8_t> out, trimmed;
  unsigned part, parts;
};

void* afl_custom_init(void*, unsigned seed) { return new AflMutator{seed, {}, {}, 0, 0}; }
void afl_custom_deinit(void* mutator) { delete static_cast<AflMutator*>(mutator); }

size_t afl_custom_fuzz(void* mutator, uint8_t* data, size_t size, uint8_t** out, uint8_t* other, size_t other_size,
                       size_t max_size) {
  auto& m = *static_cast<AflMutator*>(mutator);
  m.out.resize(max_size);
  ++m.seed;
  if (other != nullptr && m.seed % 4 == 0) {
    size = masu::fuzz::cross(data, size, other, other_size, m.out.data(), max_size, m.seed);
  } else {
    size = std::min(size, max_size);
    std::memcpy(m.out.data(), data, size);
    size = masu::fuzz::mutate_bytes(m.out.data(), size, max_size, m.seed);
  }
  *out = m.out.data();
  return size;
}

int32_t afl_custom_init_trim(void* mutator, uint8_t* data, size_t size) {
  auto& m = *static_cast<AflMutator*>(mutator);
  m.trimmed.assign(data, data + size);
  m.part = 0;
  m.parts = masu::fuzz::decode(data, size).count;
  return static_cast<int32_t>(m.parts);
}
size_t afl_custom_trim(void* mutator, uint8_t** out) {
  auto& m = *static_cast<AflMutator*>(mutator);
  m.out.resize(m.trimmed.size() + 2 * masu::fuzz::kHeaderBytes);
  *out = m.out.data();
  return masu::fuzz::without_part(m.trimmed.data(), m.trimmed.size(), m.part, m.out.data());
}
int32_t afl_custom_post_trim(void* mutator, uint8_t success) {
  auto& m = *static_cast<AflMutator*>(mutator);
  if (success != 0) {
    m.trimmed.resize(masu::fuzz::without_part(m.trimmed.data(), m.trimmed.size(), m.part, m.out.data()));
    std::memcpy(m.trimmed.data(), m.out.data(), m.trimmed.size());
    --m.parts;
  } else {
    ++m.part;
  }
  return static_cast<int32_t>(m.part >= m.parts ? m.parts : m.part);
}

}  // extern "C"
