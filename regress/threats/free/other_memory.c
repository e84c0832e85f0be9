//! attack: free of code, of constants, of the C library's data, of brk memory
//! outcome: stop
//! variants: 6
//! says: foreign|wild|misaligned
#include "../threats.h"

extern char** environ;

int main(int argc, char** argv) {
  begin(argc, argv);
  char* brk_memory = sbrk(65536);
  if (variant >= 4) memset(brk_memory, 0, 65536);
  void* targets[] = {(void*)&main, "a constant", (void*)&environ, (void*)&write, brk_memory + 64, brk_memory + 4096};
  get(64);
  free(targets[variant]);
  churn(64, 2000);
  held();
}
