//! attack: as far as the mapping goes: metadata must not lie behind the blocks
//! outcome: stop or held
//! variants: 3
#include "../threats.h"

// Writes on until a fault; a signal handler goes on with the allocator as it is then.
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf out;

static void on_fault(int signal_) {
  (void)signal_;
  siglongjmp(out, 1);
}

int main(int argc, char** argv) {
  begin(argc, argv);
  static const size_t sizes[] = {16, 64, 1024};
  char stack[SIGSTKSZ > 0 ? 65536 : 65536];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
  const size_t size = sizes[variant];
  sigaltstack(&alternative, NULL);
  volatile unsigned char* block = get_open(size);
  for (int i = 0; i < 200; ++i) get_open(size);
  sigaction(SIGSEGV, &action, NULL);
  if (sigsetjmp(out, 1) == 0) {
    const size_t bound = 64 << 10;  // within the heap's own segment
    for (size_t i = size; i < bound; ++i) block[i] = 'A';
  }
  signal(SIGSEGV, SIG_DFL);
  churn(size, 3000);
  held();
}
