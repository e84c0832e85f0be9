// A key-value server's allocations: one thread, a chained hash table, entry, key and value each a block, SET replacing values of
// 16..1024 bytes, APPEND growing them by realloc, DEL, and memory accounted by malloc_usable_size at every step.
#include <malloc.h>

#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

struct Entry {
  Entry* next;
  char* key;
  char* value;
  size_t size;
};

class Server {
 public:
  Server(uint32_t keys, size_t smallest, size_t largest)
      : keys_(keys), smallest_(smallest), largest_(largest), buckets_(map_array<Entry*>(keys)) {}

  void command(Rng& rng, Tally& tally) {
    const uint32_t key = rng.below(keys_);
    Entry** place = find(key);
    const uint32_t kind = rng.below(100);
    ++tally.ops;
    if (!*place)
      insert(place, key, rng, tally);
    else if (kind < 45)
      read(**place, tally);
    else if (kind < 80)
      replace(**place, rng, tally);
    else if (kind < 90)
      append(**place, rng, tally);
    else
      remove(place, tally);
  }
  void flush(Tally& tally) {
    for (uint32_t i = 0; i < keys_; ++i)
      while (buckets_[i]) remove(&buckets_[i], tally);
    if (used_ != 0) ++tally.broken;
  }
  int64_t used() const { return used_; }

 private:
  char* obtain(size_t size, Tally& tally) {
    auto* p = static_cast<char*>(malloc(size));
    if (!p) die("redis_like: out of memory");  // every later command would be another workload
    const size_t usable = malloc_usable_size(p);
    if (usable < size) ++tally.broken;
    used_ += static_cast<int64_t>(usable);
    return p;
  }
  void release(void* p) {
    used_ -= static_cast<int64_t>(malloc_usable_size(p));
    free(p);
  }
  Entry** find(uint32_t key) {
    char name[32];
    std::snprintf(name, sizeof name, "key:%u", key);
    Entry** place = &buckets_[(key * 0x9E3779B1u) % keys_];
    while (*place && std::strcmp((*place)->key, name) != 0) place = &(*place)->next;
    return place;
  }
  void insert(Entry** place, uint32_t key, Rng& rng, Tally& tally) {
    char name[32];
    const int length = std::snprintf(name, sizeof name, "key:%u", key);
    auto* entry = reinterpret_cast<Entry*>(obtain(sizeof(Entry), tally));
    entry->next = nullptr;
    entry->key = obtain(static_cast<size_t>(length) + 1, tally);
    std::memcpy(entry->key, name, static_cast<size_t>(length) + 1);
    set(*entry, rng, tally);
    *place = entry;
  }
  void set(Entry& entry, Rng& rng, Tally& tally) {
    entry.size = rng.between(smallest_, largest_);
    entry.value = obtain(entry.size, tally);
    std::memset(entry.value, static_cast<int>(entry.size & 0xff), entry.size);
  }
  void read(const Entry& entry, Tally& tally) const {
    const auto expected = static_cast<char>(entry.size & 0xff);
    if (entry.value[0] != expected || entry.value[entry.size - 1] != expected) ++tally.broken;
  }
  void replace(Entry& entry, Rng& rng, Tally& tally) {
    read(entry, tally);
    release(entry.value);
    set(entry, rng, tally);
  }
  void append(Entry& entry, Rng& rng, Tally& tally) {
    read(entry, tally);
    const size_t size = entry.size + rng.between(1, 64);
    used_ -= static_cast<int64_t>(malloc_usable_size(entry.value));
    auto* grown = static_cast<char*>(realloc(entry.value, size));
    if (!grown) die("redis_like: out of memory");
    used_ += static_cast<int64_t>(malloc_usable_size(grown));
    entry.value = grown;
    entry.size = size;
    std::memset(grown, static_cast<int>(size & 0xff), size);
  }
  void remove(Entry** place, Tally& tally) {
    Entry* entry = *place;
    read(*entry, tally);
    *place = entry->next;
    release(entry->value);
    release(entry->key);
    release(entry);
  }
  uint32_t keys_;
  size_t smallest_, largest_;
  Entry** buckets_;
  int64_t used_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "commands keys min max");
  const uint64_t commands = args.number("commands", 1, 1000000000000);
  const auto keys = static_cast<uint32_t>(args.number("keys", 1, 100000000));
  const size_t smallest = args.number("min (bytes)", kSmallest, 1u << 20);
  const size_t largest = args.number("max (bytes)", smallest, 1u << 20);
  args.end();
  Server server(keys, smallest, largest);
  Rng rng(1);
  Tally tally;
  Meter meter;
  meter.start();
  for (uint64_t i = 0; i < commands; ++i) server.command(rng, tally);
  std::printf("accounted_bytes=%lld\n", static_cast<long long>(server.used()));
  server.flush(tally);
  meter.stop();
  return meter.report(tally);
}
