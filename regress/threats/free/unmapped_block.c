//! attack: free of a large block whose memory may be gone already
//! outcome: stop
//! variants: 3
//! says: double free|unmapped|foreign|wild|interior
#include "../threats.h"

int main(int argc, char** argv) {
  begin(argc, argv);
  char* block = get(64 << 20);
  put(block);
  churn(64, 200);
  free(block + variant * 4096);
  churn(64, 2000);
  held();
}
