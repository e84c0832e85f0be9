//! attack: free of an address that nobody ever returned
//! outcome: stop
//! variants: 10
//! says: wild|foreign|unmapped|misaligned
#include "../threats.h"

static const uintptr_t addresses[] = {
    0x10,          0x1000,        0x414141414140,     0x4141414141414141, 0xdeadbeefdeadbeef,
    0xfffffffffffffff0, 0xffffffff80000000, 0x7ffffffff000, 0x800000000000,     0x8000000000000000,
};

int main(int argc, char** argv) {
  begin(argc, argv);
  get(64);
  free((void*)addresses[variant]);
  churn(64, 2000);
  held();
}
