"""Plants one violation of each rule in a small tree and sees check_layers catch exactly that one."""
import importlib.machinery
import importlib.util
import pathlib
import tempfile
import unittest

TOOL = str(pathlib.Path(__file__).with_name("check_layers"))
loader = importlib.machinery.SourceFileLoader("check_layers", TOOL)
check_layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_layers", loader))
loader.exec_module(check_layers)

CLEAN = {
    "src/base/bits.h": "#pragma once\n",
    "src/base/attributes.h": "#pragma once\n#if defined(__clang__)\n#endif\n",
    "src/os/os.h": '#pragma once\n#include "src/base/bits.h"\n',
    "src/os/linux.cc": '#include "os.h"\n#ifdef __x86_64__\n#endif\n',
    "src/sync/lock.h": '#pragma once\n#include "src/base/bits.h"\n',
    "src/heap/slab.h": '#pragma once\n#include "src/os/os.h"\n#include "src/sync/lock.h"\n',
    "src/heap/slab_test.cc": '#include "fuzz/oracle.h"\n#include "src/heap/slab.h"\n',
    "src/api/malloc.cc": '#include <stdlib.h>\n#include "src/heap/slab.h"\n',
    "debug/shadow.h": '#pragma once\n#include "src/heap/slab.h"\n',
    "debug/report.cc": '#include "src/api/api.h"\n#include "debug/shadow.h"\n',
    "src/api/api.h": "#pragma once\n",
    "src/api/masu.h": "#pragma once\n#ifdef __cplusplus\n#endif\n",
    "trace/trace.h": '#pragma once\n#include "src/base/bits.h"\n',
    "src/tool/trace.cc": '#include "trace/trace.h"\n',
    "fuzz/oracle.h": "#pragma once\n",
    "bench/mix.h": "#pragma once\n",
}


class Planted(unittest.TestCase):
    def problems(self, **planted):
        """The problems of the clean tree with a line added at the end of some files."""
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory).resolve()
            for path, text in CLEAN.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            for path, line in planted.get("lines", {}).items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                with open(root / path, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
            return check_layers.check(root)[1]

    def test_clean_tree_passes(self):
        self.assertEqual(self.problems(), [])

    def test_each_violation_is_caught(self):
        for path, line, message in [
            ("src/base/bits.h", '#include "src/os/os.h"', "src/base must not include src/os/os.h"),
            ("src/base/bits.h", '#include "../os/os.h"', "src/base must not include src/os/os.h"),
            ("src/base/bits.h", '#include "os/os.h"', "src/base must not include src/os/os.h"),
            ("src/base/bits.h", "#include <os/os.h>", "src/base must not include src/os/os.h"),
            ("src/os/os.h", '#include "src/sync/lock.h"', "src/os must not include src/sync/lock.h"),
            ("src/sync/lock.h", '  #  include "src/heap/slab.h"', "src/sync must not include src/heap/slab.h"),
            ("src/heap/slab.h", '#include "src/api/api.h"', "src/heap must not include src/api/api.h"),
            ("src/heap/slab.h", '#include "debug/shadow.h"', "src/heap must not include debug/shadow.h"),
            ("src/api/malloc.cc", '#include "fuzz/oracle.h"', "src/api must not include fuzz/oracle.h"),
            ("src/api/malloc.cc", '#include "bench/mix.h"', "src/api must not include bench/mix.h"),
            ("debug/shadow.h", '#include "src/api/api.h"', "debug must not include src/api/api.h"),
            ("src/heap/slab.h", '#include "trace/trace.h"', "src/heap must not include trace/trace.h"),
            ("trace/trace.h", '#include "src/heap/slab.h"', "trace must not include src/heap/slab.h"),
            ("src/heap/slab.h", '#include "missing.h"', '"missing.h" is no file of the repository'),
            ("src/heap/slab.h", "#if 1", "conditional compilation"),
            ("src/api/masu.h", "#ifdef NDEBUG", "conditional compilation"),
            ("src/api/api.h", "#ifdef __cplusplus", "conditional compilation"),
            ("src/heap/slab.h", "  #  ifndef MASU_SLAB_H", "conditional compilation"),
            ("src/os/more.h", "int x;", "#pragma once"),
            ("src/new/a.cc", '#include "src/base/bits.h"', "'src/new' is no known layer"),
        ]:
            with self.subTest(path=path, line=line):
                problems = self.problems(lines={path: line})
                self.assertEqual(len(problems), 1, problems)
                self.assertTrue(problems[0].startswith(path + ":"), problems[0])
                self.assertIn(message, problems[0])


if __name__ == "__main__":
    unittest.main()
