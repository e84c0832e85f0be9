// libmasu-record.so: preloaded, it writes what the program asks of malloc to the file that MASU_RECORD names, and hands
// every call on to the next malloc in the row. Nothing is allocated and no lock is held: each thread writes into a
// chunk of the file, mapped shared, so that a process that is killed leaves all it did. A forked child finds the
// Process page wiped by the kernel and goes on in a file of its own, FILE.PID, as does a program started by exec.
// Descriptors are open only while a chunk is mapped: a program that closes all it finds closes none of ours.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/attributes.h"
#include "base/bits.h"
#include "base/keep_errno.h"
#include "base/text.h"
#include "trace/format.h"

namespace masu::trace {
namespace {

enum : uint32_t { kNew, kStarting, kOn, kOff };

struct Process {
  std::atomic<uint32_t> state, threads;
  std::atomic<uint64_t> order, chunks;
  pid_t pid;
  std::atomic<Chunk*> spare[64];  // of threads that ended
};

struct Stream {
  Chunk* chunk;
  pid_t pid;  // whose thread number and chunk these are: a child's thread begins anew
  uint32_t thread;
  bool inside;  // a call is being handed on: what the next malloc calls on the way is its own affair
};

constinit std::atomic<Process*> g_process{nullptr};
constinit char g_path[4096] = {};
constinit pthread_key_t g_exit_key = 0;
thread_local constinit Stream tls_stream{};

// By number: the functions of these names are places where a thread may be cancelled.
int open_file(int flags) { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, g_path, flags | O_CLOEXEC, 0666)); }

void stop(Process& process, const char* what) {
  Text line;
  line << "masu-record: " << what << " " << g_path << " (error ";
  line.dec(static_cast<uint64_t>(errno)) << "): this process is not recorded from here on\n";
  process.state.store(kOff, std::memory_order_relaxed);
  syscall(SYS_write, STDERR_FILENO, line.data(), line.size());
}

// A file of that name that nobody has begun: FILE, FILE.PID, FILE.PID.2 and so on.
bool make_file(const char* wanted) {
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    Text end;
    if (attempt > 0) end.put('.').dec(static_cast<uint64_t>(getpid()));
    if (attempt > 1) end.put('.').dec(attempt);
    end.put('\0');
    const size_t length = strlen(wanted);
    if (length + end.size() > sizeof g_path) {
      errno = ENAMETOOLONG;
      return false;
    }
    memcpy(g_path, wanted, length);
    memcpy(g_path + length, attempt == 0 ? "" : end.data(), attempt == 0 ? 1 : end.size());
    const int file = open_file(O_WRONLY | O_CREAT | O_EXCL);
    if (file >= 0) return syscall(SYS_close, file) == 0;
    if (errno != EEXIST) return false;
  }
  return false;
}

// The process's first event, or a forked child's. Null: this process is not recorded.
MASU_COLD Process* start(Process& process) {
  uint32_t expected = kNew;
  if (!process.state.compare_exchange_strong(expected, kStarting)) return nullptr;
  KeepErrno keep;
  const char* wanted = secure_getenv("MASU_RECORD");
  process.pid = getpid();
  if (wanted == nullptr || !make_file(wanted)) {
    stop(process, wanted == nullptr ? "MASU_RECORD names no file" : "cannot make");
    return nullptr;
  }
  process.state.store(kOn, std::memory_order_release);
  return &process;
}

void leave(void*) {
  Process* process = g_process.load(std::memory_order_relaxed);
  Chunk* chunk = tls_stream.chunk;
  tls_stream.chunk = nullptr;
  if (chunk == nullptr || tls_stream.pid != process->pid) return;
  for (std::atomic<Chunk*>& spare : process->spare) {
    Chunk* none = nullptr;
    // release, pairs with more(): the next thread goes on behind what this one wrote.
    if (spare.compare_exchange_strong(none, chunk, std::memory_order_release, std::memory_order_relaxed)) return;
  }
  munmap(chunk, kChunkBytes);
}

MASU_COLD Process* first_event() {
  if (environ == nullptr) return nullptr;  // libc is not up
  KeepErrno keep;
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED || madvise(page, 4096, MADV_WIPEONFORK) != 0) return nullptr;
  auto* process = static_cast<Process*>(page);
  Process* none = nullptr;
  if (!g_process.compare_exchange_strong(none, process)) return nullptr;
  pthread_key_create(&g_exit_key, leave);
  return start(*process);
}

MASU_INLINE Process* recorded() {
  Process* process = g_process.load(std::memory_order_acquire);
  if (MASU_UNLIKELY(process == nullptr)) return first_event();
  const uint32_t state = process->state.load(std::memory_order_acquire);
  if (MASU_LIKELY(state == kOn)) return process;
  return state == kNew ? start(*process) : nullptr;
}

Chunk* map_chunk(Process& process) {
  const int file = open_file(O_RDWR);
  if (file < 0) return nullptr;
  const auto at = static_cast<off_t>(process.chunks.fetch_add(1, std::memory_order_relaxed) * kChunkBytes);
  // Real room, or a full disk would be a fault in the middle of the program.
  bool there = syscall(SYS_fallocate, file, 0, at, kChunkBytes) == 0;
  if (!there && errno == EOPNOTSUPP) there = syscall(SYS_pwrite64, file, "", 1, at + static_cast<off_t>(kChunkBytes) - 1) == 1;
  void* chunk = there ? mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, at) : MAP_FAILED;
  const int error = errno;
  syscall(SYS_close, file);
  errno = error;
  return chunk == MAP_FAILED ? nullptr : static_cast<Chunk*>(chunk);
}

// Room for the thread's next events. False: the recording has ended.
MASU_COLD bool more(Process& process, Stream& stream) {
  KeepErrno keep;
  if (stream.pid != process.pid) {
    if (stream.chunk != nullptr) munmap(stream.chunk, kChunkBytes);  // our parent's
    stream.chunk = nullptr;
    stream.pid = process.pid;
    stream.thread = process.threads.fetch_add(1, std::memory_order_relaxed);
  }
  Chunk* chunk = nullptr;
  for (unsigned i = 0; i < 64 && stream.chunk == nullptr && chunk == nullptr; ++i) {
    chunk = process.spare[i].exchange(nullptr, std::memory_order_acquire);
  }
  if (stream.chunk != nullptr) munmap(stream.chunk, kChunkBytes);
  if (chunk == nullptr || chunk->used.load(std::memory_order_relaxed) + 2 * kLongestEvent > sizeof chunk->bytes) {
    if (chunk != nullptr) munmap(chunk, kChunkBytes);
    chunk = map_chunk(process);
  }
  stream.chunk = chunk;
  if (chunk == nullptr) {
    stop(process, "cannot write");
    return false;
  }
  chunk->magic = kMagic;
  chunk->write({Kind::kThread, chunk->order, stream.thread, 0, 0});
  pthread_setspecific(g_exit_key, chunk);
  return true;
}

void put(Kind kind, const void* block, size_t size = 0, size_t align = 1) {
  Process* process = recorded();
  if (process == nullptr) return;
  Stream& stream = tls_stream;
  const bool room = stream.pid == process->pid && stream.chunk != nullptr && !stream.chunk->full();
  if (MASU_UNLIKELY(!room) && !more(*process, stream)) return;
  const uint64_t order = process->order.fetch_add(1, std::memory_order_relaxed);
  stream.chunk->write({kind, order, reinterpret_cast<uintptr_t>(block), size, static_cast<uint8_t>(std::bit_width(align | 1) - 1)});
}

// --- the next malloc

struct Next {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*valloc)(size_t);
  void* (*pvalloc)(size_t);
  void (*free)(void*);
  size_t (*malloc_usable_size)(void*);
};
constinit Next g_next = {};
constinit bool g_searching = false;

// What dlsym itself may ask for while it looks for malloc. Never freed.
alignas(16) constinit char g_early[16384] = {};
constinit size_t g_early_used = 0;

bool is_early(const void* p) { return p >= g_early && p < g_early + sizeof g_early; }

void* early(size_t bytes) {
  const size_t at = g_early_used;
  if (bytes > sizeof g_early - at) return nullptr;
  g_early_used = align_up(at + bytes, size_t{16});
  return g_early + at;
}

template <class Function>
void find(Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// Whether the next malloc is known; before, in the midst of the search, it is not.
MASU_COLD bool search() {
  if (g_searching) return false;
  g_searching = true;
  find(g_next.calloc, "calloc");
  find(g_next.realloc, "realloc");
  find(g_next.memalign, "memalign");
  find(g_next.aligned_alloc, "aligned_alloc");
  find(g_next.posix_memalign, "posix_memalign");
  find(g_next.valloc, "valloc");
  find(g_next.pvalloc, "pvalloc");
  find(g_next.free, "free");
  find(g_next.malloc_usable_size, "malloc_usable_size");
  find(g_next.malloc, "malloc");  // last: it says that all are there
  g_searching = false;
  return true;
}

MASU_INLINE bool known() { return MASU_LIKELY(g_next.malloc != nullptr) || search(); }

// The outermost call of a thread is the program's, and recorded.
class Call {
 public:
  Call() : outermost_(!tls_stream.inside) { tls_stream.inside = true; }
  ~Call() { tls_stream.inside = !outermost_; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  void* gave(Kind kind, void* block, size_t size, size_t align = 1) const {
    if (outermost_ && block != nullptr) put(kind, block, size, align);
    return block;
  }
  void takes(Kind kind, void* block) const {
    if (outermost_ && block != nullptr) put(kind, block);
  }

 private:
  bool outermost_;
};

// Memory is out and the next operator new has handlers to ask and an exception to throw.
template <class... Arguments>
MASU_COLD void* new_of_next(const char* name, Arguments... arguments) {
  void* (*next)(Arguments...);
  find(next, name);
  return next(arguments...);
}

template <class... Arguments>
void* new_plain(const char* name, size_t bytes, Arguments... arguments) {
  void* p = malloc(bytes);
  return MASU_LIKELY(p != nullptr) ? p : new_of_next(name, bytes, arguments...);
}

template <class... Arguments>
void* new_aligned(const char* name, size_t bytes, std::align_val_t align, Arguments... arguments) {
  void* p = memalign(static_cast<size_t>(align), bytes);
  return MASU_LIKELY(p != nullptr) ? p : new_of_next(name, bytes, align, arguments...);
}

__attribute__((constructor(101))) void begin() { recorded(); }

}  // namespace
}  // namespace masu::trace

using namespace masu::trace;

extern "C" {

MASU_EXPORT void* malloc(size_t bytes) noexcept {
  if (!known()) return early(bytes);
  const Call call;
  return call.gave(Kind::kMalloc, g_next.malloc(bytes), bytes);
}

MASU_EXPORT void* calloc(size_t n, size_t bytes) noexcept {
  if (!known()) return early(n * bytes);
  const Call call;
  return call.gave(Kind::kCalloc, g_next.calloc(n, bytes), n * bytes);
}

MASU_EXPORT void free(void* p) noexcept {
  if (is_early(p) || !known()) return;
  const Call call;
  call.takes(Kind::kFree, p);
  g_next.free(p);
}

MASU_EXPORT void* realloc(void* p, size_t bytes) noexcept {
  if (!known() || is_early(p)) {
    void* moved = malloc(bytes);
    const size_t most = p == nullptr ? 0 : static_cast<size_t>(g_early + sizeof g_early - static_cast<char*>(p));
    if (moved != nullptr) memcpy(moved, p, bytes < most ? bytes : most);
    return moved;
  }
  const Call call;
  if (p == nullptr) return call.gave(Kind::kMalloc, g_next.realloc(p, bytes), bytes);
  call.takes(Kind::kRealloc, p);
  void* moved = g_next.realloc(p, bytes);
  if (moved == nullptr && bytes != 0) call.takes(Kind::kRefused, p);
  return call.gave(Kind::kResized, moved, bytes);
}

MASU_EXPORT void* reallocarray(void* p, size_t n, size_t bytes) noexcept {
  size_t all;
  if (!__builtin_mul_overflow(n, bytes, &all)) return realloc(p, all);
  errno = ENOMEM;
  return nullptr;
}

MASU_EXPORT void* memalign(size_t align, size_t bytes) noexcept {
  if (!known()) return nullptr;
  const Call call;
  return call.gave(Kind::kAligned, g_next.memalign(align, bytes), bytes, align);
}

MASU_EXPORT void* aligned_alloc(size_t align, size_t bytes) noexcept {
  if (!known()) return nullptr;
  const Call call;
  return call.gave(Kind::kAligned, g_next.aligned_alloc(align, bytes), bytes, align);
}

MASU_EXPORT int posix_memalign(void** out, size_t align, size_t bytes) noexcept {
  if (!known()) return ENOMEM;
  const Call call;
  const int error = g_next.posix_memalign(out, align, bytes);
  if (error == 0) call.gave(Kind::kAligned, *out, bytes, align);
  return error;
}

MASU_EXPORT void* valloc(size_t bytes) noexcept {
  if (!known()) return nullptr;
  const Call call;
  return call.gave(Kind::kAligned, g_next.valloc(bytes), bytes, 4096);
}

MASU_EXPORT void* pvalloc(size_t bytes) noexcept {
  if (!known()) return nullptr;
  const Call call;
  return call.gave(Kind::kAligned, g_next.pvalloc(bytes), masu::align_up(bytes, size_t{4096}), 4096);
}

MASU_EXPORT size_t malloc_usable_size(void* p) noexcept {
  if (is_early(p) || !known()) return 0;
  const Call call;
  call.takes(Kind::kUsable, p);
  return g_next.malloc_usable_size(p);
}

MASU_EXPORT void free_sized(void* p, size_t) { free(p); }
MASU_EXPORT void free_aligned_sized(void* p, size_t, size_t) { free(p); }

}  // extern "C"

MASU_EXPORT void* operator new(size_t n) { return new_plain("_Znwm", n); }
MASU_EXPORT void* operator new[](size_t n) { return new_plain("_Znam", n); }
MASU_EXPORT void* operator new(size_t n, const std::nothrow_t& t) noexcept { return new_plain("_ZnwmRKSt9nothrow_t", n, &t); }
MASU_EXPORT void* operator new[](size_t n, const std::nothrow_t& t) noexcept { return new_plain("_ZnamRKSt9nothrow_t", n, &t); }
MASU_EXPORT void* operator new(size_t n, std::align_val_t a) { return new_aligned("_ZnwmSt11align_val_t", n, a); }
MASU_EXPORT void* operator new[](size_t n, std::align_val_t a) { return new_aligned("_ZnamSt11align_val_t", n, a); }
MASU_EXPORT void* operator new(size_t n, std::align_val_t a, const std::nothrow_t& t) noexcept {
  return new_aligned("_ZnwmSt11align_val_tRKSt9nothrow_t", n, a, &t);
}
MASU_EXPORT void* operator new[](size_t n, std::align_val_t a, const std::nothrow_t& t) noexcept {
  return new_aligned("_ZnamSt11align_val_tRKSt9nothrow_t", n, a, &t);
}

MASU_EXPORT void operator delete(void* p) noexcept { free(p); }
MASU_EXPORT void operator delete[](void* p) noexcept { free(p); }
MASU_EXPORT void operator delete(void* p, size_t) noexcept { free(p); }
MASU_EXPORT void operator delete[](void* p, size_t) noexcept { free(p); }
MASU_EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { free(p); }
MASU_EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { free(p); }
MASU_EXPORT void operator delete(void* p, std::align_val_t) noexcept { free(p); }
MASU_EXPORT void operator delete[](void* p, std::align_val_t) noexcept { free(p); }
MASU_EXPORT void operator delete(void* p, size_t, std::align_val_t) noexcept { free(p); }
MASU_EXPORT void operator delete[](void* p, size_t, std::align_val_t) noexcept { free(p); }
MASU_EXPORT void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { free(p); }
MASU_EXPORT void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { free(p); }
