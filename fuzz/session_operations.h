// Session: what each operation does to the heap, and what the model makes of the answer.
#pragma once

#include "fuzz/session.h"

namespace masu::fuzz {

template <class Lane>
void Session<Lane>::step(const Operation& op) {
  begun_[Scheduler::get().thread()] = misuses_;
  seats_used_.fetch_or(1u << Scheduler::get().thread(), std::memory_order_relaxed);
  switch (op.kind) {
    case Kind::kMalloc:
    case Kind::kCalloc:
      return allocate(op);
    case Kind::kRealloc:
      return reallocate(op);
    case Kind::kAligned:
      return allocate_aligned(op);
    case Kind::kFree:
      return release(op.slot);
    case Kind::kFreeMany:
      for (unsigned i = 0; i <= op.argument % 8u; ++i) release(op.slot + i);
      return;
    case Kind::kMallocMany:
      for (unsigned i = 0; i <= op.argument % 8u; ++i) allocate(op);
      return;
    case Kind::kFlush:
      return heap().flush();
    case Kind::kExit:
      return exit_thread();
    case Kind::kStart:
      if (!exited_[Scheduler::get().thread()]) return release(op.slot);
      exited_[Scheduler::get().thread()] = false;
      return Scheduler::get().renew();
    case Kind::kPurge:
      return heap().purge((op.argument & 1) != 0);
    case Kind::kTrim:
      return static_cast<void>(heap().trim());
    case Kind::kClock:
      return world().advance(op.argument * 16u);
    case Kind::kBudget:
      return world().set_budget(op.argument >= 192 ? SIZE_MAX : world().committed_bytes() + op.argument % 16 * kPage);
    case Kind::kFail:
      return world().fail(op.size, op.argument % 8 + 1u, (op.slot & 1) != 0);
    case Kind::kFork:
      heap().fork_prepare();
      return heap().fork_parent();
    case Kind::kForkChild:
      return fork_child();
    case Kind::kStats:
      heap().arena_live_bytes();
      heap().event(Event::kRefill);
      return static_cast<void>(heap().totals());
    case Kind::kHeapNew:
      return heap_new(op.slot % kHeaps);
    case Kind::kHeapMalloc:
      return heap_malloc(op);
    case Kind::kHeapDelete:
      return heap_delete(op.slot % kHeaps);
    case Kind::kDoubleFree:
    case Kind::kInteriorFree:
    case Kind::kWildFree:
      if constexpr (Lane::kMisused) return misuse(op);
      return check(op.slot);
    default:
      return check(op.slot);
  }
}

// A call returned null. ENOMEM it must be, and there must be a reason.
template <class Lane>
void Session<Lane>::refused(const char* call, size_t bytes, int error) {
  if (error != ENOMEM) fail("%s(%zu) returned null with errno %d", call, bytes, error);
  const unsigned seats = seats_used_.load(std::memory_order_relaxed);
  const bool roomy = (in_.config & 0x47) < 4 && !world().has_failed() && (seats & (seats - 1)) == 0 &&
                     model().live() < 12 && heaps_[0].heap.load() == nullptr && heaps_[1].heap.load() == nullptr && !forked_;
  if (roomy && bytes <= 256 * kKiB) fail("%s(%zu) returned null, although there is room", call, bytes);
}

template <class Lane>
void Session<Lane>::allocate(const Operation& op) {
  const unsigned slot = model().find(op.slot, false);
  if (slot == kSlots) return release(op.slot);
  Hold hold(model(), slot);
  const size_t bytes = size_of_code(op.size);
  void* p;
  errno = 0;
  if (op.kind == Kind::kCalloc) {
    const size_t factor = op.argument % 4 == 3 ? 16 : 1;  // also one whose product may overflow
    p = rules().calloc(factor, bytes);
    const int error = errno;
    size_t product = SIZE_MAX;
    if (p == nullptr) return refused("calloc", __builtin_mul_overflow(factor, bytes, &product) ? SIZE_MAX : product, error);
    if (__builtin_mul_overflow(factor, bytes, &product)) fail("calloc(%zu, %zu): the product overflows", factor, bytes);
    return granted(slot, {"calloc", product, 1, true}, p);
  }
  p = rules().malloc(bytes);
  answer(p != nullptr);
  if (p == nullptr) return refused("malloc", bytes, errno);
  granted(slot, {"malloc", bytes, 1, false}, p);
}

template <class Lane>
void Session<Lane>::allocate_aligned(const Operation& op) {
  const unsigned slot = model().find(op.slot, false);
  if (slot == kSlots) return release(op.slot);
  Hold hold(model(), slot);
  const size_t bytes = size_of_code(op.size), align = alignment_of(op.argument);
  const bool power = is_pow2(align);
  void* p = nullptr;
  errno = 0;
  switch (op.slot / kSlots % 4) {
    case 0:
      p = rules().aligned_alloc(align, bytes);
      if (!power && (p != nullptr || errno != EINVAL)) fail("aligned_alloc(%zu, %zu): no EINVAL", align, bytes);
      if (!power) return;
      break;
    case 1: {
      void* const before = &p;
      p = before;
      const int error = rules().posix_memalign(&p, align, bytes);
      if (errno != 0) fail("posix_memalign(%zu, %zu) set errno %d", align, bytes, errno);
      if (error != 0 && p != before) fail("posix_memalign(%zu, %zu) failed and wrote its result", align, bytes);
      if ((error == EINVAL) != (!power || align % sizeof(void*) != 0)) {
        fail("posix_memalign(%zu, %zu) returned %d", align, bytes, error);
      }
      if (error == EINVAL) return;
      if (error != 0) return align <= kPage ? refused("posix_memalign", bytes, error) : void();
      break;
    }
    case 2:
      p = rules().memalign(align, bytes);
      if (align > (SIZE_MAX >> 1) + 1) {
        if (p != nullptr || errno != EINVAL) fail("memalign(%zu, %zu): no EINVAL", align, bytes);
        return;
      }
      break;
    default:
      p = rules().pvalloc(bytes, heap().core().os.page_size());
      if (p == nullptr) return refused("pvalloc", bytes, errno);
      return granted(slot, {"pvalloc", bytes > PTRDIFF_MAX ? bytes : align_up(bytes, kPage), heap().core().os.page_size(), false}, p);
  }
  if (p == nullptr) return refused("aligned", align <= kPage ? bytes : SIZE_MAX, errno);
  granted(slot, {"aligned", bytes, std::bit_ceil(align), false}, p);  // memalign rounds up
}

template <class Lane>
void Session<Lane>::reallocate(const Operation& op) {
  const unsigned slot = model().find(op.slot, true);
  if (slot == kSlots) return allocate(op);
  Hold hold(model(), slot);
  const size_t bytes = size_of_code(op.size);
  const auto at = reinterpret_cast<void*>(model().block(slot).at);
  const bool in_arena = heap().is_live(at);
  const Block old = model().suspend(slot);
  errno = 0;
  const bool array = op.argument % 16 == 15;  // of so many that the product overflows, or should
  constexpr size_t kMany = size_t{1} << 60;
  size_t all = bytes;
  if (array && __builtin_mul_overflow(kMany, bytes, &all)) all = SIZE_MAX;
  void* p = array ? rules().reallocarray(at, kMany, bytes) : rules().realloc(at, bytes);
  if (p != nullptr) {
    model().moved(slot, old, all, p, heap().usable_size(p));
    // A private heap's block stays its own where it is only resized.
    const bool resized = p == at || (!in_arena && bytes > Heap::C::kMaxSize);
    model().block(slot).heap = resized ? old.heap : 0;
    return;
  }
  if (all == 0) {
    if (errno != 0) fail("realloc(p, 0) set errno %d", errno);
    return;
  }
  refused("realloc", all, errno);
  model().restored(slot, old, heap().usable_size(at));
}

template <class Lane>
void Session<Lane>::release(unsigned wish) {
  const unsigned slot = model().find(wish, true);
  if (slot == kSlots) return;
  Hold hold(model(), slot);
  void* const p = reinterpret_cast<void*>(model().block(slot).at);
  model().freed(slot);
  if constexpr (Lane::kMisused) graves_[buried_++ % kGraves] = reinterpret_cast<uintptr_t>(p);
  errno = 4711;
  heap().free(p);
  if (errno != 4711) fail("free changed errno to %d", errno);
}

template <class Lane>
void Session<Lane>::check(unsigned wish) {
  const unsigned slot = model().find(wish, true);
  if (slot == kSlots) return;
  Hold hold(model(), slot);
  const Block& b = model().block(slot);
  const size_t usable = heap().usable_size(reinterpret_cast<void*>(b.at));
  if (usable != b.usable) fail("the usable size of %#zx went from %zu to %zu", size_t{b.at}, b.usable, usable);
  model().verify(slot, "check");
}

template <class Lane>
void Session<Lane>::exit_thread() {
  bool& exited = exited_[Scheduler::get().thread()];
  if (exited) return;
  heap().thread_exit();
  exited = true;
}

// From here on we are the child: one thread, and the memory as it was.
template <class Lane>
void Session<Lane>::fork_child() {
  heap().fork_prepare();
  if (__tsan_acquire != nullptr) return heap().fork_parent();  // to TSan the others would race with us for ever
  forked_ = true;
  const unsigned mine = Scheduler::get().thread();
  Scheduler::get().abandon_others();
  model().forget_busy();
  for (Private& p : heaps_) {
    if (p.users.exchange(0) != 0) p.heap.store(nullptr);  // its lock may be held by a thread that is gone
  }
  if (!kConcurrent) {
    for (unsigned t = 0; t < kMaxThreads; ++t) {
      if (t == mine) continue;
      Scheduler::get().play(t);
      Scheduler::get().renew();
      exited_[t] = false;
    }
    Scheduler::get().play(mine);
  }
  heap().fork_child();
  allocate({0, Kind::kMalloc, 0, 20, 0});
  release(0);
}

template <class Lane>
void Session<Lane>::heap_new(unsigned i) {
  if (heaps_[i].heap.load() != nullptr || heaps_[i].users.load() != 0) return;
  heaps_[i].users.fetch_add(1);
  heaps_[i].heap.store(heap().heap_new());
  heaps_[i].users.fetch_sub(1);
}

template <class Lane>
void Session<Lane>::heap_malloc(const Operation& op) {
  Private& from = heaps_[op.argument % kHeaps];
  const unsigned slot = model().find(op.slot, false);
  if (from.heap.load() == nullptr || slot == kSlots) return allocate(op);
  Hold hold(model(), slot);
  from.users.fetch_add(1);
  const size_t bytes = size_of_code(op.size), align = size_t{1} << (op.argument / 2 % 16);
  void* p = heap().heap_malloc(*from.heap.load(), bytes, align);
  if (p != nullptr) {
    granted(slot, {"heap_malloc", bytes, align, false}, p);
    model().block(slot).heap = static_cast<uint8_t>(1 + op.argument % kHeaps);
  }
  from.users.fetch_sub(1);
}

template <class Lane>
void Session<Lane>::heap_delete(unsigned i) {
  if (heaps_[i].heap.load() == nullptr || heaps_[i].users.load() != 0 || model().in_use(i + 1)) return;
  heaps_[i].users.fetch_add(1);
  typename Heap::OwnerT* const gone = heaps_[i].heap.exchange(nullptr);  // from here on nobody asks it for more
  for (unsigned s = 0; s < kSlots; ++s) {
    if (!model().belongs(s, i + 1)) continue;
    Hold hold(model(), s);
    model().freed(s);
  }
  heap().heap_delete(*gone);
  heaps_[i].users.fetch_sub(1);
}

// A free that no correct program makes. Found at once, or (a block still on its way to its owner) at the drain;
// whatever comes later, no block may be handed out twice.
template <class Lane>
void Session<Lane>::misuse(const Operation& op) {
  uintptr_t at = graves_[op.slot % kGraves];
  if (op.kind == Kind::kInteriorFree) {
    const unsigned slot = model().find(op.slot, true);
    if (slot == kSlots) return;
    const Block& b = model().block(slot);
    at = b.at + 1 + (op.argument % 2 == 0 ? op.argument : op.argument * size_t{16}) % std::max<size_t>(b.usable - 1, 1);
  } else if (op.kind == Kind::kWildFree) {
    const uintptr_t bases[] = {0, World::kBase, World::kClaims, reinterpret_cast<uintptr_t>(&op), at, UINTPTR_MAX - 4096};
    at = bases[op.slot % std::size(bases)] + (size_t{op.size} << (op.argument % 24)) + op.argument / 24;
  }
  if (at == 0 || model().starts_at(at)) return;  // nothing wrong with that
  misused_ = true;
  const bool in_flight = heap().is_live(reinterpret_cast<void*>(at));  // freed, and its owner has not heard of it
  misused_at_ = at;
  ++misuses_;
  const uint64_t before = heap().event(Event::kMisuse);
  heap().free(reinterpret_cast<void*>(at));
  ++misuses_;
  const bool found = heap().event(Event::kMisuse) != before;
  if (!found && !in_flight && op.kind != Kind::kDoubleFree) fail("free of %#zx, which is nothing, went unnoticed", size_t{at});
}

}  // namespace masu::fuzz
