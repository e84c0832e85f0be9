#include "debug/paged.h"

#include <errno.h>
#include <sys/mman.h>

#include "debug/layout.h"

namespace masu::debug {
namespace {

constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, MADV_GUARD_REMOVE: newer than Debian 12's headers
constexpr int kGuardRemove = 103;
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE
constexpr size_t kMinRange = 64 * kMiB;
constexpr size_t kGrow = 4096;          // pages made accessible at once
constexpr size_t kWaitBytes = 8 * kMiB;  // of one size that stay freed before the first is used again
constexpr uint32_t kWaitSlots = 512;

bool advise(uintptr_t at, size_t bytes, int advice) {
  const int saved = errno;
  const bool good = madvise(reinterpret_cast<void*>(at), bytes, advice) == 0;
  errno = saved;
  return good;
}

bool protect(uintptr_t at, size_t bytes, int protection) {
  const int saved = errno;
  const bool good = mprotect(reinterpret_cast<void*>(at), bytes, protection) == 0;
  errno = saved;
  return good;
}

void* map_lazily(size_t bytes, int protection) {
  const int saved = errno;
  void* p = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  errno = saved;
  return p == MAP_FAILED ? nullptr : p;
}

bool kernel_has_markers() {
  void* probe = map_lazily(kPage, PROT_READ | PROT_WRITE);
  if (probe == nullptr) return false;
  const bool good = advise(reinterpret_cast<uintptr_t>(probe), kPage, kGuardInstall);
  munmap(probe, kPage);
  return good;
}

}  // namespace

bool PagedBlocks::place(InnerHeap& heap, size_t max_mappings, size_t max_range) {
  size_t wish = min_of(max_range, std::bit_floor(heap.core().os.address_space_limit() / 4));
  for (; wish >= kMinRange; wish /= 2) {
    void* range = map_lazily(wish, PROT_NONE);
    if (range == nullptr) continue;
    const size_t pages = wish / kPage;
    max_slots_ = static_cast<uint32_t>(min_of<size_t>(pages / 2, size_t{1} << 24));
    slot_of_page_ = static_cast<std::atomic<uint32_t>*>(map_lazily(pages * sizeof(uint32_t), PROT_READ | PROT_WRITE));
    slots_ = static_cast<Slot*>(map_lazily((max_slots_ + size_t{1}) * sizeof(Slot), PROT_READ | PROT_WRITE));
    if (slot_of_page_ != nullptr && slots_ != nullptr) {
      base_ = reinterpret_cast<uintptr_t>(range);
      bytes_ = wish;
      break;
    }
    munmap(range, wish);
  }
  markers_ = kernel_has_markers();
  mappings_left_ = markers_ ? SIZE_MAX : max_mappings / 4;
  most_optional_ = heap.core().os.physical_memory() / 4 / kPage;
  bump_ = 1;
  writable_ = 1;
  return bytes_ != 0;
}

// Exact up to 32 pages, four sizes a doubling above.
unsigned PagedBlocks::size_index(size_t pages) {
  if (pages <= 32) return static_cast<unsigned>(pages);
  const unsigned width = static_cast<unsigned>(std::bit_width(pages - 1)) - 1;
  return 33 + (width - 5) * 4 + static_cast<unsigned>(((pages - 1) >> (width - 2)) & 3);
}
size_t PagedBlocks::pages_of(unsigned index) {
  if (index <= 32) return index;
  const unsigned width = 5 + (index - 33) / 4;
  return (size_t{1} << width) + ((index - 33) % 4 + 1) * (size_t{1} << (width - 2));
}

PagedBlocks::Slot* PagedBlocks::fresh(unsigned index) {
  const size_t pages = pages_of(index);
  const uint32_t n = slot_count_.load(std::memory_order_relaxed);  // relaxed: changed under the lock
  if (n == max_slots_ || bump_ + pages + 1 > bytes_ / kPage) return nullptr;
  if (markers_ && bump_ + pages + 1 > writable_) {
    const size_t grow = min_of(max_of(kGrow, pages + 1), bytes_ / kPage - writable_);
    if (!protect(base_ + writable_ * kPage, grow * kPage, PROT_READ | PROT_WRITE)) return nullptr;
    writable_ += grow;
    // What no slot has taken yet is as closed as a freed one.
    const size_t taken = bump_ + pages + 1;
    if (writable_ > taken && !advise(base_ + taken * kPage, (writable_ - taken) * kPage, kGuardInstall)) return nullptr;
  }
  Slot& slot = slots_[n + 1];
  slot.data = base_ + bump_ * kPage;
  slot.pages = static_cast<uint32_t>(pages);
  if (markers_ && !advise(slot.data + pages * kPage, kPage, kGuardInstall)) return nullptr;
  for (size_t i = 0; i <= pages; ++i) {
    slot_of_page_[bump_ + i].store(n + 1, std::memory_order_relaxed);  // relaxed: published with the block
  }
  bump_ += pages + 1;
  slot_count_.store(n + 1, std::memory_order_release);  // release, pairs with each()
  return &slot;
}

PagedBlocks::Slot* PagedBlocks::alloc(size_t bytes, size_t align, Side side, bool optional) {
  if (bytes > bytes_ / 2 || align > bytes_ / 2) return nullptr;
  if (align > kPage) side = Side::kLeft;
  const size_t room = side == Side::kLeft ? cell_bytes(bytes, align) : bytes;
  const unsigned index = size_index(max_of<size_t>(div_up(room, kPage), 1));
  Lock guard(lock_);
  if (mappings_left_ < 2 || (optional && open_pages_ > most_optional_)) {
    refused_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
    return nullptr;
  }
  Queue& queue = queues_[index];
  const bool rested = queue.waiting * pages_of(index) * kPage >= kWaitBytes || queue.waiting >= kWaitSlots;
  Slot* slot = rested ? nullptr : fresh(index);
  if (slot == nullptr && queue.head != 0) {
    slot = &slots_[queue.head];
    queue.head = slot->next;
    --queue.waiting;
  }
  if (slot == nullptr || !open_pages(*slot)) return nullptr;
  open_pages_ += slot->pages;
  const uintptr_t end = slot->data + slot->pages * kPage;
  slot->user = side == Side::kStart   ? slot->data
               : side == Side::kRight ? align_down(end - bytes, max_of(align, kGranule))
                                      : align_up(slot->data + kFront, max_of(align, kGranule));
  return slot;
}

bool PagedBlocks::open_pages(Slot& slot) {
  const size_t bytes = slot.pages * kPage;
  if (markers_) return advise(slot.data, bytes, kGuardRemove);
  if (!protect(slot.data, bytes, PROT_READ | PROT_WRITE)) return false;
  mappings_left_ -= 2;
  return true;
}

void PagedBlocks::close_pages(Slot& slot) {
  const size_t bytes = slot.pages * kPage;
  if (markers_ && advise(slot.data, bytes, kGuardInstall)) return;
  advise(slot.data, bytes, MADV_DONTNEED);
  if (protect(slot.data, bytes, PROT_NONE) && !markers_) mappings_left_ += 2;
}

void PagedBlocks::fetch(uintptr_t at, size_t bytes) const {
  const uintptr_t begin = align_down(at, kPage);
  advise(begin, align_up(at + bytes, kPage) - begin, kPopulateWrite);
}

void PagedBlocks::free(Slot& slot) {
  Lock guard(lock_);
  close_pages(slot);
  open_pages_ -= slot.pages;
  Queue& queue = queues_[size_index(slot.pages)];
  const uint32_t n = number(slot);
  slot.next = 0;
  if (queue.head == 0) {
    queue.head = n;
  } else {
    slots_[queue.tail].next = n;
  }
  queue.tail = n;
  ++queue.waiting;
}

PagedBlocks::Slot* PagedBlocks::find(uintptr_t p) const {
  if (!covers(p)) return nullptr;
  // relaxed: whoever has a block's address got it after its pages were entered.
  const uint32_t n = slot_of_page_[(p - base_) / kPage].load(std::memory_order_relaxed);
  return n == 0 ? nullptr : &slots_[n];
}

bool PagedBlocks::is_guard(uintptr_t p) const {
  const Slot* slot = find(p);
  return slot == nullptr || p >= slot->data + slot->pages * kPage;
}

}  // namespace masu::debug
