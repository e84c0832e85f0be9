//! attack: stale writes by one thread while another frees and the owner drains
//! outcome: stop or held
#include "../threats.h"

enum { kBlocks = 400 };
static uint64_t* volatile shared[kBlocks];
static volatile int stop_;
static uint64_t target_area[64] __attribute__((aligned(64)));

static void* scribble(void* unused) {
  unsigned random = 99;
  while (!stop_) {
    random = random * 1103515245 + 12345;
    uint64_t* block = shared[(random >> 8) % kBlocks];
    if (block) block[0] = (random >> 20) % 2 ? (uint64_t)target_area : random;
  }
  return unused;
}

static void* free_all(void* unused) {
  for (int i = 0; i < kBlocks; ++i) free(shared[i]);
  return unused;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  pthread_t scribbler;
  for (int i = 0; i < kBlocks; ++i) shared[i] = get_open(64);
  pthread_create(&scribbler, NULL, scribble, NULL);
  for (int round = 0; round < 30; ++round) {
    for (int i = 0; i < kBlocks; ++i) forget(shared[i]);
    on_thread(free_all, NULL);
    void* mine[kBlocks * 2];
    for (int i = 0; i < kBlocks * 2; ++i) mine[i] = get_open(64);
    for (int i = 0; i < kBlocks; ++i) shared[i] = mine[i];
    for (int i = kBlocks; i < kBlocks * 2; ++i) put(mine[i]);
  }
  stop_ = 1;
  pthread_join(scribbler, NULL);
  held();
}
