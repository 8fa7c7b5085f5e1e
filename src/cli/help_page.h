// The help of a verb as a page: what the parser makes of it, broken to the width of the screen. Pure.
#pragma once
#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace pitr::cli {

// Prepares `app` before verbs are added, which inherit it: lines come whole from the parser, of whatever version.
void PrepareHelp(CLI::App& app);

// What `app` says for `error`, a request for help or the version.
std::string HelpPage(const CLI::App& app, const CLI::ParseError& error, size_t width);

}  // namespace pitr::cli
