// Whether the programs that this one starts run on the debug lane too: LD_PRELOAD in the environment decides.
#pragma once

namespace masu::debug {

// Takes the library out of a list as LD_PRELOAD has it (separated by colons or spaces), in place: any entry of the same
// file name.
void remove_from_preload(char* list, const char* library);

}  // namespace masu::debug
