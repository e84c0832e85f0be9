#include "debug/unwind/stack_bounds.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace masu::debug {

// The kernel copies the signal set before it looks at the operation, and refuses this operation: EFAULT or
// EINVAL, and nothing else happens. Unlike mincore it tells PROT_NONE; no sandbox forbids it.
bool page_readable(uintptr_t address) {
  constexpr int kNoOperation = -1;
  constexpr size_t kKernelSetBytes = 8;
  const int saved = errno;
  const uintptr_t aligned = address & ~(kKernelSetBytes - 1);
  syscall(SYS_rt_sigprocmask, kNoOperation, aligned, nullptr, kKernelSetBytes);
  const bool readable = errno == EINVAL;
  errno = saved;
  return readable;
}

void StackView::start(uintptr_t sp, bool sp_is_live) {
  const StackBounds::Range known = bounds_->known();
  low_ = sp & ~(StackBounds::kPage - 1);
  high_ = known.contains(sp) ? known.high : sp_is_live ? low_ + StackBounds::kPage : low_;
  grew_ = !known.contains(sp);
}

bool StackView::grow(uintptr_t end) {
  if (end - high_ > kMaxGrowth) return false;  // also when end wrapped around
  const StackBounds::Range known = bounds_->known();
  while (high_ < end) {
    if (known.contains(high_)) {
      high_ = known.high;
    } else if (page_readable(high_)) {
      high_ += StackBounds::kPage;
    } else {
      return false;
    }
    grew_ = true;
  }
  return true;
}

void StackView::keep() {
  if (!grew_) return;
  const StackBounds::Range known = bounds_->known();
  const bool joins = low_ <= known.high && known.low <= high_;
  bounds_->remember(
      {joins && known.low < low_ ? known.low : low_, joins && known.high > high_ ? known.high : high_});
  grew_ = false;
}

}  // namespace masu::debug
