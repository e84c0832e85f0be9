// The loaded object that an address belongs to, and its build-id, read from memory: no allocation, no locks,
// no files. Any thread, signal handlers too. Addresses inside an object are told to other tools as path +
// (address - bias), which is what symbolizers and objdump count in.
#pragma once
#include <cstddef>
#include <cstdint>

namespace masu::debug {

struct Module {
  uintptr_t begin = 0;  // the mapping, or the segment, that holds the address
  uintptr_t end = 0;
  uintptr_t bias = 0;           // what the loader added to the addresses in the file
  uintptr_t unwind_header = 0;  // .eh_frame_hdr, 0 if there is none
  const char* path = "";        // empty for the program itself
  const uint8_t* build_id = nullptr;
  size_t build_id_bytes = 0;
};

// False if no object is loaded there.
bool find_module(uintptr_t address, Module& module);

// The program's own file, in a buffer of `bytes`; "?" if the kernel does not tell.
const char* program_path(char* buffer, size_t bytes);

}  // namespace masu::debug
