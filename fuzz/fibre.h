// A fibre: a stack of its own that stands in for a thread. Used by the scheduler alone, from one OS thread.
// Switching costs about 10 ns. Stacks lie at fixed addresses (so that a run repeats to the bit), below each
// a guard page, and are reused. A body never returns: it ends by switching away for good.
// The sanitizers are told by weak symbols, so that this compiles uninstrumented and links with any of them:
// ASan learns the stack's bounds; TSan learns which fibre runs, and of happens-before only what is asked.
#pragma once

#include <boost/context/detail/fcontext.hpp>

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** save, const void* bottom, size_t bytes);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* saved, const void** bottom, size_t* bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* at, size_t bytes);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fibre);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fibre, unsigned flags);
}

namespace masu::fuzz {

// Whether a switch orders what was done before it with what comes after it (as thread start and join do).
enum class Order : unsigned { kSynchronise = 0, kNone = 1 };

class Fibre {
 public:
  static constexpr size_t kStackBytes = 64 * 1024;
  static constexpr size_t kGuardBytes = 64 * 1024;
  static constexpr uintptr_t kStacks = 0x5520'0000'0000;  // below every PIE, inside what ASan and TSan allow

  using Body = void (*)(void*);

  // The stack that the calling thread already has.
  Fibre() : tsan_(__tsan_get_current_fiber != nullptr ? __tsan_get_current_fiber() : nullptr) {}

  // The `index`-th stack; `body(argument)` starts at the first switch to it.
  Fibre(unsigned index, Body body, void* argument) : body_(body), argument_(argument) {
    auto at = kStacks + index * (kStackBytes + kGuardBytes) + kGuardBytes;
    bottom_ = mmap(reinterpret_cast<void*>(at), kStackBytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (bottom_ != reinterpret_cast<void*>(at)) {
      std::fprintf(stderr, "fibre: the stack at %#zx is taken; nothing else may map there\n", size_t{at});
      std::abort();
    }
    bytes_ = kStackBytes;
    rewind();
  }
  Fibre(const Fibre&) = delete;
  Fibre& operator=(const Fibre&) = delete;
  ~Fibre() {
    if (body_ == nullptr) return;
    if (__tsan_destroy_fiber != nullptr) __tsan_destroy_fiber(tsan_);
    munmap(const_cast<void*>(bottom_), bytes_);
  }

  // Forgets whatever the fibre was doing: the next switch starts its body anew. Not for the running fibre.
  void rewind() {
    if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(bottom_, bytes_);
    if (__tsan_create_fiber != nullptr) {
      if (tsan_ != nullptr) join();
      tsan_ = __tsan_create_fiber(0);
    }
    drop_fake_stack();
    auto top = static_cast<char*>(const_cast<void*>(bottom_)) + bytes_;
    context_ = boost::context::detail::make_fcontext(top, bytes_, &enter);
  }

  // From this fibre, which is running, to `to`. Returns when somebody switches back.
  void switch_to(Fibre& to, Order order) {
    if (__sanitizer_start_switch_fiber != nullptr) {
      __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.bytes_);
    }
    if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(to.tsan_, static_cast<unsigned>(order));
    Passage passage{this, &to};
    arrive(boost::context::detail::jump_fcontext(to.context_, &passage));
  }

 private:
  struct Passage {
    Fibre* from;
    Fibre* to;
  };

  // ASan keeps a fibre's locals in a mapping of its own, and ends it when the fibre leaves for good: here that is played.
  void drop_fake_stack() {
    if (fake_stack_ == nullptr) return;
    void* host = nullptr;
    const void* host_bottom;
    size_t host_bytes;
    __sanitizer_start_switch_fiber(&host, bottom_, bytes_);
    __sanitizer_finish_switch_fiber(fake_stack_, &host_bottom, &host_bytes);
    __sanitizer_start_switch_fiber(nullptr, host_bottom, host_bytes);
    __sanitizer_finish_switch_fiber(host, nullptr, nullptr);
    fake_stack_ = nullptr;
  }

  // What the abandoned fibre did happens before what its host does next.
  void join() {
    void* host = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_, static_cast<unsigned>(Order::kSynchronise));
    __tsan_switch_to_fiber(host, static_cast<unsigned>(Order::kSynchronise));
    __tsan_destroy_fiber(tsan_);
  }

  static Passage arrive(boost::context::detail::transfer_t transfer) {
    Passage passage = *static_cast<Passage*>(transfer.data);
    passage.from->context_ = transfer.fctx;
    if (__sanitizer_finish_switch_fiber != nullptr) {
      __sanitizer_finish_switch_fiber(passage.to->fake_stack_, &passage.from->bottom_, &passage.from->bytes_);
    }
    return passage;
  }

  static void enter(boost::context::detail::transfer_t transfer) {
    Fibre* self = arrive(transfer).to;
    self->body_(self->argument_);
    std::fputs("fibre: the body returned\n", stderr);
    std::abort();
  }

  Body body_ = nullptr;
  void* argument_ = nullptr;
  boost::context::detail::fcontext_t context_ = nullptr;
  const void* bottom_ = nullptr;  // of the host: learnt at the first switch away from it
  size_t bytes_ = 0;
  void* fake_stack_ = nullptr;
  void* tsan_ = nullptr;
};

}  // namespace masu::fuzz
