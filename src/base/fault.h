// Faults: what can be wrong with a pointer handed to the heap or with the heap itself, and the evidence.
// A lane's policy decides what a fault does (stop, count, report); the heap only names it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace masu {

enum class Fault : uint8_t {
  kNone,
  // the program's
  kWildFree,        // an address the heap never handed out
  kForeignFree,     // an address outside everything the heap owns
  kInteriorFree,    // inside a live block, not at its start
  kMisalignedFree,  // no block starts at such an address
  kDoubleFree,      // a block that is not live
  kUnmappedFree,    // a page the heap has given back
  kCorruptLink,     // a block in a remote batch was written to after its free
  // the allocator's own
  kInternal,
  kCount,
};

struct Evidence {
  uintptr_t address = 0;
  size_t block_size = 0;     // bytes of the block around the address, 0 where there is none
  uintptr_t block = 0;       // its start
  const char* where = "";    // the call that found it: "free", "realloc", ...
  const char* detail = "";   // allocator-internal faults: the broken invariant
};

struct FaultText {
  const char* kind;
  const char* next;  // what to try
};

constexpr FaultText kFaultText[static_cast<size_t>(Fault::kCount)] = {
    {"no fault", ""},
    {"free of a wild pointer", "no block is there: malloc never returned the address, or it was freed long ago"},
    {"free of a foreign pointer", "not from this allocator: stack, global, own mmap, or another malloc"},
    {"free of an interior pointer", "pass the address that malloc returned"},
    {"free of a misaligned pointer", "pass the address that malloc returned"},
    {"double free", "the block is not live: it was freed before"},
    {"free of an unmapped address", "the page has been given back: freed long ago"},
    {"corrupt link in a freed block", "someone wrote to a block after freeing it, or freed it twice"},
    {"allocator internal fault", "please report this line"},
};

// Which faults `misuse=count` may step over: the heap's own state is untouched by them.
constexpr bool can_ignore(Fault f) { return f >= Fault::kWildFree && f <= Fault::kUnmappedFree; }

}  // namespace masu
