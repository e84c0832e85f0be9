// A trace ready to be replayed: operations in the order of the recording, on blocks with small numbers. Read from a
// recording (format.h), or from text, a line an operation: THREAD KIND BLOCK [SIZE [ALIGNMENT]], # begins a comment.
// Everything lies in mappings of its own, so that the malloc under test has no part in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "trace/format.h"

namespace masu::trace {

constexpr uint32_t kNoOperation = UINT32_MAX;

struct Operation {
  uint64_t size;
  uint32_t block;  // < Trace::blocks; of blocks alive at once no two are the same
  uint32_t turn;   // operations on this number that come before: they must be done
  uint32_t next;   // of the same thread, or kNoOperation
  uint16_t thread;
  Kind kind;       // kMalloc to kUsable
  uint8_t align_log2;
};

struct Trace {
  Operation* operations;
  uint32_t count, threads, blocks;
  uint32_t* first;  // of each thread: its first operation
  // What the recording could not tell: calls with blocks from before it began, and blocks whose end it missed.
  uint64_t unknown, lost;
  size_t bytes;     // of memory that the trace itself takes
};

const char* kind_name(Kind kind);  // as in the text

// Gathers events, each at its place, and makes a trace of them.
class Builder {
 public:
  // `most`: above every order.
  explicit Builder(size_t most);
  ~Builder();
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  bool put(uint64_t order, uint32_t thread, Kind kind, uint64_t name, uint64_t size = 0, uint8_t align_log2 = 0);
  bool append(uint32_t thread, Kind kind, uint64_t name, uint64_t size = 0, uint8_t align_log2 = 0) {
    return put(end_, thread, kind, name, size, align_log2);
  }
  // The trace owns its memory for as long as the process lives.
  Trace finish();

 private:
  Operation* events_;
  size_t most_, end_ = 0;
};

struct Loaded {
  Trace trace;
  const char* error;  // null: all is well
  size_t line;        // of the error, in text; 0 elsewhere
};
Loaded load(const char* path);

// As text that load() reads. False: the file does not take it.
bool write_text(const Trace& trace, int file);

}  // namespace masu::trace
