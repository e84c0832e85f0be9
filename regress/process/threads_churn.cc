// 100,000 threads start and end: neither resident memory nor the number of mappings may grow with their count.
#include <pthread.h>

#include "check.h"

namespace {

constexpr size_t kTogether = 16, kTotal = 100000;
Block left[kTogether];  // each thread frees what its predecessor left and leaves one itself

void* body(void* argument) {
  const auto index = reinterpret_cast<uintptr_t>(argument);
  Random random(index);
  Block own[12];
  for (Block& block : own) block = Block::make(1 + random.below(2000));
  Block& slot = left[index % kTogether];
  if (slot.bytes != nullptr) slot.release();
  slot = Block::make(1 + random.below(20000));
  for (Block& block : own) block.release();
  return nullptr;
}

long mappings() {
  FILE* file = fopen("/proc/self/maps", "r");
  CHECK(file != nullptr);
  long lines = 0;
  for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  return lines;
}

}  // namespace

int main() {
  check_take_over();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, 128 * 1024) == 0);
  long resident = 0, mapped = 0;
  for (size_t started = 0; started < kTotal; started += kTogether) {
    pthread_t threads[kTogether];
    for (size_t i = 0; i < kTogether; ++i) {
      CHECK(pthread_create(&threads[i], &attributes, body, reinterpret_cast<void*>(started + i)) == 0);
    }
    for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
    if (started == kTotal / 5) resident = resident_kb(), mapped = mappings();
  }
  CHECK(resident > 0);
  CHECK(resident_kb() < resident + 8 * 1024);
  CHECK(mappings() < mapped + 100);
}
