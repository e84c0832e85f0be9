#include "trace/trace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "trace/mapped.h"
#include "trace/names.h"

namespace masu::trace {
namespace {

constexpr const char* kKindNames[] = {"none", "malloc", "calloc", "aligned", "realloc", "free", "usable", "thread", "resized", "refused"};
static_assert(sizeof kKindNames / sizeof *kKindNames == static_cast<size_t>(Kind::kCount));

constexpr uint32_t kThreads = 65536;

// Until finish() an operation's block and turn together hold the event's name.
uint64_t name_of(const Operation& event) { return event.block | uint64_t{event.turn} << 32; }

// Gives blocks their numbers. A number comes back into use by the thread that freed it, so that threads that had nothing to do
// with each other do not wait for each other in the replay either.
class Numbers {
 public:
  Numbers(size_t most, size_t threads) : free_(threads), below_(most), turns_(most) {}

  void give(Operation& op, uint64_t name, Trace& trace) {
    uint32_t& top = free_[op.thread];  // 0: none, else a number + 1
    const uint32_t number = top != 0 ? top - 1 : trace.blocks++;
    if (top != 0) top = below_[number];
    call(name, number, trace);
    use(op, number);
  }
  bool look(Operation& op, uint64_t name) {
    const uint32_t number = names_.find(name);
    if (number == Names::kNone) return false;
    use(op, number);
    return true;
  }
  bool take(Operation& op, uint64_t name) {
    if (!look(op, name)) return false;
    names_.erase(name);
    below_[op.block] = free_[op.thread];
    free_[op.thread] = op.block + 1;
    return true;
  }
  // A realloc: the block keeps its number, and its old name is free from the call's beginning.
  bool leave(Operation& op, uint64_t name) {
    if (!look(op, name)) return false;
    names_.erase(name);
    return true;
  }
  void rename(const Operation& op, uint64_t name, Trace& trace) { call(name, op.block, trace); }
  void refuse(const Operation& op, uint64_t name, Trace& trace) {
    call(name, op.block, trace);
    --turns_[op.block];  // nobody else can have used it meanwhile
  }
  void abandon(const Operation& op) {
    below_[op.block] = free_[op.thread];
    free_[op.thread] = op.block + 1;
  }

 private:
  // A block that has the name still is gone: its end was not recorded.
  void call(uint64_t name, uint32_t number, Trace& trace) {
    if (names_.find(name) != Names::kNone) {
      names_.erase(name);
      ++trace.lost;
    }
    names_.insert(name, number);
  }
  void use(Operation& op, uint32_t number) {
    op.block = number;
    op.turn = turns_[number]++;
  }
  Names names_;
  Mapped<uint32_t> free_, below_, turns_;
};

// Numbers the blocks, and makes one operation of a realloc's two events.
class Resolver {
 public:
  Resolver(Operation* events, size_t count, Trace& trace) : numbers_(count, kThreads), pending_(kThreads), events_(events), trace_(trace) {
    for (size_t i = 0; i < count; ++i) resolve(events[i], i);
    for (uint32_t t = 0; t < kThreads; ++t) settle(t);
  }

 private:
  void drop(Operation& op) {
    op.kind = Kind::kNone;
    ++trace_.unknown;
  }
  // A realloc that gave nothing back was a free.
  void settle(uint32_t thread) {
    const size_t at = pending_[thread];
    pending_[thread] = 0;
    if (at == 0) return;
    events_[at - 1].kind = Kind::kFree;
    numbers_.abandon(events_[at - 1]);
  }
  void end_realloc(Operation& end, uint64_t name) {
    const size_t at = pending_[end.thread];
    if (at == 0) {  // of a block from before
      if (end.kind == Kind::kResized) {
        end.kind = Kind::kMalloc;
        return numbers_.give(end, name, trace_);
      }
      end.kind = Kind::kNone;
      return;
    }
    pending_[end.thread] = 0;
    Operation& begin = events_[at - 1];
    if (end.kind == Kind::kResized) {
      begin.size = end.size;
      numbers_.rename(begin, name, trace_);
    } else {
      numbers_.refuse(begin, name, trace_);
      begin.kind = Kind::kNone;
    }
    end.kind = Kind::kNone;
  }
  void resolve(Operation& op, size_t at) {
    const uint64_t name = name_of(op);
    if (op.kind == Kind::kResized || op.kind == Kind::kRefused) return end_realloc(op, name);
    if (op.kind == Kind::kNone) return;
    settle(op.thread);
    switch (op.kind) {
      case Kind::kFree:
        if (!numbers_.take(op, name)) drop(op);
        return;
      case Kind::kUsable:
        if (!numbers_.look(op, name)) drop(op);
        return;
      case Kind::kRealloc:
        if (!numbers_.leave(op, name)) return drop(op);
        pending_[op.thread] = at + 1;
        return;
      default:
        numbers_.give(op, name, trace_);
    }
  }

  Numbers numbers_;
  Mapped<size_t> pending_;  // of each thread: its begun realloc, 1 + index
  Operation* events_;
  Trace& trace_;
};

// Closes the gaps, and threads numbered by their first operation.
void close_gaps(Trace& trace, size_t end) {
  Mapped<uint32_t> numbers(kThreads);  // 1 + the new number
  for (size_t i = 0; i < end; ++i) {
    Operation op = trace.operations[i];
    if (op.kind == Kind::kNone) continue;
    uint32_t& number = numbers[op.thread];
    if (number == 0) number = ++trace.threads;
    op.thread = static_cast<uint16_t>(number - 1);
    trace.operations[trace.count++] = op;
  }
}

void link_threads(Trace& trace) {
  Mapped<uint32_t> first(trace.threads);
  for (uint32_t t = 0; t < trace.threads; ++t) first[t] = kNoOperation;
  for (uint32_t i = trace.count; i-- > 0;) {
    Operation& op = trace.operations[i];
    op.next = first[op.thread];
    first[op.thread] = i;
  }
  trace.first = first.release();
}

}  // namespace

const char* kind_name(Kind kind) { return kKindNames[static_cast<size_t>(kind)]; }

Builder::Builder(size_t most) : events_(Mapped<Operation>(most).release()), most_(most) {}

Builder::~Builder() {
  if (events_ != nullptr) munmap(events_, most_ * sizeof(Operation) + 1);
}

bool Builder::put(uint64_t order, uint32_t thread, Kind kind, uint64_t name, uint64_t size, uint8_t align_log2) {
  if (order >= most_ || thread >= kThreads || align_log2 >= 64 || end_ >= kNoOperation) return false;
  events_[order] = {size, static_cast<uint32_t>(name), static_cast<uint32_t>(name >> 32), 0, static_cast<uint16_t>(thread), kind, align_log2};
  if (order >= end_) end_ = order + 1;
  return true;
}

Trace Builder::finish() {
  Trace trace{};
  trace.operations = events_;
  Resolver(events_, end_, trace);
  close_gaps(trace, end_);
  link_threads(trace);
  events_ = nullptr;
  trace.bytes = trace.count * sizeof(Operation) + trace.threads * sizeof(uint32_t);
  return trace;
}

namespace {

// A file's bytes, mapped; null where it cannot be read.
struct File {
  const char* at = nullptr;
  size_t size = 0;

  explicit File(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file < 0) return;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
      size = static_cast<size_t>(status.st_size);
      void* p = mmap(nullptr, size + 1, PROT_READ, MAP_PRIVATE, file, 0);
      if (p != MAP_FAILED) at = static_cast<const char*>(p);
    }
    close(file);
  }
  ~File() {
    if (at != nullptr) munmap(const_cast<char*>(at), size + 1);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

Loaded load_recording(const File& file) {
  Loaded loaded{};
  Builder builder(file.size / 3);  // no event is shorter
  loaded.error = "is neither a recording nor a trace as text";
  for (size_t at = 0; at + kChunkBytes <= file.size; at += kChunkBytes) {
    const auto& chunk = *reinterpret_cast<const Chunk*>(file.at + at);
    if (chunk.magic == kMagic) loaded.error = nullptr;
    ChunkReader reader(chunk);
    uint32_t thread = 0;
    for (Event event; reader.next(event);) {
      if (event.kind == Kind::kThread) {
        thread = static_cast<uint32_t>(event.name);
      } else if (!builder.put(event.order, thread, event.kind, event.name, event.size, event.align_log2)) {
        loaded.error = "the recording is damaged: an event that cannot be";
        return loaded;
      }
    }
    if (reader.damaged()) {
      loaded.error = "the recording is damaged: bytes that are no event";
      return loaded;
    }
  }
  loaded.trace = builder.finish();
  return loaded;
}

// The words of a line of text.
class Line {
 public:
  Line(const char* at, const char* end) : at_(at), end_(end) {}

  bool empty() {
    while (at_ != end_ && *at_ == ' ') ++at_;
    return at_ == end_ || *at_ == '#';
  }
  bool number(uint64_t& value) {
    if (empty()) return false;
    value = 0;
    const char* const begin = at_;
    for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, uint64_t{10}, &value) || __builtin_add_overflow(value, static_cast<uint64_t>(*at_ - '0'), &value)) return false;
    }
    return at_ != begin && (at_ == end_ || *at_ == ' ');
  }
  bool kind(Kind& kind) {
    if (empty()) return false;
    const char* const begin = at_;
    while (at_ != end_ && *at_ != ' ') ++at_;
    const auto length = static_cast<size_t>(at_ - begin);
    for (auto each = Kind::kMalloc; each <= Kind::kUsable; each = static_cast<Kind>(static_cast<unsigned>(each) + 1)) {
      if (strlen(kind_name(each)) == length && memcmp(kind_name(each), begin, length) == 0) {
        kind = each;
        return true;
      }
    }
    return false;
  }

 private:
  const char *at_, *end_;
};

const char* add_line(Builder& builder, Line line) {
  if (line.empty()) return nullptr;
  uint64_t thread, block, size = 0, align = 1;
  Kind kind;
  if (!line.number(thread) || !line.kind(kind) || !line.number(block)) return "not THREAD KIND BLOCK [SIZE [ALIGNMENT]]; kinds: malloc calloc aligned realloc free usable";
  if ((has_size(kind) || kind == Kind::kRealloc) && !line.number(size)) return "needs a size";
  if (kind == Kind::kAligned && (!line.number(align) || align == 0 || (align & (align - 1)) != 0)) return "needs an alignment, a power of two";
  if (!line.empty()) return "has a word too many";
  const auto t = static_cast<uint32_t>(thread < UINT32_MAX ? thread : UINT32_MAX);
  bool good = builder.append(t, kind, block, size, static_cast<uint8_t>(__builtin_ctzll(align)));
  if (kind == Kind::kRealloc) good = good && builder.append(t, Kind::kResized, block, size);
  return good ? nullptr : "thread numbers are below 65536";
}

Loaded load_text(const File& file) {
  Loaded loaded{};
  Builder builder(file.size);  // two events a line, which is longer
  const char* const end = file.at + file.size;
  for (const char* at = file.at; at < end;) {
    const void* found = memchr(at, '\n', static_cast<size_t>(end - at));
    const char* line_end = found != nullptr ? static_cast<const char*>(found) : end;
    ++loaded.line;
    loaded.error = add_line(builder, Line(at, line_end));
    if (loaded.error != nullptr) return loaded;
    at = line_end + 1;
  }
  loaded.line = 0;
  loaded.trace = builder.finish();
  return loaded;
}

}  // namespace

Loaded load(const char* path) {
  const File file(path);
  Loaded loaded{};
  if (file.at == nullptr) {
    loaded.error = "cannot be read";
    return loaded;
  }
  if (file.size == 0) return load_text(file);
  const bool text = (file.at[0] >= '0' && file.at[0] <= '9') || file.at[0] == '#' || file.at[0] == '\n';
  return text ? load_text(file) : load_recording(file);
}

bool write_text(const Trace& trace, int file) {
  char text[8192];
  size_t used = 0;
  auto add = [&](const char* format, auto value) { used += static_cast<size_t>(snprintf(text + used, sizeof text - used, format, value)); };
  for (uint32_t i = 0; i < trace.count; ++i) {
    const Operation& op = trace.operations[i];
    add("%u ", unsigned{op.thread});
    add("%s ", kind_name(op.kind));
    add("%u", op.block);
    if (has_size(op.kind) || op.kind == Kind::kRealloc) add(" %llu", static_cast<unsigned long long>(op.size));
    if (op.kind == Kind::kAligned) add(" %llu", 1ull << op.align_log2);
    add("%s", "\n");
    if (used + 128 < sizeof text && i + 1 < trace.count) continue;
    for (size_t at = 0; at < used;) {
      const ssize_t n = write(file, text + at, used - at);
      if (n <= 0) return false;
      at += static_cast<size_t>(n);
    }
    used = 0;
  }
  return true;
}

}  // namespace masu::trace
