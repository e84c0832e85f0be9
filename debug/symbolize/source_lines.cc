#include "debug/symbolize/source_lines.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <cstdlib>

namespace masu::debug {
namespace {

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, Freed> text(abi::__cxa_demangle(name, nullptr, nullptr, &status));
  return status == 0 ? text.get() : name;
}

bool is_function(Dwarf_Die* die) {
  const int tag = dwarf_tag(die);
  return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

bool follow(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  return dwarf_formref_die(dwarf_attr(die, name, &attribute), die) != nullptr;
}

// The name within its namespaces and classes, by where the function was declared.
std::string qualified_name(Dwarf_Die die) {
  const char* name = dwarf_diename(&die);
  if (name == nullptr) return "";
  std::string text = name;
  while (follow(&die, DW_AT_abstract_origin) || follow(&die, DW_AT_specification)) {
  }
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&die, &scopes);
  const std::unique_ptr<Dwarf_Die, Freed> owner(scopes);
  for (int i = 1; i < count; ++i) {
    const int tag = dwarf_tag(&scopes[i]);
    const char* outer = dwarf_diename(&scopes[i]);
    if (tag == DW_TAG_namespace) {
      text = std::string(outer != nullptr ? outer : "(anonymous namespace)") + "::" + text;
    } else if (tag == DW_TAG_class_type || tag == DW_TAG_structure_type || tag == DW_TAG_union_type) {
      text = std::string(outer != nullptr ? outer : "(anonymous class)") + "::" + text;
    }
  }
  return text;
}

// Functions of C, and of C++ that no other file sees, have no linkage name.
std::string function_name(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  Dwarf_Attribute* found = dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute);
  const char* linkage = found != nullptr ? dwarf_formstring(found) : nullptr;
  return linkage != nullptr ? demangled(linkage) : qualified_name(*die);
}

int number(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr(die, name, &attribute) == nullptr || dwarf_formudata(&attribute, &value) != 0) return 0;
  return static_cast<int>(value);
}

std::string absolute(const char* path, Dwarf_Die* unit) {
  if (path == nullptr) return "";
  Dwarf_Attribute attribute;
  const char* folder =
      *path == '/' ? nullptr : dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
  return folder != nullptr ? std::string(folder) + "/" + path : path;
}

// Where an inlined function was called.
void set_call_site(Dwarf_Die* inlined, Dwarf_Die* unit, SourceFrame& caller) {
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  const int index = number(inlined, DW_AT_call_file);
  if (dwarf_getsrcfiles(unit, &files, &count) == 0 && static_cast<size_t>(index) < count) {
    caller.file = absolute(dwarf_filesrc(files, static_cast<size_t>(index), nullptr, nullptr), unit);
  }
  caller.line = number(inlined, DW_AT_call_line);
  caller.column = number(inlined, DW_AT_call_column);
}

bool holds_functions(Dwarf_Die* die) {
  switch (dwarf_tag(die)) {
    case DW_TAG_namespace:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_lexical_block:
      return true;
    default:
      return false;
  }
}

// The functions that contain an address, innermost first. (dwarf_getscopes does not look into namespaces,
// where clang puts functions.)
bool find_functions(Dwarf_Die* parent, Dwarf_Addr address, std::vector<Dwarf_Die>& found) {
  Dwarf_Die die;
  for (bool more = dwarf_child(parent, &die) == 0; more; more = dwarf_siblingof(&die, &die) == 0) {
    const bool contains = dwarf_haspc(&die, address) > 0;
    if (!contains && !holds_functions(&die)) continue;
    const bool inside = find_functions(&die, address, found);
    if (contains && is_function(&die)) found.push_back(die);
    if (contains || inside) return true;
  }
  return false;
}

}  // namespace

class SourceLines::File {
 public:
  explicit File(const std::string& path) : dwfl_(dwfl_begin(&callbacks())) {
    if (dwfl_ == nullptr) return;
    dwfl_report_begin(dwfl_);
    // At base zero the addresses are those in the file.
    module_ = dwfl_report_elf(dwfl_, path.c_str(), path.c_str(), -1, 0, true);
    dwfl_report_end(dwfl_, nullptr, nullptr);
  }
  ~File() { dwfl_end(dwfl_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_build(const std::string& build_id) const {
    if (module_ == nullptr) return false;
    const unsigned char* bits = nullptr;
    GElf_Addr where = 0;
    const int count = dwfl_module_build_id(module_, &bits, &where);
    std::string own;
    for (int i = 0; i < count; ++i) {
      own += "0123456789abcdef"[bits[i] >> 4];
      own += "0123456789abcdef"[bits[i] & 15];
    }
    return build_id.empty() || own == build_id;
  }

  std::vector<SourceFrame> at(uint64_t address) {
    Dwarf_Addr bias = 0;
    std::vector<SourceFrame> frames;
    if (Dwarf_Die* unit = unit_at(address, bias)) {
      frames = inlined_frames(unit, address - bias);
      if (frames.empty()) frames.emplace_back();
      set_line(unit, address - bias, frames.front());
    } else {
      frames.emplace_back();
    }
    const char* symbol = dwfl_module_addrname(module_, address);
    if (frames.back().function.empty() && symbol != nullptr) frames.back().function = demangled(symbol);
    if (frames.size() == 1 && frames[0].function.empty() && frames[0].file.empty()) frames.clear();
    return frames;
  }

 private:
  static const Dwfl_Callbacks& callbacks() {
    static char* debug_path = nullptr;  // the system's
    static const Dwfl_Callbacks callbacks = {dwfl_build_id_find_elf, dwfl_standard_find_debuginfo,
                                             dwfl_offline_section_address, &debug_path};
    return callbacks;
  }

  // clang writes no .debug_aranges, so libdw's own look-up may miss the unit.
  Dwarf_Die* unit_at(uint64_t address, Dwarf_Addr& bias) {
    if (Dwarf_Die* unit = dwfl_module_addrdie(module_, address, &bias)) return unit;
    for (Dwarf_Die* unit = nullptr; (unit = dwfl_module_nextcu(module_, unit, &bias)) != nullptr;) {
      if (dwarf_haspc(unit, address - bias) > 0) return unit;
    }
    return nullptr;
  }

  static void set_line(Dwarf_Die* unit, Dwarf_Addr address, SourceFrame& frame) {
    Dwarf_Line* line = dwarf_getsrc_die(unit, address);
    if (line == nullptr) return;
    frame.file = absolute(dwarf_linesrc(line, nullptr, nullptr), unit);
    dwarf_lineno(line, &frame.line);
    dwarf_linecol(line, &frame.column);
  }

  // The functions around an address; all but the innermost have the place of the call that was inlined.
  static std::vector<SourceFrame> inlined_frames(Dwarf_Die* unit, Dwarf_Addr address) {
    std::vector<Dwarf_Die> functions;
    find_functions(unit, address, functions);
    std::vector<SourceFrame> frames;
    Dwarf_Die* inlined = nullptr;
    for (Dwarf_Die& function : functions) {
      SourceFrame frame;
      frame.function = function_name(&function);
      if (inlined != nullptr) set_call_site(inlined, unit, frame);
      frames.push_back(frame);
      inlined = &function;
    }
    return frames;
  }

  Dwfl* dwfl_;
  Dwfl_Module* module_ = nullptr;
};

SourceLines::SourceLines() = default;
SourceLines::~SourceLines() = default;

std::vector<SourceFrame> SourceLines::at(const std::string& path, uint64_t address,
                                         const std::string& build_id) {
  std::unique_ptr<File>& file = files_[path];
  if (file == nullptr) file = std::make_unique<File>(path);
  return file->is_build(build_id) ? file->at(address) : std::vector<SourceFrame>();
}

}  // namespace masu::debug
