// What every attack stands on: blocks that are registered while live, and the properties that no attack may break.
//   live blocks are disjoint, none is returned twice, malloc returns heap memory only, and whatever the program did
//   not damage itself is unchanged.
// Ends: held() exits 0; a broken property exits 42 with one line; anything else is for the runner to judge.
// One thread at a time may use the registry. No stdio: its blocks would lie among those under attack.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define UNUSED __attribute__((unused, noinline))
enum { kMaxLive = 1 << 14, kMaxForbidden = 16 };

typedef struct {
  unsigned char* at;
  size_t size;
  unsigned char fill;
  int checked;  // its content is ours alone: the attack does not touch it
} Live;

static Live live[kMaxLive];
static size_t live_count;
static struct { uintptr_t begin, end; } forbidden[kMaxForbidden];
static size_t forbidden_count;
static unsigned variant;  // argv[1]: which of the header's variants runs
extern char __executable_start, end;

UNUSED static void broken(const char* property) {
  char line[256] = "threat: broken: ";
  strcat(strcat(line, property), "\n");
  if (write(2, line, strlen(line)) < 0) _exit(43);
  _exit(42);
}

UNUSED static void begin(int argc, char** argv) { variant = argc > 1 ? (unsigned)atoi(argv[1]) : 0; }

// Memory that malloc must never return.
UNUSED static void forbid(void* at, size_t size) {
  if (forbidden_count == kMaxForbidden) broken("too many forbidden ranges in this program");
  forbidden[forbidden_count].begin = (uintptr_t)at;
  forbidden[forbidden_count++].end = (uintptr_t)at + size;
}

static int overlaps(uintptr_t a, size_t n, uintptr_t begin_, uintptr_t end_) { return a < end_ && begin_ < a + n; }

UNUSED static void must_be_heap(void* block, size_t size) {
  const uintptr_t at = (uintptr_t)block, here = (uintptr_t)__builtin_frame_address(0);
  if (overlaps(at, size, (uintptr_t)&__executable_start, (uintptr_t)&end)) broken("malloc returned part of the program's image");
  if (overlaps(at, size, here - 4096, here + 65536)) broken("malloc returned part of the stack");
  for (size_t i = 0; i < forbidden_count; ++i)
    if (overlaps(at, size, forbidden[i].begin, forbidden[i].end)) broken("malloc returned memory chosen by the attacker");
}

UNUSED static void must_be_disjoint(void* block, size_t size) {
  for (size_t i = 0; i < live_count; ++i) {
    if (live[i].at == block) broken("malloc returned a live block again");
    if (overlaps((uintptr_t)block, size, (uintptr_t)live[i].at, (uintptr_t)live[i].at + live[i].size)) broken("malloc returned a block that overlaps a live one");
  }
}

static void must_be_intact(const Live* entry) {
  if (!entry->checked) return;
  for (size_t i = 0; i < entry->size; ++i)
    if (entry->at[i] != entry->fill) broken("somebody else wrote to a live block");
}

static void* enter(void* block, size_t size, int checked) {
  static unsigned char fill;
  if (!block) broken("malloc returned null");
  must_be_heap(block, size);
  must_be_disjoint(block, size);
  if (live_count == kMaxLive) broken("too many live blocks in this program");
  Live* entry = &live[live_count++];
  *entry = (Live){(unsigned char*)block, size, (unsigned char)(0x80 | ++fill), checked};
  memset(block, entry->fill, size);
  return block;
}

// A block of ours, all properties checked.
UNUSED static void* get(size_t size) { return enter(malloc(size), size, 1); }
// The same, but the attack may write to it (it is the attacker's, or a neighbour that an overflow reaches).
UNUSED static void* get_open(size_t size) { return enter(malloc(size), size, 0); }

UNUSED static int is_live(void* block) {
  for (size_t i = 0; i < live_count; ++i)
    if (live[i].at == block) return 1;
  return 0;
}

// No more ours, not freed.
UNUSED static void forget(void* block) {
  for (size_t i = 0; i < live_count; ++i) {
    if (live[i].at != block) continue;
    must_be_intact(&live[i]);
    live[i] = live[--live_count];
    return;
  }
  broken("the program forgot a block it does not have");
}

UNUSED static void put(void* block) {
  forget(block);
  free(block);
}

UNUSED static void on_thread(void* (*body)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, body, argument) != 0) broken("no thread");
  pthread_join(thread, NULL);
}

// Every live block must lie in anonymous memory that can be written.
UNUSED static void must_all_be_anonymous(void) {
  static char maps[1 << 20];
  size_t have = 0;
  const int fd = open("/proc/self/maps", O_RDONLY);
  for (ssize_t n; (n = read(fd, maps + have, sizeof maps - 1 - have)) > 0;) have += (size_t)n;
  close(fd);
  maps[have] = 0;
  for (char* line = maps; *line;) {
    char* next = strchr(line, '\n');
    *next = 0;
    char* rest;
    const uintptr_t from = strtoull(line, &rest, 16), to = strtoull(rest + 1, &rest, 16);
    const char* name = strchr(line, '/');
    const int foreign = name || strstr(line, "[stack]") || rest[2] != 'w';
    for (size_t i = 0; foreign && i < live_count; ++i)
      if (overlaps((uintptr_t)live[i].at, live[i].size, from, to)) broken("malloc returned memory that is no heap");
    line = next + 1;
  }
}

// Ordinary use around the place of attack: sizes of every kind, in and out, all properties checked.
UNUSED static void churn(size_t size, unsigned rounds) {
  static void* mine[512];
  unsigned n = 0, random = 12345;
  for (unsigned i = 0; i < rounds; ++i) {
    random = random * 1103515245 + 12345;
    if (n < 512 && (random >> 16) % 5 < 3) {
      const size_t other = (size_t)16 << ((random >> 20) % 9);
      mine[n++] = get((random >> 24) % 4 ? size : other);
    } else if (n) {
      const unsigned victim = (random >> 8) % n;
      put(mine[victim]);
      mine[victim] = mine[--n];
    }
  }
  while (n) put(mine[--n]);
}

// The end of a program whose attack had no effect.
UNUSED static void held(void) {
  for (size_t i = 0; i < live_count; ++i) must_be_intact(&live[i]);
  must_all_be_anonymous();
  _exit(0);
}
