// What the debug lane's heap does with all of its blocks: the sweep, and the end of a private heap.
#include "debug/heap.h"
#include "debug/report.h"

namespace masu::debug {
namespace {

// Nearly all cells: live, the front as the record asks for, the tail whole. Others need a closer look.
MASU_INLINE bool is_plainly_whole(const Cell& cell) {
  Facts facts(0);
  return cell.record->state.load(std::memory_order_acquire) == State::kLive &&  // acquire, pairs with record()
         Front::before(cell.user).sealed(cell.user, facts) && facts.near() && facts.word() == Shadow::facts_of(*cell.record).word() && whole_tail(cell);
}

}  // namespace

void DebugHeap::sweep(const char* when) {
  if (!ready()) return;
  quarantine_.settle();
  shadow_.each([&](const Cell& seen) {
    if (MASU_LIKELY(is_plainly_whole(seen))) return;
    const Record& record = *seen.record;
    const uint64_t serial = record.serial;
    const Cell cell = Shadow::cell_of_block(seen.record, seen.begin);
    // A block that changed hands while we looked was not damaged; nor is its size what it was before.
    const State before = state_of(cell);
    Finding f;
    if (before == State::kFreeing || !diagnose_cell(view(), cell, f)) return;
    if (state_of(cell) != before || record.serial != serial) return;
    report_damage(cell, f, when);
  });
  shadow_.each_untouched([&](uintptr_t begin, uintptr_t end) {
    Finding f;
    if (!diagnose_untouched(view(), begin, end, f)) return;
    f.call = when;
    report(f);
    fill_block(0, f.damage, f.damage_end);  // said once
  });
  paged_.each([&](PagedBlocks::Slot& slot) {
    Finding f;
    bool damaged = false;
    {
      Lock guard(paged_.lock());  // the pages of a live block stay open
      damaged = slot.record.state.load(std::memory_order_acquire) == State::kLive &&  // acquire, pairs with record()
                diagnose_cell(view(), PagedBlocks::cell(slot), f);
    }
    if (damaged) report_damage(PagedBlocks::cell(slot), f, when);
  });
}

// --- private heaps: a number in the record of each of their blocks

DebugHeap::OwnerT* DebugHeap::heap_new() {
  auto* id = static_cast<uint32_t*>(allocate(sizeof(uint32_t), {Family::kMalloc, alignof(OwnerT)}, caller()));
  if (id != nullptr) *id = heaps_.fetch_add(1, std::memory_order_relaxed) % 0xFFFF + 1;  // relaxed: only a number
  return reinterpret_cast<OwnerT*>(id);
}

void* DebugHeap::heap_malloc(OwnerT& heap, size_t bytes, size_t align) {
  void* p = allocate(bytes, {Family::kMalloc, align > kGranule ? align : 0}, caller());
  Cell cell;
  if (p != nullptr && locate(reinterpret_cast<uintptr_t>(p), cell)) {
    cell.record->size_and_heap |= uint64_t{*reinterpret_cast<uint32_t*>(&heap) & 0xFFFF} << Record::kHeapShift;
  }
  return p;
}

void DebugHeap::heap_delete(OwnerT& heap) {
  const uint32_t id = *reinterpret_cast<uint32_t*>(&heap) & 0xFFFF;
  const From from = caller();
  auto end = [&](const Cell& cell) {
    if (cell.record->heap() == id) release(reinterpret_cast<void*>(cell.user), {}, from);
  };
  shadow_.each([&](const Cell& cell) {
    if (state_of(cell) == State::kLive) end(cell);
  });
  paged_.each([&](PagedBlocks::Slot& slot) {
    if (state_of(PagedBlocks::cell(slot)) == State::kLive) end(PagedBlocks::cell(slot));
  });
  release(&heap, {}, from);
}

}  // namespace masu::debug
