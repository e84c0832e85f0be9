//! attack: two threads free the same block at the same time
//! outcome: stop or held
//! says: double free
#include "../threats.h"

static pthread_barrier_t start;
static void* target;

static void* racer(void* unused) {
  pthread_barrier_wait(&start);
  free(target);
  return unused;
}

int main(int argc, char** argv) {
  begin(argc, argv);
  for (int round = 0; round < 200; ++round) {
    pthread_t a, b;
    pthread_barrier_init(&start, NULL, 2);
    target = malloc(64);
    pthread_create(&a, NULL, racer, NULL);
    pthread_create(&b, NULL, racer, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    void* mine[64];
    for (int i = 0; i < 64; ++i) mine[i] = get(64);
    for (int i = 0; i < 64; ++i) put(mine[i]);
  }
  held();
}
