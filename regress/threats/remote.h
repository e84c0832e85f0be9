// For attacks on blocks that another thread freed and that wait for their owner.
#pragma once

#include "threats.h"

enum { kBlocks = 48 };
static uint64_t* blocks[kBlocks];
static size_t size;
static uint64_t target_area[64] __attribute__((aligned(64), unused));

// Frees them all from another thread: they wait, linked through their first words, for their owner.
UNUSED static void* free_all(void* unused) {
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  return unused;
}

UNUSED static void give_away(void) {
  for (int i = 0; i < kBlocks; ++i) blocks[i] = get_open(size);
  for (int i = 0; i < kBlocks; ++i) forget(blocks[i]);
  on_thread(free_all, NULL);
}

// The owner takes in whatever waits.
UNUSED static void take_in(void) {
  for (int i = 0; i < 1500; ++i) get(size);
  churn(size, 2000);
}

static const size_t sizes[] = {16, 64, 512, 4096};
