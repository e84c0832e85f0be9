// The demonstration's faulty program: reads a name into a buffer that has no room for its end.
#include <cstdio>
#include <cstdlib>
#include <cstring>

char* copy_name(const char* name) {
  const size_t length = std::strlen(name);
  char* copy = static_cast<char*>(std::malloc(length));  // the fault: no room for the terminating zero
  for (size_t i = 0; i <= length; ++i) copy[i] = name[i];
  return copy;
}

int main(int argc, char** argv) {
  char* name = copy_name(argc > 1 ? argv[1] : "twenty-four bytes long..");
  std::printf("hello, %s\n", name);
  std::free(name);
  return 0;
}
