#include "debug/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

#include "base/bits.h"
#include "base/text.h"

namespace masu::debug {

thread_local constinit ThreadState* tls_thread = nullptr;

namespace {

uint32_t kernel_thread_id() { return static_cast<uint32_t>(syscall(SYS_gettid)); }

// Never given back: a later thread takes it over.
ThreadState* map_state() {
  constexpr size_t kBytes = align_up(sizeof(ThreadState), kPage);
  void* p = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : ::new (p) ThreadState;
}

void read_comm(uint32_t tid, char* name, size_t bytes) {
  Text path;
  path << "/proc/self/task/";
  path.dec(tid) << "/comm";
  path.put('\0');
  const int fd = open(path.data(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t n = read(fd, name, bytes - 1);
  close(fd);
  if (n > 0) name[n - 1] = '\0';
}

}  // namespace

ThreadState* Threads::enter() {
  const int saved = errno;
  ThreadState* t = nullptr;
  each([&](ThreadState& s) {
    bool free = false;
    // acquire, pairs with leave(): what the last thread left in the state is visible.
    if (t == nullptr && !s.in_use.load(std::memory_order_relaxed) &&
        s.in_use.compare_exchange_strong(free, true, std::memory_order_acquire, std::memory_order_relaxed)) {
      t = &s;
    }
  });
  if (t == nullptr) {
    t = map_state();
    if (t == nullptr) return nullptr;
    t->in_use.store(true, std::memory_order_relaxed);  // relaxed: nobody else knows it yet
    t->next = all_.load(std::memory_order_relaxed);
    // release, pairs with each().
    while (!all_.compare_exchange_weak(t->next, t, std::memory_order_release, std::memory_order_relaxed)) {
    }
  }
  t->id = count_.fetch_add(1, std::memory_order_relaxed);  // relaxed: only unique
  // relaxed: who is handed a block that was freed here sees what came before.
  if (t->id != 0) each([](ThreadState& s) { s.alone.store(false, std::memory_order_relaxed); });
  t->tid = kernel_thread_id();
  t->allocations = 0;
  t->due = t->next_guard = t->next_look = 0;
  t->without_bytes = 0;
  t->bounds.remember({0, 0});
  tls_thread = t;
  ThreadName& name = names_[t->id % kNames];
  name = {t->id, t->tid, {}};
  t->name = &name;
  // relaxed: set once at constructor time.
  if (const uint32_t key = key_.load(std::memory_order_relaxed); key != 0) pthread_setspecific(key - 1, t);
  errno = saved;
  return t;
}

void Threads::start() {
  pthread_key_t key = 0;
  if (pthread_key_create(&key, leave) != 0) return;
  key_.store(key + 1, std::memory_order_relaxed);  // relaxed: threads begin later
  if (tls_thread != nullptr) pthread_setspecific(key, tls_thread);
}

void Threads::leave(void* state) {
  auto* t = static_cast<ThreadState*>(state);
  if (t != tls_thread) return;
  if (t->name->id == t->id) prctl(PR_GET_NAME, t->name->name);
  tls_thread = nullptr;
  t->in_use.store(false, std::memory_order_release);  // release, pairs with enter()
}

void Threads::fork_child() {
  if (tls_thread != nullptr) {
    tls_thread->tid = kernel_thread_id();
    names_[tls_thread->id % kNames].tid = tls_thread->tid;
  }
}

bool Threads::name_of(uint32_t id, ThreadName& out) const {
  out = names_[id % kNames];
  if (out.id != id || out.tid == 0) return false;
  if (out.name[0] == '\0') read_comm(out.tid, out.name, sizeof(out.name));
  return true;
}

}  // namespace masu::debug
