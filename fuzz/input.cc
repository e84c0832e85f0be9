#include "fuzz/input.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace masu::fuzz {
namespace {

constexpr const char* kKindNames[] = {
    "malloc", "calloc", "realloc", "aligned", "free", "free many", "malloc many", "check",
    "flush", "exit", "start", "purge", "trim", "clock", "budget", "fail", "fork", "fork child", "stats",
    "heap new", "heap malloc", "heap delete", "double free", "interior free", "wild free",
};
static_assert(std::size(kKindNames) == static_cast<size_t>(Kind::kCount));

// How often each kind comes up, in 64ths.
struct Share {
  Kind kind;
  unsigned n;
};
constexpr Share kShares[] = {
    {Kind::kMalloc, 10}, {Kind::kCalloc, 4},  {Kind::kRealloc, 5},    {Kind::kAligned, 3},    {Kind::kFree, 14},
    {Kind::kFreeMany, 3}, {Kind::kMallocMany, 3}, {Kind::kCheck, 1},  {Kind::kFlush, 2},      {Kind::kExit, 2},
    {Kind::kStart, 2},   {Kind::kPurge, 1},   {Kind::kTrim, 1},       {Kind::kClock, 1},      {Kind::kBudget, 1},
    {Kind::kFail, 1},    {Kind::kFork, 1},    {Kind::kForkChild, 1},  {Kind::kStats, 1},      {Kind::kHeapNew, 1},
    {Kind::kHeapMalloc, 2}, {Kind::kHeapDelete, 1}, {Kind::kDoubleFree, 1}, {Kind::kInteriorFree, 1},
    {Kind::kWildFree, 1},
};
struct Table {
  Kind at[64];
};
constexpr Table make_table() {
  Table table{};
  unsigned i = 0;
  for (const Share& share : kShares) {
    for (unsigned n = 0; n < share.n; ++n) table.at[i++] = share.kind;
  }
  return i == 64 ? table : throw "the shares must sum up to 64";
}
constexpr Table kTable = make_table();

constexpr size_t kBases[64] = {
    0,    8,    16,   16,   24,   32,   32,   48,    48,    64,    64,    80,    96,    112,   128,   144,
    160,  192,  224,  256,  256,  320,  384,  448,   512,   640,   768,   896,   1024,  1280,  1536,  1792,
    2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168,  8192,  8192,  10240, 12288, 12288, 16384, 20480, 24576,
    28672, 32768, 32768, 36864, 40960, 45056, 49152, 57344, 65536, 66000, 98304, 131072,
    size_t{1} << 24, static_cast<size_t>(PTRDIFF_MAX), static_cast<size_t>(PTRDIFF_MAX) + 2, SIZE_MAX - 1,
};

void append(std::string& out, const char* format, ...) {
  char line[200];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  out += line;
}

}  // namespace

const char* kind_name(Kind kind) { return kKindNames[static_cast<size_t>(kind)]; }

uint8_t byte_of(Kind kind) {
  return static_cast<uint8_t>((std::find(kTable.at, kTable.at + 64, kind) - kTable.at) * 4);
}

uint8_t code_of_size(size_t size) {
  unsigned best = 0;
  for (unsigned code = 1; code < 256; ++code) {
    const size_t each = size_of_code(static_cast<uint8_t>(code)), now = size_of_code(static_cast<uint8_t>(best));
    if (each >= 1024 * 1024) continue;
    if (now < size ? each > now : each >= size && each < now) best = code;
  }
  return static_cast<uint8_t>(best);
}

size_t size_of_code(uint8_t code) {
  static constexpr int kOffsets[4] = {0, 1, -1, 7};
  const size_t base = kBases[code / 4];
  const int offset = kOffsets[code % 4];
  return offset < 0 && base == 0 ? 0 : base + static_cast<size_t>(offset);
}

size_t alignment_of(uint8_t argument) {
  if (argument >= 246) return (SIZE_MAX >> 1) + 2;  // no power of two is as large
  const size_t power = size_t{1} << (argument % 23);
  return argument >= 230 ? power + argument % 3 : power;
}

Input decode(const uint8_t* data, size_t size) {
  uint8_t header[kHeaderBytes] = {};
  std::copy_n(data, std::min(size, kHeaderBytes), header);
  Input in{};
  in.config = header[0];
  in.threads = static_cast<uint8_t>(2 + header[1] % 4 % 3);
  static constexpr Mode kModes[4] = {Mode::kAnchored, Mode::kPct, Mode::kBytes, Mode::kPct};
  in.mode = kModes[header[1] / 4 % 4];
  const unsigned depth = header[1] / 16;
  in.depth = depth < 8 ? 2 : depth < 14 ? 3 : 4;
  in.permutation = header[2] % 24;
  in.span = 16u << (header[2] / 24 % 8);
  in.fail_mask = header[3];
  for (unsigned i = 0; i < Anchored::kMax; ++i) {
    const unsigned bits = header[4 + 2 * i] | unsigned{header[5 + 2 * i]} << 8;
    const unsigned yield = bits >> 6 & 31;
    in.preemptions[i] = {bits & 63, yield < 24 ? yield : 24 + (yield - 24) * 8, (bits >> 11 & 3) % in.threads,
                         bits >> 13};
  }
  in.fail_at = header[12] % 128;
  in.fail_for_good = header[12] >= 128;
  in.seed = header[14] | uint64_t{header[15]} << 8;
  const unsigned most = header[13] % 64 == 0 ? kMaxOperations : header[13] % 64;
  const size_t body = size < kHeaderBytes ? 0 : size - kHeaderBytes;
  in.count = static_cast<unsigned>(std::min<size_t>(body / kOperationBytes, most));
  for (unsigned i = 0; i < in.count; ++i) {
    const uint8_t* op = data + kHeaderBytes + i * kOperationBytes;
    in.operations[i] = {static_cast<uint8_t>(op[0] % 4 % in.threads), kTable.at[op[0] / 4], op[1], op[2], op[3]};
  }
  const size_t used = kHeaderBytes + in.count * kOperationBytes;
  in.schedule = size > used ? data + used : data;
  in.schedule_bytes = size > used ? size - used : 0;
  return in;
}

std::string describe(const Operation& op) {
  std::string out;
  append(out, "T%u %-13s slot %2u", op.thread, kind_name(op.kind), op.slot % 32u);
  switch (op.kind) {
    case Kind::kAligned:
      append(out, " bytes %zu align %zu", size_of_code(op.size), alignment_of(op.argument));
      break;
    case Kind::kMalloc:
    case Kind::kCalloc:
    case Kind::kRealloc:
    case Kind::kMallocMany:
    case Kind::kHeapMalloc:
      append(out, " bytes %zu argument %u", size_of_code(op.size), op.argument);
      break;
    default:
      append(out, " code %u argument %u", op.size, op.argument);
  }
  return out;
}

std::string describe(const Input& in) {
  static constexpr const char* kModeNames[] = {"anchored", "pct", "bytes"};
  std::string out;
  append(out, "config %#x, %u threads, mode %s, seed %llu\n", in.config, in.threads,
         kModeNames[static_cast<size_t>(in.mode)], static_cast<unsigned long long>(in.seed));
  if (in.fail_mask != 0 && in.fail_at != 0) {
    append(out, "OS calls in mask %#x fail %s call %u\n", in.fail_mask, in.fail_for_good ? "from" : "at", in.fail_at);
  }
  if (in.mode == Mode::kPct) append(out, "depth %u within %u steps, permutation %u\n", in.depth, in.span, in.permutation);
  if (in.mode == Mode::kBytes) append(out, "%zu schedule bytes\n", in.schedule_bytes);
  for (const auto& p : in.preemptions) {
    if (in.mode != Mode::kAnchored || p.operation >= in.count) continue;
    append(out, "preempt operation %u at yield %u, to T%u for %u operations\n", p.operation, p.yield, p.to, p.hold);
  }
  for (unsigned i = 0; i < in.count; ++i) append(out, "%3u  %s\n", i, describe(in.operations[i]).c_str());
  return out;
}

}  // namespace masu::fuzz
