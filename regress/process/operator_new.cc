// Every form of operator new and delete in a C++ program: sizes, alignments, zero; failure calls the new_handler until it gives up,
// then throws bad_alloc (or returns null from the nothrow forms); memory that the handler frees is used.
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <new>

#include "check.h"

namespace {

constexpr size_t kTooMuch = static_cast<size_t>(std::numeric_limits<ptrdiff_t>::max()) - 4096;
int calls;
struct Refused {};

bool aligned(void* p, size_t to) { return reinterpret_cast<uintptr_t>(p) % to == 0; }

void plain_forms() {
  for (size_t size : {size_t{0}, size_t{1}, size_t{8}, size_t{24}, size_t{1000}, size_t{70000}, size_t{3000000}}) {
    void* p[8] = {::operator new(size), ::operator new[](size), ::operator new(size, std::nothrow), ::operator new[](size, std::nothrow),
                  ::operator new(size), ::operator new[](size), ::operator new(size, std::nothrow), ::operator new[](size, std::nothrow)};
    for (int i = 0; i < 8; ++i) {
      CHECK(p[i] != nullptr && aligned(p[i], size < 16 ? 8 : 16));
      memset(hide(p[i]), i, size);
      for (int k = 0; k < i; ++k) CHECK(p[i] != p[k]);
    }
    ::operator delete(p[0]);
    ::operator delete[](p[1]);
    ::operator delete(p[2], std::nothrow);
    ::operator delete[](p[3], std::nothrow);
    ::operator delete(p[4], size);
    ::operator delete[](p[5], size);
    ::operator delete(p[6], size);
    ::operator delete[](p[7], std::nothrow);
  }
  ::operator delete(hide(static_cast<void*>(nullptr)));
  ::operator delete[](hide(static_cast<void*>(nullptr)), size_t{10});
}

void aligned_forms() {
  for (size_t to = 1; to <= (1u << 22); to *= 2) {
    const std::align_val_t alignment{to};
    for (size_t size : {size_t{0}, size_t{1}, size_t{100}, to, to + 1}) {
      void* p[4] = {::operator new(size, alignment), ::operator new[](size, alignment), ::operator new(size, alignment, std::nothrow),
                    ::operator new[](size, alignment, std::nothrow)};
      for (void* each : p) {
        CHECK(each != nullptr && aligned(each, to));
        memset(hide(each), 1, size);
      }
      ::operator delete(p[0], alignment);
      ::operator delete[](p[1], size, alignment);
      ::operator delete(p[2], alignment, std::nothrow);
      ::operator delete[](p[3], alignment, std::nothrow);
      ::operator delete(::operator new(size, alignment), size, alignment);
      ::operator delete[](::operator new[](size, alignment), alignment);
    }
  }
}

template <class Exception, class F>
bool throws(F&& f) {
  try {
    f();
  } catch (const Exception&) {
    return true;
  }
  return false;
}

void failures() {
  const std::align_val_t alignment{256};
  const auto all_throw = [&] {
    CHECK(throws<std::bad_alloc>([&] { ::operator delete(hide(::operator new(hide(kTooMuch)))); }));
    CHECK(throws<std::bad_alloc>([&] { ::operator delete[](hide(::operator new[](hide(kTooMuch)))); }));
    CHECK(throws<std::bad_alloc>([&] { ::operator delete(hide(::operator new(hide(kTooMuch), alignment)), alignment); }));
    CHECK(throws<std::bad_alloc>([&] { ::operator delete[](hide(::operator new[](hide(kTooMuch), alignment)), alignment); }));
    CHECK(::operator new(hide(kTooMuch), std::nothrow) == nullptr);
    CHECK(::operator new[](hide(kTooMuch), std::nothrow) == nullptr);
    CHECK(::operator new(hide(kTooMuch), alignment, std::nothrow) == nullptr);
    CHECK(::operator new[](hide(kTooMuch), alignment, std::nothrow) == nullptr);
  };
  std::set_new_handler(nullptr);
  all_throw();
  calls = 0;
  std::set_new_handler([] {
    if (++calls % 3 == 0) throw std::bad_alloc();
  });
  all_throw();
  CHECK(calls == 8 * 3);
  std::set_new_handler([] { throw Refused(); });
  CHECK(throws<Refused>([] { ::operator delete(hide(::operator new(hide(kTooMuch)))); }));
  calls = 0;
  std::set_new_handler([] {
    ++calls;
    std::set_new_handler(nullptr);
  });
  CHECK(throws<std::bad_alloc>([] { ::operator delete(hide(::operator new(hide(kTooMuch)))); }));
  CHECK(calls == 1);
  std::set_new_handler(nullptr);
  CHECK(throws<std::bad_alloc>([] { delete[] hide(new char[hide(kTooMuch)]); }));
}

}  // namespace

int main() {
  check_take_over();
  plain_forms();
  aligned_forms();
  failures();
}
