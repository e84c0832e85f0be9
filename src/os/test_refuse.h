// A kernel that refuses a system call, as older ones and sandboxes do: for a child of a test.
#pragma once

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace masu::test {

// From here on `call` fails with EINVAL, or only where its third argument is one of these.
inline void refuse_call(unsigned call, std::initializer_list<unsigned> third_arguments = {}) {
  const sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL);
  std::vector<sock_filter> body;
  if (third_arguments.size() == 0) body.push_back(refuse);
  else body.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])));
  for (const unsigned argument : third_arguments) {
    body.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, argument, 0, 1));
    body.push_back(refuse);
  }
  std::vector<sock_filter> program = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, static_cast<unsigned char>(body.size()))};
  program.insert(program.end(), body.begin(), body.end());
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(2);
}

}  // namespace masu::test
