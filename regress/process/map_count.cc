// The process has used up vm.max_map_count: mmap and partial munmap or mprotect fail with ENOMEM. Allocation may fail then, but
// never crash or lose what is there; with mappings given back it works again.
#include <sys/mman.h>
#include <vector>

#include "check.h"

int main() {
  check_take_over();
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::vector<Block> live;
  Random random(1);
  for (int i = 0; i < 3000; ++i) live.push_back(Block::make(random.size()));
  // Neighbouring pages of different protection cannot be merged into one mapping.
  const size_t pages = 4u << 20;
  auto* area = static_cast<char*>(mmap(nullptr, pages * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  CHECK(area != MAP_FAILED);
  size_t used = 1;
  while (used < pages && mprotect(area + used * page, page, PROT_READ) == 0) used += 2;
  CHECK(used < pages);  // the limit was reached

  for (int i = 0; i < 20000; ++i) {
    Block& slot = live[random.below(live.size())];
    if (slot.bytes != nullptr) slot.release();
    const size_t size = random.size();
    slot = {static_cast<unsigned char*>(hide(malloc(size))), size};
    if (slot.bytes == nullptr) slot = Block{};
    else slot.fill();
    if (slot.bytes != nullptr && i % 3 == 0) {
      slot.verify();
      const size_t next = random.size();
      auto* moved = static_cast<unsigned char*>(hide(realloc(slot.bytes, next)));
      if (moved != nullptr) slot = {moved, next};
      slot.fill();
    }
  }
  for (Block& block : live) {
    if (block.bytes != nullptr) block.release();
  }
  CHECK(munmap(area, pages * page) == 0);
  churn(random, 5000);
}
