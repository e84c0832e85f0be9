#include "tool/elf_facts.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

namespace masu::tool {
namespace {

void read_interpreter(Elf* elf, ElfFacts& facts) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  size_t size = 0;
  const char* image = elf_rawfile(elf, &size);
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr || header.p_type != PT_INTERP) continue;
    if (header.p_filesz == 0 || header.p_offset + header.p_filesz > size) continue;
    facts.interpreter.assign(image + header.p_offset, header.p_filesz - 1);
  }
}

void read_dynamic(Elf* elf, const GElf_Shdr& header, Elf_Data* data, ElfFacts& facts) {
  for (size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Dyn entry;
    if (gelf_getdyn(data, static_cast<int>(i), &entry) == nullptr || entry.d_tag != DT_NEEDED) continue;
    if (const char* name = elf_strptr(elf, header.sh_link, entry.d_un.d_val)) facts.needed.emplace_back(name);
  }
}

void read_symbols(Elf* elf, const GElf_Shdr& header, Elf_Data* data, ElfFacts& facts) {
  for (size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr || symbol.st_shndx == SHN_UNDEF) continue;
    if (const char* name = elf_strptr(elf, header.sh_link, symbol.st_name)) facts.definitions.insert(name);
  }
}

}  // namespace

ElfFacts read_elf(const std::filesystem::path& file) {
  ElfFacts facts;
  elf_version(EV_CURRENT);
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return facts;
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  if (elf != nullptr && elf_kind(elf) == ELF_K_ELF) {
    facts.is_elf = true;
    read_interpreter(elf, facts);
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0) continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (data == nullptr) continue;
      if (header.sh_type == SHT_DYNAMIC) read_dynamic(elf, header, data, facts);
      if (header.sh_type == SHT_DYNSYM) read_symbols(elf, header, data, facts);
    }
  }
  elf_end(elf);
  close(fd);
  return facts;
}

}  // namespace masu::tool
