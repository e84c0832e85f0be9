//! attack: a fake free chunk inside a live block, the next block told that it is free
//! outcome: stop or held
//! technique: unsafe_unlink
#include "../threats.h"

static uint64_t* watched;

int main(int argc, char** argv) {
  begin(argc, argv);
  watched = get_open(0x420);
  uint64_t* next = get_open(0x420);
  uint64_t* a = watched;
  a[1] = 0x420;
  a[2] = (uint64_t)(&watched - 3);
  a[3] = (uint64_t)(&watched - 2);
  next[-2] = 0x420;
  next[-1] &= ~1ull;
  put(next);
  for (int i = 0; i < 50; ++i) get(0x420);
  if (watched != a) broken("free wrote to a global of the attacker's choice");
  held();
}
