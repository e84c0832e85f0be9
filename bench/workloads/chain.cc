// Producer and consumer chain: the first stage allocates messages, every further stage answers each with a new block and frees
// the one it received, the last only frees. Bounded pipes between neighbours; every free is remote.
#include "arguments.h"
#include "harness.h"

namespace {

using namespace bench;

class alignas(kApart) Pipe {  // one producer, one consumer, moved in handfuls to keep the lock rare
 public:
  static constexpr uint32_t kPlaces = 1024, kHandful = 64;
  void open() {
    pthread_mutex_init(&lock_, nullptr);
    pthread_cond_init(&changed_, nullptr);
    places_ = map_array<void*>(kPlaces);
  }
  void put(void* const* from) {
    pthread_mutex_lock(&lock_);
    while (kPlaces - (written_ - taken_) < kHandful) pthread_cond_wait(&changed_, &lock_);
    std::memcpy(places_ + written_ % kPlaces, from, kHandful * sizeof(void*));
    written_ += kHandful;
    pthread_cond_signal(&changed_);
    pthread_mutex_unlock(&lock_);
  }
  void take(void** to) {
    pthread_mutex_lock(&lock_);
    while (written_ == taken_) pthread_cond_wait(&changed_, &lock_);
    std::memcpy(to, places_ + taken_ % kPlaces, kHandful * sizeof(void*));
    taken_ += kHandful;
    pthread_cond_signal(&changed_);
    pthread_mutex_unlock(&lock_);
  }

 private:
  pthread_mutex_t lock_;
  pthread_cond_t changed_;
  void** places_;
  uint32_t written_, taken_;
};
static_assert(Pipe::kPlaces % Pipe::kHandful == 0);

struct Stage {
  unsigned stages;
  uint64_t handfuls;
  size_t smallest, largest;
  Pipe* pipes;
  Tally* tallies;

  void operator()(unsigned index) const {
    Rng rng(index);
    Tally tally;
    void* received[Pipe::kHandful] = {};
    void* sent[Pipe::kHandful] = {};
    const bool first = index == 0, last = index + 1 == stages;
    for (uint64_t h = 0; h < handfuls; ++h) {
      if (!first) pipes[index - 1].take(received);
      for (uint32_t i = 0; i < Pipe::kHandful; ++i) {
        if (!last) sent[i] = obtain(rng, tally);
        if (received[i] && !retire(received[i], largest)) ++tally.broken;
        free(received[i]);
        ++tally.ops;
      }
      if (!last) pipes[index].put(sent);
    }
    tallies[index] = tally;
  }
  void* obtain(Rng& rng, Tally& tally) const {
    const size_t size = rng.between(smallest, largest);
    void* p = malloc(size);
    if (p)
      stamp(p, size, tally.ops);
    else
      ++tally.failed;
    return p;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Arguments args(argc, argv, "stages handfuls min max (64 messages a handful)");
  const auto stages = static_cast<unsigned>(args.number("stages", 2, 1024));
  const uint64_t handfuls = args.number("handfuls", 1, 1000000000000);
  const size_t smallest = args.number("min (bytes)", kSmallest, 1u << 30);
  const size_t largest = args.number("max (bytes)", smallest, 1u << 30);
  args.end();
  auto* pipes = map_array<Pipe>(stages);
  for (unsigned i = 0; i < stages; ++i) pipes[i].open();
  auto* tallies = map_array<Tally>(stages);
  Stage stage{stages, handfuls, smallest, largest, pipes, tallies};
  Meter meter;
  run_team(stages, stage, &meter);
  return meter.report(sum(tallies, stages));
}
