//! attack: free of a fake chunk built inside a live block, to have blocks overlap
//! outcome: stop
//! says: interior|misaligned
//! technique: house_of_spirit within the heap, overlapping_chunks
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  uint64_t* block = get_open(1024);
  block[1] = 0x81;
  block[17] = 0x41;
  free(&block[2]);
  get(112);
  get(112);
  churn(112, 1000);
  held();
}
