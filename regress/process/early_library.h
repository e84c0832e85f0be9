// The block that early_library.cc made in its constructor.
#pragma once
#include "check.h"

Block& early_library_block();
