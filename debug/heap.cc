#include "debug/heap.h"

#include <errno.h>
#include <signal.h>
#include <sys/single_threaded.h>

#include "debug/report.h"

namespace masu::debug {

using C = Classes<DebugLane>;

namespace {

constexpr size_t kDepotBytes = 64 * kMiB;
constexpr uint32_t kSampleEvery = 5000;  // allocations for one guarded
constexpr size_t kLargest = 256 * kKiB;  // cells above lie on pages of their own where they can
constexpr uint64_t kLookEvery = 4096;    // allocations between looks at the size of the heap
constexpr size_t kGlance = 3;            // frames of a stack that is passed over by sampling
constexpr size_t kMaxMappings = 65530;  // the kernel's default for a process

bool fits(size_t bytes, size_t align, size_t cell) { return bytes <= cell && align <= cell && cell_bytes(bytes, align) <= cell; }

// A record does not tell an alignment of 1 from none.
size_t said_align(const Release& how) { return how.align == 1 ? 0 : how.align; }
size_t align_of(unsigned align_log2) { return align_log2 == 0 ? 0 : size_t{1} << align_log2; }

bool said_right(const Release& how, size_t size, unsigned align_log2) {
  return (how.size == kUnsaid || how.size == size) && (how.align == kUnsaid || said_align(how) == align_of(align_log2));
}

// The thread that has the block will most likely give it to a checked function next.
MASU_INLINE void put_front(ThreadState& t, const Cell& cell, Facts facts) {
  Front::before(cell.user).put(facts, cell.user);
  t.seen_at(cell.user) = {cell.user, cell.size, facts.word(), nullptr};
}

// True for one caller alone. Without other threads, an exchange costs more than all the rest.
MASU_INLINE bool end_front(Front& front, Facts facts) {
  uint64_t live = facts.word();
  if (__libc_single_threaded) {
    front.facts.store(facts.ended().word(), std::memory_order_relaxed);  // relaxed: nobody else is there
    return true;
  }
  // acq_rel: the block is ours from here on.
  return front.facts.compare_exchange_strong(live, facts.ended().word(), std::memory_order_acq_rel,
                                             std::memory_order_relaxed);
}

}  // namespace

bool DebugHeap::start() {
  bool busy = false;
  // acquire, pairs with the release below: the loser of the race sees a whole heap.
  while (!starting_.compare_exchange_strong(busy, true, std::memory_order_acquire, std::memory_order_relaxed)) {
    busy = false;
    linux_yield();
  }
  const int saved = errno;
  if (!ready() && inner_.ensure_ready() && shadow_.place(inner_)) {
    paged_.place(inner_, kMaxMappings);
    depot_.init(kDepotBytes, [this](size_t bytes) { return inner_.core().os.map(bytes, kPage); });
    ready_.store(true, std::memory_order_release);  // release, pairs with ready()
  }
  errno = saved;
  starting_.store(false, std::memory_order_release);
  return ready();
}

void DebugHeap::configure(const Options& options) {
  depth_ = static_cast<unsigned>(options.get(Option::kStacks));
  // Leaks are told apart and faults suppressed by any frame of a stack.
  sampling_ = depth_ <= kSampledDepth && !options.on(Option::kLeaks) && options.text(Option::kSuppressions) == nullptr;
  quarantine_.set_limit(static_cast<size_t>(options.get(Option::kQuarantine)));
  sweep_every_ = static_cast<uint64_t>(options.get(Option::kSweep));
  break_at_ = static_cast<uint64_t>(options.get(Option::kBreakAt));
  watching_ = sweep_every_ != 0 || break_at_ != 0;
  using Side = PagedBlocks::Side;
  struct {
    uint32_t every;
    Side side;
  } constexpr kGuards[] = {{kSampleEvery, Side::kRight}, {0, Side::kLeft}, {1, Side::kRight}, {1, Side::kStart}};  // sample, off, all, left
  guard_every_ = kGuards[options.get(Option::kGuard)].every;
  guard_side_ = kGuards[options.get(Option::kGuard)].side;
  if (ThreadState* t = threads_.self(); t != nullptr) t->due = t->next_guard = 0;
}

void DebugHeap::constructed() {
  start();
  threads_.start();
}

uint32_t DebugHeap::known_stack(ThreadState& t, From from) {
  auto walk_all = [&](uintptr_t* frames, size_t& count) {
    count = unwinder_.walk(from.walk_from(), t.bounds, t.memo, frames, depth_);
    return depot_.put(frames, count);
  };
  auto walk_some = [&](uintptr_t* frames) {
    const size_t count = unwinder_.walk(from.walk_from(), t.bounds, frames, kGlance);
    const uint32_t id = t.stacks.glanced(frames, count, [&] { return depot_.put(frames, count); });
    return count == kGlance ? id | StackDepot::kCut : id;
  };
  return t.stacks.find(from.walk_from(), unwinder_, t.memo, sampling_, walk_all, walk_some);
}

void DebugHeap::walk(Finding& f, From from) {
  ThreadState* t = threads_.self();
  if (t != nullptr) f.frame_count = unwinder_.walk(from.walk_from(), t->bounds, f.frames, kMaxFrames);
}

// --- allocation

// Without stacks the ways of nearly all blocks, here and in release_plainly(), call nothing but at their ends: they need no
// frame, and keep nothing for one.
void* DebugHeap::place_plainly(size_t bytes, From from) {
  return MASU_LIKELY(depth_ == 0) ? place_small<false>(bytes, Family::kMalloc, from) : place_as(bytes, Family::kMalloc, from);
}
void* DebugHeap::place_as(size_t bytes, Family family, From from) { return place_small<true>(bytes, family, from); }

// Nearly all blocks: aligned as all are, not alone in a slab, and nothing else is due, as a thread's first block is: then
// there is a heap. Sizes of 0 wrap around.
template <bool kStack>
void* DebugHeap::place_small(size_t bytes, Family family, From from) {
  ThreadState* t = tls_thread;
  if (MASU_UNLIKELY(t == nullptr || t->allocations + 1 >= t->due || bytes - 1 >= kPackedMax - kFront - kTail)) {
    return place(bytes, {family, 0}, from, false);
  }
  const size_t want = bytes + kFront + kTail;
  const ClassId c = C::of_small(want);
  void* p = inner_.hit_class(c);
  if (MASU_UNLIKELY(p == nullptr)) return place(bytes, {family, 0}, from, false);
  const uintptr_t begin = reinterpret_cast<uintptr_t>(p);
  const Cell cell = {shadow_.known(begin, c), begin, begin + C::size(c), begin + kFront, bytes, false};
  if (MASU_UNLIKELY(cell.record == nullptr)) return place_anew(p, bytes, family, from);
  ++t->allocations;
  fill_tail(cell.user_end(), cell.end);
  put_front(*t, cell, Facts::of(bytes, c, family, 0));
  record(*t, cell, c, {family, 0}, kStack ? stack_of(*t, from) : 0);
  return reinterpret_cast<void*>(cell.user);
}

// The segment of a block of the heap beneath has no records yet.
void* DebugHeap::place_anew(void* p, size_t bytes, Family family, From from) {
  inner_.free(p);
  return place(bytes, {family, 0}, from, false);
}

void* DebugHeap::place(size_t bytes, Request r, From from, bool zeroed) {
  if (MASU_UNLIKELY(!ready()) && !start()) return nullptr;
  ThreadState* t = threads_.self();
  if (MASU_UNLIKELY(t == nullptr)) return nullptr;
  const bool guarded = (++t->allocations >= t->due && attend(*t)) || guards_empty(*t, bytes);
  if (MASU_UNLIKELY(guarded || !fits(bytes, r.align, kLargest))) {
    const bool optional = fits(bytes, r.align, C::kMaxSize);
    void* p = place_paged(*t, bytes, r, from, optional);
    if (p != nullptr || !optional) return p;
  }
  const size_t want = cell_bytes(bytes, r.align);
  const ClassId c = C::of(want);
  const bool run = !C::is_packed(c);
  void* p = zeroed && run ? inner_.calloc(want) : inner_.malloc(want);
  if (MASU_UNLIKELY(p == nullptr)) return nullptr;
  Cell cell;
  cell.begin = reinterpret_cast<uintptr_t>(p);
  cell.end = cell.begin + C::size(c);
  cell.record = shadow_.of_block(cell.begin, c);
  if (MASU_UNLIKELY(cell.record == nullptr)) {
    inner_.free(p);
    return nullptr;
  }
  if (run) shadow_.note_run(cell.begin, c);
  const unsigned align_log2 = r.align == 0 ? 0 : static_cast<unsigned>(std::countr_zero(r.align));
  cell.user = user_of_block(cell.begin, align_log2);
  cell.size = bytes;
  const uintptr_t end = cell.user_end();
  if (MASU_UNLIKELY(zeroed && run)) {
    fill_pattern(kCanary, end, cell.end);
  } else {
    fill_tail(end, cell.end);
    if (zeroed) fill_block(0, cell.user, end);
  }
  if (MASU_UNLIKELY(r.align > kGranule)) {
    fill_pattern(kCanary, front_of(cell), cell.user);
    fill_pattern(kCanary, cell.begin, cell.begin + kFront);  // where an older block's front may have lain
  }
  put_front(*t, cell, Facts::of(bytes, c, r.family, align_log2));
  record(*t, cell, c, r, stack_of(*t, from));
  return reinterpret_cast<void*>(cell.user);
}

// What is due beside an allocation, and when the next will be. True where the block is to be guarded.
bool DebugHeap::attend(ThreadState& t) {
  const uint64_t now = t.allocations;
  if (watching_) watch(t);
  if (now >= t.next_look) {
    t.next_look = now + kLookEvery;
    quarantine_.set_heap_bytes(size_t{inner_.core().arena.in_use()} * Arena<DebugLane>::kSegmentBytes);
  }
  if (t.next_guard == 0) t.next_guard = now - 1 + guard_every_;
  const bool guarded = guard_every_ != 0 && now >= t.next_guard;
  if (guarded) t.next_guard = now + guard_every_;
  t.due = watching_ ? now : guard_every_ == 0 ? t.next_look : min_of(t.next_look, t.next_guard);
  return guarded;
}

void* DebugHeap::place_paged(ThreadState& t, size_t bytes, Request r, From from, bool optional) {
  PagedBlocks::Slot* slot = paged_.alloc(bytes, r.align, guard_side_, optional);
  if (slot == nullptr) return nullptr;
  Cell cell = PagedBlocks::cell(*slot);
  cell.size = bytes;
  fill_pattern(kCanary, cell.user_end(), cell.end);
  fill_pattern(kCanary, front_of(cell), cell.user);
  record(t, cell, C::kCount, r, stack_of(t, from));
  return reinterpret_cast<void*>(cell.user);
}

// The block is live from here on.
void DebugHeap::record(ThreadState& t, const Cell& cell, unsigned cls, Request r, uint32_t stack) {
  Record& record = *cell.record;
  record.family = r.family;
  record.align_log2 = r.align == 0 ? 0 : static_cast<uint8_t>(std::countr_zero(r.align));
  record.cls = static_cast<uint8_t>(cls);
  record.free_thread = 0;
  record.size_and_heap = cell.size;
  record.alloc_stack = stack;
  record.free_stack = 0;
  record.serial = t.serial();
  record.state.store(State::kLive, std::memory_order_release);  // release: who sees it live sees all of the above
}

// Every so many allocations: a sweep, a stop for the debugger.
void DebugHeap::watch(ThreadState& t) {
  if (t.serial() == break_at_) raise(SIGTRAP);
  if (sweep_every_ != 0 && t.allocations % sweep_every_ == 0) sweep("sweep");
}

// --- the end of a block

// Whether `p` is the start of a live block, and its size.
MASU_INLINE bool DebugHeap::live_block(uintptr_t p, size_t& size) const {
  Facts facts(0);
  if (MASU_UNLIKELY(!shadow_.live_front_at(p, facts) || !facts.near())) return live_record(p, size);
  size = facts.size();
  return true;
}
bool DebugHeap::live_record(uintptr_t p, size_t& size) const {
  Cell cell;
  const bool live = debug::locate(view(), p, cell) && cell.user == p && state_of(cell) == State::kLive;
  size = cell.size;
  return live;
}

// A front that is whole decides. Where it is not, the record does, which locate() has settled.
bool DebugHeap::end_record(uintptr_t p, Cell& cell) const {
  if (!debug::locate(view(), p, cell) || cell.user != p) return false;
  Facts facts(0);
  if (Front& front = Front::before(p); !cell.paged && front.sealed(p, facts)) return facts.live() && end_front(front, facts);
  State live = State::kLive;
  // acq_rel: the record is ours from here on, and the sweep sees that it is no more live.
  return cell.record->state.compare_exchange_strong(live, State::kFreeing, std::memory_order_acq_rel,
                                                    std::memory_order_acquire);
}

void DebugHeap::release(void* p, const Release& how, From from) { end<true>(p, how, from); }
void DebugHeap::release_plainly(void* p, From from) { return MASU_LIKELY(depth_ == 0) ? end<false>(p, kFree, from) : release(p, kFree, from); }

template <bool kStack>
void DebugHeap::end(void* p, const Release& how, From from) {
  if (p == nullptr) return;
  ThreadState* t = tls_thread;
  const uintptr_t user = reinterpret_cast<uintptr_t>(p);
  Facts facts(0);
  if (MASU_UNLIKELY(t == nullptr || !shadow_.live_front_at(user, facts) || !facts.near(how.family) ||
                    !said_right(how, facts.size(), facts.align_log2()) || !end_front(Front::before(user), facts))) {
    return end_otherwise(user, how, from);
  }
  const size_t size = facts.size();
  if (MASU_UNLIKELY(damage_behind(kCanary, user + size, user - kFront + C::size(facts.cls())) != 0)) return end_damaged(user, how, from);
  retire(*t, user - kFront, user, size, facts.cls(), kStack ? stack_of(*t, from) : 0);
}

// A free that asks for more than a look at the front, or is wrong.
void DebugHeap::end_otherwise(uintptr_t p, const Release& how, From from) {
  ThreadState* t = threads_.self();
  Cell cell;
  if (t == nullptr || !end_record(p, cell)) return report_bad_pointer(p, how, Kind::kBadFree, from);
  end_checked(*t, cell, how, from);
}
// A block that has ended, and whose tail is not whole.
void DebugHeap::end_damaged(uintptr_t p, const Release& how, From from) {
  Cell cell;
  if (debug::locate(view(), p, cell)) end_checked(*tls_thread, cell, how, from);
}
void DebugHeap::end_checked(ThreadState& t, const Cell& cell, const Release& how, From from) {
  report_end(cell, how, from);
  const uint32_t stack = stack_of(t, from);
  if (cell.paged) return retire_paged(t, cell, stack);
  retire(t, cell.begin, cell.user, cell.size, cell.record->cls, stack);
}

// The form of the call, then the red zones: what of them is wrong.
void DebugHeap::report_end(const Cell& cell, const Release& how, From from) {
  const Record& r = *cell.record;
  const bool sized = how.family == r.family;
  Finding f;
  if (!sized || !said_right(how, cell.size, r.align_log2)) {
    f.kind = !sized ? Kind::kMismatch : how.family == Family::kMalloc ? Kind::kSizeMismatch : Kind::kTypeMismatch;
    f.address = cell.user;
    f.call = how.call;
    f.said_family = how.family;
    f.said_size = how.size;
    f.said_align = how.align;
    f.block = facts_of(cell);
    walk(f, from);
    report(f);
  }
  Finding damage;
  if (!diagnose_cell(view(), cell, damage)) return;
  walk(damage, from);
  report_damage(cell, damage, how.call);
}

// What was reported is made whole again, so that with halt=0 it is said once.
void DebugHeap::report_damage(const Cell& cell, Finding& f, const char* found_in) {
  f.call = found_in;
  report(f);
  const State state = state_of(cell);
  mend_front(cell, state == State::kLive);
  if (state == State::kQuarantined && !cell.paged) {
    fill_granules(kPoison, cell.user, cell.end);
  } else {
    fill_pattern(kCanary, cell.user_end(), cell.end);
  }
}

// Its record is looked for last: there are registers for all before it.
void DebugHeap::retire(ThreadState& t, uintptr_t begin, uintptr_t user, size_t size, ClassId c, uint32_t stack) {
  t.events.note(kProgramFree, 0, user);
  t.forget(user, size);
  fill_granules(kPoison, user, begin + C::size(c));
  Record* record = shadow_.of_made_block(begin, c);
  if (MASU_LIKELY(quarantine_.push(t, {record, begin, t.id, stack}, C::size(c)))) return;
  push_to_next(t, record, begin, stack, C::size(c));
}

void DebugHeap::retire_paged(ThreadState& t, const Cell& cell, uint32_t stack) {
  t.events.note(kProgramFree, 0, cell.user);
  t.forget(cell.user, cell.size);
  cell.record->free_thread = t.id;
  cell.record->free_stack = stack;
  cell.record->state.store(State::kQuarantined, std::memory_order_release);  // release, pairs with is_held()
  paged_.free(*paged_.find(cell.user));
}

void DebugHeap::push_to_next(ThreadState& t, Record* record, uintptr_t begin, uint32_t stack, size_t bytes) {
  const Quarantine::Entry entry{record, begin, t.id, stack};
  quarantine_.next_chunk(t, [this](const Quarantine::Entry& leaving) { leave_quarantine(leaving); });
  if (!quarantine_.push(t, entry, bytes)) leave_quarantine(entry);
}

void DebugHeap::leave_quarantine(const Quarantine::Entry& entry) {
  const uintptr_t user = entry.begin + kFront;
  Facts facts(0);
  if (MASU_UNLIKELY(!Front::before(user).sealed_ended(user, facts) ||
                    damage_in_granules(kPoison, user, entry.begin + C::size(facts.cls())) != 0)) {
    report_quarantined(entry);
  }
  Quarantine::note(entry, State::kReleased);
  inner_.free(reinterpret_cast<void*>(entry.begin));
}

void DebugHeap::report_quarantined(const Quarantine::Entry& entry) {
  Quarantine::note(entry, State::kQuarantined);
  const Cell cell = Shadow::cell_of_block(entry.record, entry.begin);
  Finding f;
  if (!diagnose_cell(view(), cell, f)) return;
  report_damage(cell, f, "quarantine");
}

void DebugHeap::report_bad_pointer(uintptr_t p, const Release& how, Kind wild, From from) {
  Finding f;
  diagnose_pointer(view(), p, wild, f);
  f.call = how.call;
  walk(f, from);
  report(f);
}

// Always moves: a pointer kept across a realloc is a stale one.
void* DebugHeap::reallocate(void* p, size_t bytes, From from) {
  if (p == nullptr) return allocate(bytes, {}, from);
  const Release how{Family::kMalloc, "realloc", kUnsaid, kUnsaid};
  size_t size = 0;
  const uintptr_t user = reinterpret_cast<uintptr_t>(p);
  if (MASU_UNLIKELY(!live_block(user, size))) {
    report_bad_pointer(user, how, Kind::kBadFree, from);
    return nullptr;
  }
  void* fresh = allocate(bytes, {}, from);
  if (fresh == nullptr) return nullptr;
  const size_t kept = min_of<size_t>(bytes, size);
  const uintptr_t to = reinterpret_cast<uintptr_t>(fresh);
  if (paged_.covers(to) && kept > kPage) paged_.fetch(to, kept);
  raw_copy(fresh, p, kept);
  release(p, how, from);
  return fresh;
}

size_t DebugHeap::size_of(const void* p, From from) {
  if (p == nullptr) return 0;
  size_t size = 0;
  const uintptr_t user = reinterpret_cast<uintptr_t>(p);
  if (MASU_LIKELY(live_block(user, size))) return size;
  report_bad_pointer(user, {Family::kMalloc, "malloc_usable_size", kUnsaid, kUnsaid}, Kind::kBadUsableSize, from);
  return 0;
}

// --- fork: pthread_atfork runs our handlers around the inner heap's

void DebugHeap::fork_prepare() {
  quarantine_.lock().lock();
  paged_.lock().lock();
}
void DebugHeap::fork_parent() {
  paged_.lock().unlock();
  quarantine_.lock().unlock();
}
void DebugHeap::fork_child() {
  fork_parent();
  threads_.fork_child();
}

}  // namespace masu::debug
