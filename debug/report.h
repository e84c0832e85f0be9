// Puts findings into words: text that sanitizer parsers read, on stderr, and JSON where asked. Allocation-free; one
// report at a time, and one per process unless halt=0. Any thread, signal handlers too.
#pragma once

#include "base/options.h"
#include "debug/finding.h"
#include "debug/from.h"
#include "debug/report_writer.h"

namespace masu::debug {

// Returns only where halt=0 or a suppression allows it.
void report(const Finding& f);

// One leak: blocks of one allocation stack.
struct Leak {
  uint32_t stack, thread;
  bool direct;
  size_t bytes, blocks;
};
// True where something was reported; leaves ending the process to the caller.
bool report_leaks(const Leak* leaks, size_t count, bool complete);

void configure_reports(const Options& options);
void sum_up_reports();  // at the end, with halt=0: how many there were

// Tells the checked memory functions what is ours; once, at constructor time.
void set_ranges();

// Takes SIGSEGV and SIGBUS over; once, at constructor time.
void install_fault_handler();

// At the end of the process: true where something was reported. The stack that counts begins at the caller's frame, or,
// where main has returned, at `arguments`, where the kernel left the program's.
bool find_leaks(From from, char** arguments);

}  // namespace masu::debug
