#include "sync/real_sync.h"

#include <errno.h>
#include <pthread.h>

namespace masu {
namespace {

constinit std::atomic<uint32_t> g_key{0};  // key + 1; 0 before there is one

}  // namespace

// A key among the first 32 keeps its values in the thread's own control block: setting one never allocates.
void RealSync::arm_exit(void (*hook)(void*), void* heap) {
  const int saved = errno;
  uint32_t key = g_key.load(std::memory_order_acquire);  // acquire, pairs with the exchange: the key exists
  if (key == 0) {
    pthread_key_t made = 0;
    if (pthread_key_create(&made, hook) == 0) {
      if (g_key.compare_exchange_strong(key, made + 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
        key = made + 1;
      } else {
        pthread_key_delete(made);
      }
    }
  }
  if (key != 0) pthread_setspecific(key - 1, heap);
  errno = saved;
}

}  // namespace masu
