#!/bin/bash
# thread_storage.sh LIBRARY: at most 64 bytes of static thread storage, so that dlopen of the library finds room for it as well.
set -euo pipefail
bytes=$(readelf -lW "$1" | awk '$1 == "TLS" { print $6 }')
[[ -n $bytes ]] || { echo "$1 has no thread storage: is this the right file?" >&2; exit 1; }
((bytes <= 64)) || { echo "$1 uses $((bytes)) bytes of static thread storage; 64 are allowed" >&2; exit 1; }
