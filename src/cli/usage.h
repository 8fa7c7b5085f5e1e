// What a command line that cannot be run is told: which word is wrong, what was probably meant, where it is explained.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace pitr::cli {

// "help plan" is "plan --help". `words`: the command line without the program's name.
std::vector<std::string> HelpAsOption(std::vector<std::string> words);

// Makes an empty value behind "=" a word of its own: the parser would take the next word for it, which is another
// option. kInvalidArgument when an option stands where a value belongs.
Status SeparateValues(const CLI::App& app, std::vector<std::string>& words);

// kInvalidArgument when help is asked for a verb or an action that does not exist.
Status CheckHelped(const CLI::App& app, const std::vector<std::string>& words);

// kInvalidArgument for `words`, which `app` did not take because of `error`: the first word that nobody knows, or else
// what the parser says.
Status UsageError(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error);

}  // namespace pitr::cli
