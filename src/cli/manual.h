// Manual pages, made of the same tables and texts as the help, so that the two cannot differ. Pure.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace pitr::cli {

struct ManualPage {
  std::string file;  // "pg_pitr-restore.1"
  std::string text;  // man(7)
};

// pg_pitr(1), and a page for each verb.
std::vector<ManualPage> ManualPages(const CLI::App& app);

}  // namespace pitr::cli
