// What record_test.py records: calls that can be counted. Usage: recorded threads|churn|fork|exec|killed|closed|refused N
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

constexpr unsigned kThreads = 4;
unsigned long count = 0;
void** blocks[kThreads];  // in static memory of its own: the table is no allocation
pthread_barrier_t all_made;

// Each thread makes blocks in every way and frees those of its neighbour.
void* work(void* number) {
  const auto me = reinterpret_cast<size_t>(number);
  for (unsigned long i = 0; i < count; i++) {
    void*& block = blocks[me][i];
    switch (i % 4) {
      case 0: block = realloc(malloc(10), 5000); break;
      case 1: block = calloc(3, 100); break;
      case 2: block = operator new(40); break;
      default: if (posix_memalign(&block, 256, 100) != 0) abort();
    }
    if (malloc_usable_size(block) < 40) abort();
  }
  pthread_barrier_wait(&all_made);
  for (unsigned long i = 0; i < count; i++) i % 4 == 2 ? operator delete(blocks[(me + 1) % kThreads][i]) : free(blocks[(me + 1) % kThreads][i]);
  return nullptr;
}

void run_threads() {
  static void* tables[kThreads][100000];
  pthread_t threads[kThreads];
  pthread_barrier_init(&all_made, nullptr, kThreads);
  for (size_t t = 0; t < kThreads; t++) blocks[t] = tables[t];
  for (size_t t = 0; t < kThreads; t++) pthread_create(&threads[t], nullptr, work, reinterpret_cast<void*>(t));
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

void pairs(unsigned long n) {
  for (unsigned long i = 0; i < n; i++) free(malloc(100 + i % 7));
}

void* short_life(void*) {
  pairs(1);
  return nullptr;
}

}  // namespace

int main(int arguments, char** argument) {
  if (arguments != 3) return 2;
  count = strtoul(argument[2], nullptr, 10);
  const char* const mode = argument[1];
  if (strcmp(mode, "threads") == 0) {
    run_threads();
  } else if (strcmp(mode, "churn") == 0) {  // one after the other
    pthread_t thread;
    for (unsigned long i = 0; i < count; i++)
      if (pthread_create(&thread, nullptr, short_life, nullptr) != 0 || pthread_join(thread, nullptr) != 0) return 1;
  } else if (strcmp(mode, "fork") == 0) {
    void* ours = malloc(50);
    const pid_t child = fork();
    pairs(child == 0 ? 3 * count : count);
    if (child == 0) free(ours);  // the parent's copy stays
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
  } else if (strcmp(mode, "exec") == 0) {
    pairs(count);
    execl(argument[0], argument[0], "closed", argument[2], nullptr);
    return 1;
  } else if (strcmp(mode, "killed") == 0) {
    pairs(count);
    raise(SIGKILL);
  } else if (strcmp(mode, "closed") == 0) {  // as daemons do
    pairs(1);
    for (int file = 3; file < 100; file++)
      if (close(file) == 0) return 1;  // we have no business to find one
    pairs(count);
  } else if (strcmp(mode, "refused") == 0) {
    static volatile size_t huge = PTRDIFF_MAX, none = 0;  // volatile: the compiler knows malloc
    for (unsigned long i = 0; i < count; i++) {
      void* block = malloc(20);
      if (realloc(block, huge) != nullptr || malloc(huge) != nullptr || malloc_usable_size(block) < 20) return 1;
      if (realloc(block, none) != nullptr) return 1;  // frees
    }
  } else {
    return 2;
  }
  return 0;
}
