#!/bin/bash
# gcc: driver, cc1plus, assembler, collect2 and linker on a large C++ file; then the program that came out.
. "$(dirname "$0")/lib.sh"
. "$apps/compiler.sh"
need g++
took_over /usr/bin/g++ --version
took_over "$(/usr/bin/g++ -print-prog-name=cc1plus)" --version
work() { compile_and_run /usr/bin/g++; }
compare work
