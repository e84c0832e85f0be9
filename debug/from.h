// Who called into the library: the frame address of the API function, in one register, from which the program's
// frame follows when a stack is wanted. Good while that function has not returned: nor may it end in a jump to another one,
// which would use its frame's words (debug_masu.cc is compiled so).
#pragma once

#include <cstdint>

#include "base/attributes.h"
#include "debug/unwind/frame.h"

namespace masu::debug {

struct From {
  const uintptr_t* frame;  // {caller's frame pointer, return address}; the caller's stack begins behind

  uintptr_t pc() const { return frame[1]; }
  Frame walk_from() const { return {frame[1], reinterpret_cast<uintptr_t>(frame + 2), frame[0], false}; }
};

// Of the enclosing function, into which this is inlined; reading it makes that function keep a frame pointer.
MASU_INLINE From caller() { return {static_cast<const uintptr_t*>(__builtin_frame_address(0))}; }

}  // namespace masu::debug
