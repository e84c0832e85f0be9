#include "debug/symbolize/report_text.h"

#include <gtest/gtest.h>

#include <sstream>

namespace masu::debug {
namespace {

std::vector<SourceFrame> look_up(const std::string& path, uint64_t address, const std::string& build_id) {
  if (path == "/bin/a b" && address == 0x10 && build_id == "00ff") {
    return {{"inner()", "/src/a.h", 3, 7}, {"outer(int)", "/src/a.cc", 9, 0}};
  }
  if (path == "/lib/c.so" && address == 0x20) return {{"only_name", "", 0, 0}};
  return {};
}

std::string rewritten(const std::string& text) {
  std::istringstream in(text);
  std::ostringstream out;
  symbolize_report(in, out, look_up);
  return out.str();
}

TEST(ReportText, ExpandsInlinedFramesAndRenumbers) {
  EXPECT_EQ(rewritten("==7==ERROR: MasuSanitizer: double-free\n"
                      "    #0 0x0000000000aa in ?? (/bin/a b+0x10) (BuildId: 00ff)\n"
                      "    #1 0x0000000000bb in ?? (/lib/c.so+0x20) (BuildId: 11)\n"
                      "    #2 0x0000000000cc in ??\n"
                      "    #3 0x0000000000dd in ?? (/lib/unknown.so+0x30)\n"
                      "\n"
                      "freed here:\n"
                      "    #0 0x0000000000bb in ?? (/lib/c.so+0x20)\n"),
            "==7==ERROR: MasuSanitizer: double-free\n"
            "    #0 0x0000000000aa in inner() /src/a.h:3:7\n"
            "    #1 0x0000000000aa in outer(int) /src/a.cc:9\n"
            "    #2 0x0000000000bb in only_name (/lib/c.so+0x20) (BuildId: 11)\n"
            "    #3 0x0000000000cc in ??\n"
            "    #4 0x0000000000dd in ?? (/lib/unknown.so+0x30)\n"
            "\n"
            "freed here:\n"
            "    #0 0x0000000000bb in only_name (/lib/c.so+0x20)\n");
}

TEST(ReportText, CompletesTheSummary) {
  EXPECT_EQ(rewritten("SUMMARY: MasuSanitizer: double-free (/bin/a b+0x10) (BuildId: 00ff) in ??\n"),
            "SUMMARY: MasuSanitizer: double-free /src/a.h:3:7 in inner()\n");
  EXPECT_EQ(rewritten("SUMMARY: MasuSanitizer: double-free (/lib/c.so+0x20)\n"),
            "SUMMARY: MasuSanitizer: double-free (/lib/c.so+0x20) in only_name\n");
  EXPECT_EQ(rewritten("SUMMARY: MasuSanitizer: double-free (/lib/x.so+0x20)\n"),
            "SUMMARY: MasuSanitizer: double-free (/lib/x.so+0x20)\n");
}

TEST(ReportText, LeavesOtherLinesAlone) {
  const std::string text =
      "    #x 0xaa in ?? (/lib/c.so+0x20)\n"
      "    #1 0xaa in main a.c:3\n"
      "    #1 0xaa in ?? (/lib/c.so+0x20) trailing\n"
      "#0 0xaa in ?? (/lib/c.so+0x20123456789abcdef0)\n"
      "  0x602000000010: 41 [00]  |A.|\n";
  EXPECT_EQ(rewritten(text), text);
  const std::string endless = "    #0 0xaa in ?? (" + std::string(1 << 20, 'a') + "+0x20)\n";
  EXPECT_EQ(rewritten(endless), endless);
}

}  // namespace
}  // namespace masu::debug
