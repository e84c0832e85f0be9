// Shared by every program of the catalogue. Each program is compiled twice: with FAULTY=1 it holds exactly
// one heap fault, with FAULTY=0 it is its own correct twin. FAULT(bad, good) marks the difference.
// allocate(), release() and a program's misuse() and worker() give the frames that its header names.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#define FAULT(bad, good) (FAULTY ? (bad) : (good))
#define UNUSED __attribute__((unused, noinline))

UNUSED static void* allocate(size_t size) { return malloc(size); }
UNUSED static void release(void* block) { free(block); }

UNUSED static void run_thread(void* (*body)(void*), void* argument) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, body, argument) != 0) _exit(70);
  pthread_join(thread, NULL);
}

// Overwrites dead frames, so that a lost pointer does not survive in one of them.
UNUSED static void scrub_stack(void) {
  volatile char dead[16384];
  for (size_t i = 0; i < sizeof dead; ++i) dead[i] = 0;
}

// A descriptor from which `size` bytes of 'x' and then a newline can be read.
UNUSED static int input_of(size_t size) {
  int fd = memfd_create("input", 0);
  if (fd < 0) _exit(71);
  for (size_t i = 0; i < size; ++i)
    if (write(fd, "x", 1) != 1) _exit(72);
  if (write(fd, "\n", 1) != 1 || lseek(fd, 0, SEEK_SET) != 0) _exit(73);
  return fd;
}
