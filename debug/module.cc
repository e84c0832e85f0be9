#include "debug/module.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstring>

namespace masu::debug {
namespace {

// What the linker writes: type NT_GNU_BUILD_ID, name "GNU". Note fields are padded to four bytes.
void find_in_notes(const uint8_t* at, const uint8_t* end, Module& module) {
  while (static_cast<size_t>(end - at) >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof(note));
    const uint8_t* name = at + sizeof(note);
    const size_t name_bytes = (note.n_namesz + size_t{3}) & ~size_t{3};
    const size_t bytes = (note.n_descsz + size_t{3}) & ~size_t{3};
    if (name_bytes + bytes > static_cast<size_t>(end - name)) return;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
      module.build_id = name + name_bytes;
      module.build_id_bytes = note.n_descsz;
      return;
    }
    at = name + name_bytes + bytes;
  }
}

void find_build_id(const ElfW(Phdr) * headers, size_t count, Module& module) {
  for (size_t i = 0; i < count && module.build_id == nullptr; ++i) {
    if (headers[i].p_type != PT_NOTE || headers[i].p_align > 4) continue;
    const auto* notes = reinterpret_cast<const uint8_t*>(module.bias + headers[i].p_vaddr);
    find_in_notes(notes, notes + headers[i].p_memsz, module);
  }
}

// The kernel tells the program's headers; a library's follow its ELF header, at the start of its mapping.
void read_headers(bool is_program, Module& module) {
  if (is_program) {
    find_build_id(reinterpret_cast<const ElfW(Phdr)*>(getauxval(AT_PHDR)), getauxval(AT_PHNUM), module);
    return;
  }
  if (module.bias != module.begin) return;
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(module.begin);
  if (std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_phentsize != sizeof(ElfW(Phdr))) return;
  find_build_id(reinterpret_cast<const ElfW(Phdr)*>(module.begin + header->e_phoff), header->e_phnum, module);
}

}  // namespace

bool find_module(uintptr_t address, Module& module) {
  dl_find_object found;
  if (_dl_find_object(reinterpret_cast<void*>(address), &found) != 0) return false;
  module = {};
  module.begin = reinterpret_cast<uintptr_t>(found.dlfo_map_start);
  module.end = reinterpret_cast<uintptr_t>(found.dlfo_map_end);
  module.unwind_header = reinterpret_cast<uintptr_t>(found.dlfo_eh_frame);
  module.bias = found.dlfo_link_map->l_addr;
  module.path = found.dlfo_link_map->l_name;
  read_headers(*module.path == '\0', module);
  return true;
}

const char* program_path(char* buffer, size_t bytes) {
  const int saved = errno;
  const ssize_t length = bytes != 0 ? readlink("/proc/self/exe", buffer, bytes - 1) : -1;
  errno = saved;
  if (length <= 0) return "?";
  buffer[length] = '\0';
  return buffer;
}

}  // namespace masu::debug
