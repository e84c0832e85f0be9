#include "debug/report_text.h"

#include <unistd.h>

#include "debug/events.h"
#include "debug/heap.h"
#include "debug/places.h"

namespace masu::debug {
namespace {

const char* family_name(Family f, bool freeing) {
  switch (f) {
    case Family::kMalloc: return freeing ? "free" : "malloc";
    case Family::kNew: return freeing ? "operator delete" : "operator new";
    case Family::kNewArray: return freeing ? "operator delete[]" : "operator new[]";
  }
  return "?";
}

const char* state_name(State s) {
  switch (s) {
    case State::kNever: return "never used";
    case State::kLive: return "live";
    case State::kFreeing: return "being freed";
    case State::kQuarantined: return "freed, in quarantine";
    case State::kReleased: return "freed, may have been reused";
  }
  return "?";
}

// The library's own frames at the inner end say nothing.
StackDepot::Frames without_own(const uintptr_t* sites, size_t count) {
  while (count != 0 && is_own_code(*sites)) {
    ++sites;
    --count;
  }
  return {sites, count};
}

void write_sites(ReportWriter& w, const uintptr_t* sites, size_t count, bool cut = false) {
  const StackDepot::Frames f = without_own(sites, count);
  if (f.count == 0) w.text("    (no stack was kept: MASU_OPTIONS=stacks=16 keeps them)\n");
  w.stack(f.sites, f.count);
  if (cut) w.text("    (cut short by sampling: MASU_OPTIONS=stacks=32 keeps every stack whole)\n");
  w.put('\n');
}

uint32_t this_thread() { return tls_thread == nullptr ? 0 : tls_thread->id; }

void write_access(ReportWriter& w, const Finding& f) {
  if (f.access == Access::kNone) return;
  w.text(f.access == Access::kRead ? "READ" : "WRITE").text(" of size ").decimal(f.bytes).text(" at ").address(f.address);
  w.text(f.after_the_fact ? " found later in " : " in ").text(f.call).text(", ");
  write_thread(w, this_thread());
  if (f.after_the_fact) w.text(" (").bytes(f.damage_end - f.damage).text(" changed; what follows is the check's stack)");
  w.put('\n');
}

struct Position {
  size_t distance;
  const char* side;
};
Position position_of(const Finding& f) {
  const BlockFacts& b = f.block;
  const uintptr_t end = b.user + b.size;
  if (f.address < b.user) return {b.user - f.address, "before"};
  if (f.address >= end && (b.size != 0 || f.kind == Kind::kOverflow)) return {f.address - end, "after"};
  return {f.address - b.user, "inside of"};
}

void write_position(ReportWriter& w, const Finding& f) {
  const BlockFacts& b = f.block;
  w.address(f.address);
  if (!b.known) {
    Text place;
    describe_place(place, f.address);
    w.text(" is no block of this heap: it lies in ").text(place.data(), place.size()).put('\n');
    return;
  }
  const Position p = position_of(f);
  w.text(" is located ").bytes(p.distance).put(' ').text(p.side).put(' ').decimal(b.size).text("-byte region [");
  w.address(b.user).put(',').address(b.user + b.size).text(")\n");
}

void write_said(ReportWriter& w, size_t value) {
  if (value == kUnsaid) w.text("unsaid");
  else w.decimal(value);
}
void write_mismatch(ReportWriter& w, const Finding& f) {
  if (f.kind == Kind::kMismatch) {
    w.text("  made by ").text(family_name(f.block.family, false)).text(", given back by ").text(family_name(f.said_family, true)).put('\n');
  } else if (f.kind == Kind::kTypeMismatch || f.kind == Kind::kSizeMismatch) {
    w.text("  made with size ").decimal(f.block.size).text(", alignment ");
    w.decimal(f.block.align_log2 == 0 ? 0 : size_t{1} << f.block.align_log2).text("; given back as size ");
    write_said(w, f.said_size);
    w.text(", alignment ");
    write_said(w, f.said_align);
    w.put('\n');
  }
}

bool was_freed(State s) { return s == State::kQuarantined || s == State::kReleased; }

void write_history(ReportWriter& w, const BlockFacts& b) {
  if (was_freed(b.state)) {
    w.text("freed by ");
    write_thread(w, b.free_thread);
    w.text(" here:\n");
    write_stack_of(w, b.free_stack);
  }
  w.text(was_freed(b.state) ? "previously allocated by " : "allocated by ");
  write_thread(w, b.alloc_thread);
  w.text(" (serial ").decimal(b.serial).text(") here:\n");
  write_stack_of(w, b.alloc_stack);
}

void write_neighbour(ReportWriter& w, const char* which, uintptr_t address) {
  Cell cell;
  if (!debug_heap().locate(address, cell)) return;
  const BlockFacts b = facts_of(cell);
  w.text("  ").text(which).text(": ").decimal(b.size).text("-byte region [").address(b.user).put(',').address(b.user + b.size);
  w.text(") ").text(state_name(b.state)).text(", serial ").decimal(b.serial).put('\n');
}

void write_memory(ReportWriter& w, const Finding& f) {
  const BlockFacts& b = f.block;
  const uintptr_t mark = f.damage != 0 ? f.damage : f.address;
  const uintptr_t mark_end = f.damage != 0 ? f.damage_end : f.address + (f.bytes == 0 ? 1 : min_of<size_t>(f.bytes, 16));
  w.text("Block: ").text(state_name(b.state)).text(", cell [").address(b.begin).put(',').address(b.end).text(b.paged ? "), on pages of its own\n" : ")\n");
  if (!b.paged) {
    write_neighbour(w, "block before", b.begin - 1);
    write_neighbour(w, "block behind", b.end);
  }
  w.text("Bytes around it, those at fault in brackets:\n");
  const uintptr_t begin = max_of(align_down(mark, 16) - 48, align_down(b.begin, kPage) - 16);
  w.dump(begin, begin + 112, mark, mark_end);
}

const char* next_of(const Finding& f) {
  const bool before = f.kind == Kind::kOverflow && f.block.known && f.address < f.block.user;
  return before ? "MASU_OPTIONS=guard=left stops at the bad access itself" : f.text().next;
}

const char* confidence(const Finding& f) {
  if (f.guessed) return "likely: the bytes lie in no block, this one is the nearest";
  if (f.after_the_fact) return "certain of the damage and the block; the write itself was not seen";
  return "certain";
}

void write_json_stack(ReportWriter& w, const char* key, const uintptr_t* sites, size_t count) {
  const StackDepot::Frames f = without_own(sites, count);
  w.text(", ").json_string(key).text(": [");
  for (size_t i = 0; i < f.count; ++i) {
    Module m;
    w.text(i == 0 ? "" : ", ").text("{\"address\": \"").address(f.sites[i]).put('"');
    if (find_module(f.sites[i], m)) {
      char program[512];
      w.text(", \"module\": ").json_string(m.path[0] != '\0' ? m.path : program_path(program, sizeof(program)));
      w.text(", \"offset\": \"0x").hex(f.sites[i] - m.bias).put('"');
    }
    w.put('}');
  }
  w.put(']');
}

void write_json_block(ReportWriter& w, const Finding& f) {
  const BlockFacts& b = f.block;
  const Position p = position_of(f);
  w.text(", \"position\": {\"bytes\": ").decimal(p.distance).text(", \"side\": ").json_string(p.side).put('}');
  w.text(", \"block\": {\"address\": \"").address(b.user).text("\", \"size\": ").decimal(b.size).text(", \"state\": ");
  w.json_string(state_name(b.state)).text(", \"serial\": ").decimal(b.serial).text(", \"allocated_by\": ").decimal(b.alloc_thread);
  if (was_freed(b.state)) w.text(", \"freed_by\": ").decimal(b.free_thread);
  w.put('}');
  const StackDepot::Frames alloc = debug_heap().depot().get(b.alloc_stack);
  write_json_stack(w, "allocated", alloc.sites, alloc.count);
  const StackDepot::Frames free = debug_heap().depot().get(b.free_stack);
  if (was_freed(b.state)) write_json_stack(w, "freed", free.sites, free.count);
}

}  // namespace

bool is_own_code(uintptr_t site) {
  Module own, other;
  return find_module(reinterpret_cast<uintptr_t>(&is_own_code), own) && find_module(site, other) && own.bias == other.bias;
}

const char* own_path() {
  Module own;
  return find_module(reinterpret_cast<uintptr_t>(&own_path), own) ? own.path : "";
}

void write_thread(ReportWriter& w, uint32_t id) {
  w.text("thread T").decimal(id);
  ThreadName name;
  if (debug_heap().threads().name_of(id, name) && name.name[0] != '\0') w.text(" (").text(name.name).put(')');
}

void write_stack_of(ReportWriter& w, uint32_t stack) {
  const StackDepot::Frames frames = debug_heap().depot().get(stack);
  write_sites(w, frames.sites, frames.count, (stack & StackDepot::kCut) != 0);
}

void write_text(ReportWriter& w, const Finding& f) {
  w.text("==").decimal(static_cast<uint64_t>(getpid())).text("==ERROR: MasuSanitizer: ").text(f.text().name);
  w.text(" on address ").address(f.address);
  if (f.call[0] != '\0') w.text(" in ").text(f.call);
  if (f.detail[0] != '\0') w.text(": ").text(f.detail);
  w.put('\n');
  write_access(w, f);
  if (f.frame_count != 0) write_sites(w, f.frames, f.frame_count);
  write_position(w, f);
  write_mismatch(w, f);
  if (f.block.known) {
    write_history(w, f.block);
    write_memory(w, f);
  }
  if (f.kind == Kind::kInternal) write_state(w);
  w.text("Confidence: ").text(confidence(f)).put('\n');
  if (const char* next = next_of(f); next[0] != '\0') w.text("Next: ").text(next).put('\n');
  w.text("SUMMARY: MasuSanitizer: ").text(f.text().name);
  const StackDepot::Frames outside = without_own(f.frames, f.frame_count);
  if (outside.count != 0) w.module_offset(*outside.sites);
  else w.text(" found in ").text(f.call);
  w.put('\n');
}

void write_json(ReportWriter& w, const Finding& f) {
  w.text("{\"pid\": ").decimal(static_cast<uint64_t>(getpid())).text(", \"kind\": ").json_string(f.text().name);
  w.text(", \"address\": \"").address(f.address).text("\", \"found_in\": ").json_string(f.call);
  w.text(", \"confidence\": ").json_string(confidence(f)).text(", \"thread\": ").decimal(this_thread());
  if (f.access != Access::kNone) {
    w.text(", \"access\": ").json_string(f.access == Access::kRead ? "read" : "write").text(", \"size\": ").decimal(f.bytes);
  }
  write_json_stack(w, "stack", f.frames, f.frame_count);
  if (f.block.known) write_json_block(w, f);
  w.text("}\n");
}

}  // namespace masu::debug
