// A C program without libstdc++ that meets operator new (as one with a C++ plugin does): it works, and where it would have to throw
// an exception that nobody defines, it stops with a line that says so.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      _exit(1); \
    } \
  } while (0)

int main(void) {
  CHECK(dlsym(RTLD_DEFAULT, "_ZSt9terminatev") == NULL); /* no libstdc++ here */
  void* (*make)(size_t) = (void* (*)(size_t))dlsym(RTLD_DEFAULT, "_Znwm");
  void* (*make_or_null)(size_t, const void*) = (void* (*)(size_t, const void*))dlsym(RTLD_DEFAULT, "_ZnwmRKSt9nothrow_t");
  void (*destroy)(void*) = (void (*)(void*))dlsym(RTLD_DEFAULT, "_ZdlPv");
  CHECK(make != NULL && make_or_null != NULL && destroy != NULL);
  for (size_t size = 0; size < 100000; size += 997) {
    char* block = make(size);
    CHECK(block != NULL);
    memset(block, 1, size);
    destroy(block);
  }
  CHECK(make_or_null(PTRDIFF_MAX, "") == NULL);
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 2);
    make(PTRDIFF_MAX);
    _exit(0);
  }
  close(ends[1]);
  char text[2000] = "";
  size_t length = 0;
  ssize_t n;
  while ((n = read(ends[0], text + length, sizeof text - 1 - length)) > 0) length += (size_t)n;
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status));
  CHECK(strstr(text, "masu") != NULL && strstr(text, "operator new") != NULL);
  return 0;
}
