#!/bin/bash -eu
# Builds every fuzz target for OSS-Fuzz, ClusterFuzzLite or fuzz/oss-fuzz/check. The current directory is the checkout;
# compilers, flags and engine come from the environment (CC CXX CFLAGS CXXFLAGS LIB_FUZZING_ENGINE); writes to $OUT
# and $WORK only: NAME, NAME_seed_corpus.zip, NAME.dict, NAME.options.

# The heap is built without RTTI, which vptr needs. The default target machine, so that the fleet can run it.
export CXXFLAGS="$CXXFLAGS -fno-sanitize=vptr"
cmake -S . -B "$WORK/masu" --compile-no-warning-as-error -DMASU_FUZZ=ON -DMASU_TESTS=OFF -DMASU_PRODUCTS=OFF
cmake --build "$WORK/masu" --parallel "$(nproc)" --target fuzz_targets

for file in fuzz/targets/*.cc; do
  name=$(basename "$file" .cc)
  cp "$WORK/masu/fuzz/$name" "$OUT/"
  find "corpus/$name" "regress/fuzz/$name" -type f ! -name '*.txt' 2>/dev/null | sort |
    zip -q -j -@ "$OUT/${name}_seed_corpus.zip"
  cp fuzz/oss-fuzz/target.options "$OUT/$name.options"
  # Targets whose inputs are programs; the others' are plain bytes.
  if grep -q '"fuzz/target.h"' "$file"; then
    python3 fuzz/assemble.py --dictionary >"$OUT/$name.dict"
  fi
done
