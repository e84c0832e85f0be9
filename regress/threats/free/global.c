//! attack: free of a global variable
//! outcome: stop
//! variants: 2
//! says: foreign|wild
#include "../threats.h"

static char global[4096] __attribute__((aligned(4096)));

int main(int argc, char** argv) {
  begin(argc, argv);
  get(64);
  free(global + variant * 64);
  churn(64, 2000);
  held();
}
