#!/bin/bash
# clang: driver and cc1 with LLVM's own arenas and hash tables on a large C++ file; then the program that came out.
. "$(dirname "$0")/lib.sh"
. "$apps/compiler.sh"
need clang g++
took_over /usr/bin/clang++ --version
work() { compile_and_run /usr/bin/clang++; }
compare work
