//! attack: free of memory that the program mapped itself
//! outcome: stop
//! variants: 10
//! says: foreign|wild|unmapped|misaligned
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t offsets[] = {0, 16, 4096, 65536, 2 << 20};
  char* map = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  forbid(map, 8 << 20);
  uintptr_t start = ((uintptr_t)map + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1);
  get(64);
  free((char*)(variant < 5 ? (uintptr_t)map : start) + offsets[variant % 5]);
  churn(64, 2000);
  held();
}
