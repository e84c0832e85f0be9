// The words of a report, and the same as JSON. Pure but for what they read: stack depot, thread names, memory.
#pragma once

#include "debug/finding.h"
#include "debug/report_writer.h"

namespace masu::debug {

void write_text(ReportWriter& w, const Finding& f);
void write_json(ReportWriter& w, const Finding& f);
void write_stack_of(ReportWriter& w, uint32_t stack);
void write_thread(ReportWriter& w, uint32_t id);
bool is_own_code(uintptr_t site);  // inside this library
const char* own_path();            // of this library

}  // namespace masu::debug
