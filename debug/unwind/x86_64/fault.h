// The x86-64 facts about a faulting access: write or read, how many bytes, and the registers that may have led
// there. The size is read off the instruction; what is not recognized counts as one byte.
#pragma once
#include <ucontext.h>

#include <cstddef>
#include <cstdint>

namespace masu::debug::machine {

inline constexpr size_t kRegisters = 16;  // general ones, the first of gregs

inline bool fault_was_write(const void* ucontext) {
  return (static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs[REG_ERR] & 2) != 0;
}

inline uintptr_t fault_register(const void* ucontext, size_t i) {
  return static_cast<uintptr_t>(static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs[i]);
}

// Bytes that the instruction at `code` reads or writes in memory.
inline size_t access_bytes(const uint8_t* code) {
  bool narrow = false, wide = false, repeat = false;
  for (;; ++code) {
    if (*code == 0x66) narrow = true;
    else if (*code == 0xF2 || *code == 0xF3) repeat = true;
    else if (*code != 0x2E && *code != 0x3E && *code != 0x64 && *code != 0x65 && *code != 0xF0) break;
  }
  if ((*code & 0xF0) == 0x40) wide = (*code++ & 8) != 0;
  const size_t operand = wide ? 8 : narrow ? 2 : 4;
  const uint8_t op = code[0];
  if (op == 0xC5 || op == 0xC4) {  // VEX: the L bit says 16 or 32 bytes; scalar moves are named by pp
    const uint8_t last = op == 0xC5 ? code[1] : code[2];
    const uint8_t vector_op = op == 0xC5 ? code[2] : code[3];
    if ((vector_op & 0xFE) == 0x10 && (last & 2) != 0) return (last & 1) != 0 ? 8 : 4;
    if (vector_op == 0xD6 || (vector_op == 0x7E && (last & 3) == 2)) return 8;
    return (last & 4) != 0 ? 32 : 16;
  }
  if (op == 0x62) return size_t{16} << ((code[3] >> 5) & 3);  // EVEX
  if (op == 0x0F) {
    const uint8_t second = code[1];
    if (second == 0xB6 || second == 0xBE || (second & 0xF0) == 0x90) return 1;
    if (second == 0xB7 || second == 0xBF) return 2;
    if (second == 0x10 || second == 0x11) return repeat ? (*(code - (wide ? 2 : 1)) == 0xF2 ? 8 : 4) : 16;
    if ((second >= 0x28 && second <= 0x2F) || second == 0x6F || second == 0x7F || second == 0xE7 || second == 0x74) return 16;
    if (second == 0x6E || second == 0x7E) return repeat || wide ? 8 : 4;
    if (second == 0xD6 || second == 0x12 || second == 0x13 || second == 0x16 || second == 0x17) return 8;
    if (second == 0xB0 || second == 0xC0) return 1;
    if (second >= 0x40 && second <= 0x4F) return operand;
    return second >= 0xA0 ? operand : 16;
  }
  if (op < 0x40) return (op & 1) != 0 ? operand : 1;                    // add .. cmp
  if (op == 0x63) return 4;                                             // movsxd
  if (op == 0x80 || op == 0x84 || op == 0x86 || op == 0x88 || op == 0x8A || op == 0xC0 || op == 0xC6 || op == 0xD0 ||
      op == 0xD2 || op == 0xF6 || op == 0xFE || op == 0xA4 || op == 0xA6 || op == 0xAA || op == 0xAC || op == 0xAE) {
    return 1;
  }
  if (op == 0xFF && ((code[1] >> 3) & 7) >= 2) return 8;                // call, jmp, push through memory
  return operand;
}

}  // namespace masu::debug::machine
