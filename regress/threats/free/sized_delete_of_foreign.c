//! attack: a sized delete, which may skip the lookup, of a foreign pointer
//! outcome: stop
//! variants: 3
//! says: foreign|wild|interior|misaligned
#include "../threats.h"

void _ZdlPvm(void*, size_t) __attribute__((weak));
static char global[256] __attribute__((aligned(64)));

int main(int argc, char** argv) {
  begin(argc, argv);
  char local[256] __attribute__((aligned(64)));
  char* block = get(192);
  if (!_ZdlPvm) _exit(77);
  forbid(local, sizeof local);
  void* targets[] = {local, global, block + 64};
  _ZdlPvm(targets[variant], 64);
  churn(64, 2000);
  held();
}
