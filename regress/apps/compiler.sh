# Shared by gcc.sh and clang.sh: compiles stl_heavy.cc on both sides, whose object files must be equal, and runs the result.
compile_and_run() { # COMPILER...
  run "$@" -std=c++20 -O2 -c "$apps/stl_heavy.cc" -o heavy.o
  sha256sum heavy.o
  run "$@" -pthread heavy.o -o heavy
  run ./heavy
}
