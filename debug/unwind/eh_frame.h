// The .eh_frame section: which entry (FDE) covers a pc, and what it says before its program runs.
// Searches the sorted table that linkers write (.eh_frame_hdr).
// Async-signal-safe, no locks, no allocation. An object must stay loaded while it is read: its pcs are on the
// caller's stack.
#pragma once
#include <cstdint>

#include "debug/unwind/byte_reader.h"

namespace masu::debug {

struct Fde {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  uint64_t code_align = 1;
  int64_t data_align = 1;
  uint64_t ra_register = 0;
  bool signal = false;
  ByteReader common;   // the program every entry of this CIE starts with
  ByteReader program;  // the entry's own
};

// `header` is the address of an object's .eh_frame_hdr. False if it has no usable table or no entry that
// covers pc.
bool find_fde(uintptr_t header, uintptr_t pc, Fde& fde);

}  // namespace masu::debug
