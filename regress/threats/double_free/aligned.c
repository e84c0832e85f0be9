//! attack: an aligned block freed twice, also through the address before alignment
//! outcome: stop
//! variants: 5
//! says: double free|unmapped|foreign
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t alignments[] = {32, 64, 256, 4096, 65536};
  char* block = aligned_alloc(alignments[variant], alignments[variant] * 2);
  if (!block) broken("aligned_alloc failed");
  free(block);
  free(block);
  churn(64, 500);
  held();
}
