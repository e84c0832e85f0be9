// Asymmetric free (xmalloc-style): N threads only allocate, N others only free. Batches travel through one locked queue;
// their arrays belong to the harness and are recycled through a second one.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

constexpr unsigned kBatch = 256;

struct alignas(kApart) Batch {
  unsigned count;
  void* blocks[kBatch];
};

class alignas(kApart) Queue {  // bounded by the number of batches that exist
 public:
  void open(unsigned capacity) {
    capacity_ = capacity;
    items_ = map_array<Batch*>(capacity);
    pthread_mutex_init(&lock_, nullptr);
    pthread_cond_init(&filled_, nullptr);
  }
  void put(Batch* batch) {
    pthread_mutex_lock(&lock_);
    items_[(first_ + count_++) % capacity_] = batch;
    pthread_cond_signal(&filled_);
    pthread_mutex_unlock(&lock_);
  }
  Batch* take() {
    pthread_mutex_lock(&lock_);
    while (count_ == 0) pthread_cond_wait(&filled_, &lock_);
    Batch* batch = items_[first_];
    first_ = (first_ + 1) % capacity_;
    --count_;
    pthread_mutex_unlock(&lock_);
    return batch;
  }

 private:
  pthread_mutex_t lock_;
  pthread_cond_t filled_;
  Batch** items_;
  unsigned capacity_, first_, count_;
};

struct Pairing {
  unsigned pairs;
  uint64_t batches;
  size_t smallest, largest;
  Queue* full;
  Queue* empty;
  Tally* tallies;

  void allocate(unsigned index, Tally& tally) const {
    Rng rng(index);
    for (uint64_t b = 0; b < batches; ++b) {
      Batch* batch = empty->take();
      for (unsigned i = 0; i < kBatch; ++i) {
        const size_t size = rng.between(smallest, largest);
        void* p = malloc(size);
        if (!p)
          ++tally.failed;
        else
          stamp(p, size, i);
        batch->blocks[i] = p;
      }
      full->put(batch);
      tally.ops += kBatch;
    }
  }
  void release(Tally& tally) const {
    for (uint64_t b = 0; b < batches; ++b) {
      Batch* batch = full->take();
      for (void* p : batch->blocks) {
        if (p && !retire(p, largest)) ++tally.broken;
        free(p);
      }
      empty->put(batch);
      tally.ops += kBatch;
    }
  }
  void operator()(unsigned index) const {
    Tally tally;
    if (index < pairs)
      allocate(index, tally);
    else
      release(tally);
    tallies[index] = tally;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "N batches min max (N allocating and N freeing threads, 256 blocks a batch)");
  const auto pairs = static_cast<unsigned>(args.number("N (threads of each kind)", 1, 2048));
  const uint64_t batches = args.number("batches (per thread)", 1, 1000000000000);
  const size_t smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  const size_t largest = args.number("max (bytes)", smallest, 1u << 30);
  args.end();
  const unsigned in_flight = pairs * 16;
  auto* queues = map_array<Queue>(2);
  queues[0].open(in_flight);
  queues[1].open(in_flight);
  auto* pool = map_array<Batch>(in_flight);
  for (unsigned i = 0; i < in_flight; ++i) queues[1].put(&pool[i]);
  auto* tallies = map_array<Tally>(2 * pairs);
  Pairing pairing{pairs, batches, smallest, largest, &queues[0], &queues[1], tallies};
  Meter meter;
  run_team(2 * pairs, pairing, &meter);
  return meter.report(sum(tallies, 2 * pairs));
}
