//! attack: freed before fork, freed again in the child
//! outcome: stop
//! says: double free
#include "../threats.h"

#include <sys/wait.h>

int main(int argc, char** argv) {
  begin(argc, argv);
  char* block = get(64);
  put(block);
  const pid_t child = fork();
  if (child != 0) {  // ends as its child ended
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
      kill(getpid(), WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
  }
  free(block);
  get(64);
  get(64);
  held();
}
