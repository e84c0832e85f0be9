// Command lines of the workloads: positional numbers with bounds, then flags. A bad one is named with what is allowed.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

class Arguments {
 public:
  // `usage` lists the arguments in order, for the message.
  Arguments(int argc, char** argv, const char* usage) : argc_(argc), argv_(argv), usage_(usage) {}

  uint64_t number(const char* name, uint64_t low, uint64_t high) {
    if (at_ >= argc_) fail(name, "is missing", low, high);
    return parse(name, argv_[at_++], low, high);
  }
  uint64_t number_or(const char* name, uint64_t low, uint64_t high, uint64_t otherwise) {
    if (at_ >= argc_ || argv_[at_][0] == '-') return otherwise;
    return number(name, low, high);
  }
  // Any word, such as a file's name.
  const char* text(const char* name) {
    if (at_ < argc_) return argv_[at_++];
    std::fprintf(stderr, "%s: %s is missing", argv_[0], name);
    quit();
  }
  // Exactly one of the words; returns its index.
  unsigned word(const char* name, const char* const* allowed, unsigned count) {
    const char* given = at_ < argc_ ? argv_[at_++] : "";
    for (unsigned i = 0; i < count; ++i)
      if (std::strcmp(given, allowed[i]) == 0) return i;
    std::fprintf(stderr, "%s: %s '%s' is not known; allowed:", argv_[0], name, given);
    for (unsigned i = 0; i < count; ++i) std::fprintf(stderr, " %s", allowed[i]);
    quit();
  }
  bool flag(const char* name) {
    if (at_ >= argc_ || std::strcmp(argv_[at_], name) != 0) return false;
    ++at_;
    return true;
  }
  void end() {
    if (at_ >= argc_) return;
    std::fprintf(stderr, "%s: '%s' is one argument too many", argv_[0], argv_[at_]);
    quit();
  }

 private:
  uint64_t parse(const char* name, const char* text, uint64_t low, uint64_t high) {
    char* rest = nullptr;
    errno = 0;
    const uint64_t value = std::strtoull(text, &rest, 10);
    if (text[0] < '0' || text[0] > '9' || *rest || errno || value < low || value > high) {
      std::fprintf(stderr, "%s: %s '%s' is not allowed", argv_[0], name, text);
      bounds(low, high);
    }
    return value;
  }
  [[noreturn]] void fail(const char* name, const char* what, uint64_t low, uint64_t high) {
    std::fprintf(stderr, "%s: %s %s", argv_[0], name, what);
    bounds(low, high);
  }
  [[noreturn]] void bounds(uint64_t low, uint64_t high) {
    std::fprintf(stderr, "; allowed: a whole number from %llu to %llu", static_cast<unsigned long long>(low), static_cast<unsigned long long>(high));
    quit();
  }
  [[noreturn]] void quit() {
    std::fprintf(stderr, "\nusage: %s %s\n", argv_[0], usage_);
    std::exit(2);
  }
  int argc_;
  char** argv_;
  const char* usage_;
  int at_ = 1;
};

}  // namespace bench
