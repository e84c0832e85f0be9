// The Os policy on Linux, and the few other calls that the release lane makes. Any thread; no state.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/os.h"

namespace masu {

void linux_futex_wait(std::atomic<uint32_t>* word, uint32_t expected);  // may return at any time
void linux_futex_wake(std::atomic<uint32_t>* word);                     // one waiter
uint64_t linux_thread_id();  // unique among live threads; no system call
void linux_pause();
void linux_yield();
// All of it, whatever interrupts; false if the file does not take it.
bool linux_write_all(int file, const char* text, size_t bytes);
void linux_write_error(const char* text, size_t bytes);
[[noreturn]] void linux_abort();
bool linux_secure_process();          // AT_SECURE: setuid and the like
void linux_environment_at_start(char** strings);  // for a constructor that runs before libc's
const char* linux_environment(const char* name);  // null before libc has an environment

struct LinuxOs {
  size_t page_size() const;
  void* reserve(size_t bytes, size_t align);
  bool claim(void* at, size_t bytes);
  bool commit(void* at, size_t bytes);
  bool decommit(void* at, size_t bytes);
  bool purge(void* at, size_t bytes);
  void* map(size_t bytes, size_t align);
  void unmap(void* at, size_t bytes);
  void* remap(void* at, size_t old_bytes, size_t new_bytes);
  void huge(void* at, size_t bytes);
  uint64_t now_ms();
  uint64_t random();
  size_t physical_memory();
  size_t address_space_limit();
};
static_assert(OsPolicy<LinuxOs>);

}  // namespace masu
