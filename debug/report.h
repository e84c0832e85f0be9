// Puts a finding into words: text that sanitizer parsers read, on stderr. Allocation-free; one report at a time,
// and one per process unless halt=0. Any thread, signal handlers too.
#pragma once

#include "debug/finding.h"

namespace masu::debug {

// Returns only where halt=0 allows it.
void report(const Finding& f);
void set_halt(bool halt);

// Tells the checked memory functions what is ours; once, at constructor time.
void set_ranges();

// Takes SIGSEGV and SIGBUS over; once, at constructor time.
void install_fault_handler();

}  // namespace masu::debug
