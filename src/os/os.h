// What a lane's Os policy supplies: address space, pages, time, randomness. A value held by the heap;
// src/os/linux.cc is the only implementation with system calls. Sizes in bytes, ranges page-aligned.
// Every call may fail (null or false) and then has changed nothing.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace masu {

template <class O>
concept OsPolicy = requires(O os, void* p, size_t n) {
  { os.page_size() } -> std::same_as<size_t>;              // the machine's page, >= 4096
  { os.reserve(n, n) } -> std::same_as<void*>;             // inaccessible range, (bytes, alignment)
  { os.claim(p, n) } -> std::same_as<bool>;                // map read/write exactly here if nothing is
  { os.commit(p, n) } -> std::same_as<bool>;               // reserved -> read/write, zero
  { os.decommit(p, n) } -> std::same_as<bool>;             // read/write -> reserved, contents lost
  { os.purge(p, n) } -> std::same_as<bool>;                // stays read/write, reads as zero after
  { os.map(n, n) } -> std::same_as<void*>;                 // read/write, zero, (bytes, alignment)
  os.unmap(p, n);
  { os.remap(p, n, n) } -> std::same_as<void*>;            // (old, old bytes, new bytes); it may move
  os.huge(p, n);                                           // a hint
  { os.now_ms() } -> std::same_as<uint64_t>;               // monotonic, coarse
  { os.random() } -> std::same_as<uint64_t>;
  { os.physical_memory() } -> std::same_as<size_t>;
  { os.address_space_limit() } -> std::same_as<size_t>;    // SIZE_MAX where there is none
};

}  // namespace masu
