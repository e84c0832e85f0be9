// Which cache lines move between threads. The program above is compiled with -fsanitize=thread and linked without its
// runtime: the calls that the compiler adds for every load and store, atomic or not, come here (lines.cc). Threads are
// pretended, one at a time: current() says whose turn it is.
//   A line is in the caches of those that touched it since another wrote it last.
//   A write is shared where another has the line, which must be taken from him then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace masu::lines {

// Only what lies in a range is followed; a later one hides earlier ones.
void add_range(const char* name, const void* begin, size_t bytes);
void forget();  // all ranges and lines

unsigned& current();

using Counts = std::map<std::string, uint64_t>;  // shared writes by the ranges' names, without zeros
void start();
Counts stop();

}  // namespace masu::lines
