#include "debug/events.h"

#include "debug/heap.h"
#include "debug/report_text.h"

namespace masu::debug {
namespace {

constexpr unsigned kOwnersShown = 32, kThreadsShown = 16;
constexpr unsigned kOwnEvents = 24, kOthersEvents = 8;

void write_lease(ReportWriter& w, uint64_t holder) {
  switch (holder & 3) {
    case InnerHeap::OwnerT::kCollector: w.text("collected by thread "); break;
    case InnerHeap::OwnerT::kPrivate: w.text("a private heap"); return;
    case InnerHeap::OwnerT::kThread: w.text("leased by thread "); break;
    default: w.text("an orphan"); return;
  }
  w.address(holder >> 2);
}

void write_owner(ReportWriter& w, InnerHeap::OwnerT& o) {
  const auto held = o.holdings();
  w.text("  owner ").decimal(o.id()).text(": ");
  write_lease(w, o.holder());
  if (o.busy()) w.text(", at work");
  if (o.retired) w.text(", torn by a fork");
  w.text("; blocks in bins ").decimal(held.bins).text(", in spill ").decimal(held.spill).text(", in stash ").decimal(held.stash);
  w.text(held.inbox ? "; inbox has blocks" : "; inbox empty").text(held.overflow ? ", drain unfinished\n" : "\n");
}

void write_event(ReportWriter& w, const EventRing::Entry& e) {
  w.text("    ").text(e.event == kProgramFree ? "free" : kEventNames[static_cast<size_t>(e.event)]);
  if (e.owner != 0) w.text(" owner ").decimal(e.owner);
  w.text(" 0x").hex(e.what).put('\n');
}

}  // namespace

void write_state(ReportWriter& w) {
  unsigned shown = 0;
  w.text("The heap's owners (this is thread ").address(RealSync::thread_id()).text("):\n");
  debug_heap().each_owner([&](InnerHeap::OwnerT& o) {
    if (++shown <= kOwnersShown) write_owner(w, o);
  });
  if (shown > kOwnersShown) w.text("  and ").decimal(shown - kOwnersShown).text(" more\n");
  shown = 0;
  w.text("Last events, by thread, newest last:\n");
  debug_heap().threads().each([&](const ThreadState& t) {
    if (!t.in_use.load(std::memory_order_relaxed) || ++shown > kThreadsShown) return;  // relaxed: a snapshot
    w.text("  ");
    write_thread(w, t.id);
    w.text(":\n");
    t.events.each(&t == tls_thread ? kOwnEvents : kOthersEvents, [&](const EventRing::Entry& e) { write_event(w, e); });
  });
}

void DebugLane::note(Event event, uint32_t owner, uintptr_t what) {
  if (tls_thread != nullptr) tls_thread->events.note(event, owner, what);
}

}  // namespace masu::debug
