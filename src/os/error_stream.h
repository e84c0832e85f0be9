// Where lines for the user go: stderr, or a copy of it taken at start for what is said at exit, when many
// programs have closed theirs.
#pragma once

namespace masu {

void linux_keep_error_stream();

}  // namespace masu
