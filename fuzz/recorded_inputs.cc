#include "fuzz/recorded_inputs.h"

#include <algorithm>
#include <bitset>
#include <unordered_map>

#include "fuzz/input.h"
#include "fuzz/oracle.h"

namespace masu::fuzz {
namespace {

constexpr unsigned kMostOfMany = 8;

// One input under construction.
class Piece {
 public:
  explicit Piece(size_t number) : number_(number) {}

  // Also where too much went by that it leaves out.
  bool full() const { return operations_.size() == kMaxOperations || seen_ == 4 * kMaxOperations; }

  void take(const trace::Operation& op) {
    ++seen_;
    const auto known = slots_.find(op.block);
    const auto thread = static_cast<uint8_t>(op.thread % 4);
    switch (op.kind) {
      case trace::Kind::kFree:
        if (known == slots_.end()) return;
        add_free(thread, known->second);
        taken_.reset(known->second);
        slots_.erase(known);
        return;
      case trace::Kind::kUsable:
      case trace::Kind::kRealloc:
        if (known == slots_.end()) return;
        return add(op.kind == trace::Kind::kUsable ? Kind::kCheck : Kind::kRealloc, thread, known->second, code_of_size(op.size), 0);
      default:
        return allocate(op, thread);
    }
  }

  // Threads by priorities that change twice, all from the piece's number.
  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> out(kHeaderBytes);
    out[1] = static_cast<uint8_t>(threads_ - 2) | 1u << 2 | static_cast<uint8_t>(number_ % 16) << 4;
    out[2] = static_cast<uint8_t>(number_ % 24 + 24 * (number_ / 24 % 4));
    out[13] = static_cast<uint8_t>(operations_.size() % kMaxOperations);
    out[14] = static_cast<uint8_t>(number_);
    out[15] = static_cast<uint8_t>(number_ >> 8);
    for (const Raw& raw : operations_) out.insert(out.end(), {static_cast<uint8_t>(byte_of(raw.kind) + raw.thread), raw.slot, raw.size, raw.argument});
    return out;
  }

 private:
  struct Raw {
    Kind kind;
    uint8_t thread, slot, size, argument;
  };

  void add(Kind kind, uint8_t thread, unsigned slot, uint8_t size, uint8_t argument) {
    operations_.push_back({kind, thread, static_cast<uint8_t>(slot), size, argument});
    threads_ = std::max(threads_, thread + 1u);
  }

  // Whether the last operation is of this kind (alone or many) and by this thread; it may then do one more.
  bool extend(Kind one, Kind many, uint8_t thread) {
    if (operations_.empty()) return false;
    Raw& last = operations_.back();
    if ((last.kind != one && last.kind != many) || last.thread != thread || last.argument + 1u >= kMostOfMany) return false;
    last.kind = many;
    ++last.argument;
    return true;
  }

  void add_free(uint8_t thread, unsigned slot) {
    const bool next = !operations_.empty() && operations_.back().slot + operations_.back().argument + 1u == slot;
    if (!next || !extend(Kind::kFree, Kind::kFreeMany, thread)) add(Kind::kFree, thread, slot, 0, 0);
  }

  void allocate(const trace::Operation& op, uint8_t thread) {
    if (taken_.all()) return;
    unsigned slot = 0;
    while (taken_.test(slot)) ++slot;
    const uint8_t code = code_of_size(op.size);
    taken_.set(slot);
    slots_[op.block] = slot;
    if (op.kind == trace::Kind::kAligned) {
      const unsigned call = number_ % 2;  // aligned_alloc, posix_memalign
      return add(Kind::kAligned, thread, slot + call * kSlots, code, std::clamp<uint8_t>(op.align_log2, 3, 22));
    }
    if (op.kind == trace::Kind::kCalloc) return add(Kind::kCalloc, thread, slot, code, 0);
    const bool same = !operations_.empty() && operations_.back().size == code;
    if (!same || !extend(Kind::kMalloc, Kind::kMallocMany, thread)) add(Kind::kMalloc, thread, slot, code, 0);
  }

  size_t number_;
  unsigned seen_ = 0;
  std::vector<Raw> operations_;
  std::unordered_map<uint32_t, unsigned> slots_;  // of the trace's blocks
  std::bitset<kSlots> taken_;
  unsigned threads_ = 2;
};

// The slots of an input's program as the model has them, written down.
class Text {
 public:
  explicit Text(unsigned thread) : thread_(thread) {}

  void take(const Operation& op) {
    const size_t size = size_of_code(op.size);
    switch (op.kind) {
      case Kind::kMalloc:
      case Kind::kHeapMalloc:
        return allocate(op, "malloc", size);
      case Kind::kCalloc:
        return allocate(op, "calloc", size);
      case Kind::kAligned:
        return allocate(op, "aligned", size, size_t{1} << (op.argument % 23));
      case Kind::kMallocMany:
        for (unsigned i = 0; i <= op.argument % kMostOfMany; ++i) allocate(op, "malloc", size);
        return;
      case Kind::kFreeMany:
        for (unsigned i = 0; i <= op.argument % kMostOfMany; ++i) release(op.thread, op.slot + i);
        return;
      case Kind::kFree:
        return release(op.thread, op.slot);
      case Kind::kRealloc:
        return reallocate(op, size);
      case Kind::kCheck:
        if (const unsigned slot = find(op.slot, true); slot != kSlots) line(op.thread, "usable", slot);
        return;
      default:
        return;
    }
  }

  std::string finish() {
    for (unsigned slot = 0; slot < kSlots; ++slot) {
      if (taken_.test(slot)) line(0, "free", slot);
    }
    return text_;
  }

 private:
  unsigned find(unsigned wish, bool taken) const {
    for (unsigned i = 0; i < kSlots; ++i) {
      if (taken_.test((wish + i) % kSlots) == taken) return (wish + i) % kSlots;
    }
    return kSlots;
  }
  void line(unsigned thread, const char* kind, unsigned slot, const std::string& more = "") {
    text_ += std::to_string(thread_ + thread) + " " + kind + " " + std::to_string(slot) + more + "\n";
  }
  void release(unsigned thread, unsigned wish) {
    const unsigned slot = find(wish, true);
    if (slot == kSlots) return;
    taken_.reset(slot);
    line(thread, "free", slot);
  }
  void allocate(const Operation& op, const char* kind, size_t size, size_t alignment = 0) {
    const unsigned slot = find(op.slot, false);
    if (slot == kSlots) return release(op.thread, op.slot);
    taken_.set(slot);
    line(op.thread, kind, slot, " " + std::to_string(size) + (alignment == 0 ? "" : " " + std::to_string(alignment)));
  }
  void reallocate(const Operation& op, size_t size) {
    const unsigned slot = find(op.slot, true);
    if (slot == kSlots) return allocate(op, "malloc", size);
    if (size == 0) return release(op.thread, slot);
    line(op.thread, "realloc", slot, " " + std::to_string(size));
  }

  unsigned thread_;
  std::bitset<kSlots> taken_;
  std::string text_;
};

}  // namespace

std::vector<std::vector<uint8_t>> cut(const trace::Trace& trace, size_t most) {
  std::vector<std::vector<uint8_t>> all;
  for (uint32_t i = 0; i < trace.count;) {
    Piece piece(all.size());
    while (i < trace.count && !piece.full()) piece.take(trace.operations[i++]);
    all.push_back(piece.bytes());
  }
  std::vector<std::vector<uint8_t>> chosen;
  for (size_t n = 0; n < std::min(most, all.size()); ++n) chosen.push_back(std::move(all[n * all.size() / std::min(most, all.size())]));
  return chosen;
}

std::string text_of_input(const std::vector<uint8_t>& input, unsigned thread) {
  const Input in = decode(input.data(), input.size());
  Text text(thread);
  for (unsigned i = 0; i < in.count; ++i) text.take(in.operations[i]);
  return text.finish();
}

}  // namespace masu::fuzz
