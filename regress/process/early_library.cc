// What early_use.cc links: its constructor runs before that of a preloaded library, which nothing here depends on.
#include "early_library.h"

namespace {
Block of_constructor;
[[gnu::constructor(101)]] void construct() { of_constructor = Block::make(70000); }
}  // namespace

Block& early_library_block() { return of_constructor; }
