// A call that may throw (a new handler of the program's), for the nothrow forms of operator new, which answer
// with null instead (C++20 [new.delete.single]). The one place compiled with exceptions; the C++ runtime is
// reached by weak references, and where it is absent nothing can throw.
#pragma once

#include <stddef.h>

namespace masu {

using NewCall = void* (*)(size_t bytes, size_t align, int form);
void* null_if_thrown(NewCall call, size_t bytes, size_t align, int form) noexcept;

}  // namespace masu
