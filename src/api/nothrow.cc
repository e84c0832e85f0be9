#include "api/nothrow.h"

asm(".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak _Unwind_Resume\n.weak _ZSt9terminatev");

namespace masu {

void* null_if_thrown(NewCall call, size_t bytes, size_t align, int form) noexcept {
  try {
    return call(bytes, align, form);
  } catch (...) {
    return nullptr;
  }
}

}  // namespace masu
