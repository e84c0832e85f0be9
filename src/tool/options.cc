// masu options: the table of MASU_OPTIONS as text, as Markdown for the README, or as JSON.
#include "base/options.h"

#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tool/commands.h"
#include "tool/option_words.h"

namespace masu::tool {
namespace {

void print_text() {
  std::cout << "MASU_OPTIONS=key=value:key=value\n\n";
  for (const OptionRow& row : kOptionTable) {
    std::cout << "  " << std::left << std::setw(14) << row.name << default_of(row) << "  ("
              << allowed_values(row) << ")" << (row.lane == OptionLane::kDebug ? ", debug lane" : "")
              << "\n      " << row.help << "\n";
  }
}

void print_markdown() {
  std::cout << "| option | default | allowed | lane | what it does |\n|---|---|---|---|---|\n";
  for (const OptionRow& row : kOptionTable) {
    std::string allowed = allowed_values(row);
    for (size_t at = 0; (at = allowed.find('|', at)) != std::string::npos; at += 2) allowed.insert(at, "\\");
    std::cout << "| `" << row.name << "` | " << default_of(row) << " | " << allowed << " | "
              << (row.lane == OptionLane::kDebug ? "debug" : "both") << " | " << row.help << " |\n";
  }
}

void print_json() {
  auto table = nlohmann::ordered_json::array();
  for (const OptionRow& row : kOptionTable) {
    table.push_back({{"name", row.name},
                     {"default", default_of(row)},
                     {"allowed", allowed_values(row)},
                     {"lane", row.lane == OptionLane::kDebug ? "debug" : "both"},
                     {"help", row.help}});
  }
  std::cout << table.dump(2) << "\n";
}

}  // namespace

void add_options(CLI::App& app, Invocation&) {
  struct Settings {
    bool markdown = false, json = false;
  };
  auto settings = std::make_shared<Settings>();
  CLI::App* options = app.add_subcommand("options", "Show the options that MASU_OPTIONS takes");
  auto* markdown = options->add_flag("--markdown", settings->markdown, "as a Markdown table");
  options->add_flag("--json", settings->json, "as JSON")->excludes(markdown);
  options->callback([settings] {
    settings->markdown ? print_markdown() : settings->json ? print_json() : print_text();
  });
}

}  // namespace masu::tool
