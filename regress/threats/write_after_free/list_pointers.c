//! attack: forward and backward pointers of a freed block aimed around a global pointer
//! outcome: stop or held
//! variants: 4
//! technique: unsafe_unlink, large_bin_attack, unsorted_bin_into_stack, tcache_stashing_unlink_attack
#include "../threats.h"

static uint64_t before_[4], *watched, after_[4];

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {0x80, 0x420, 0x4000, 0x20000};
  const size_t size = sizes[variant];
  uint64_t* a = get_open(size);
  void* wall = get(size);
  watched = a;
  put(a);
  // unlink: FD->bk = BK, BK->fd = FD; also the next-size pointers of large bins
  a[0] = (uint64_t)(&watched - 3);
  a[1] = (uint64_t)(&watched - 2);
  a[2] = a[0];
  a[3] = a[1];
  for (int i = 0; i < 100; ++i) get(size);
  if (watched != a) broken("a stale write made the allocator write to a global");
  for (int i = 0; i < 4; ++i)
    if (before_[i] || after_[i]) broken("a stale write made the allocator write to a global");
  put(wall);
  churn(size, 500);
  if (watched != a) broken("a stale write made the allocator write to a global");
  held();
}
