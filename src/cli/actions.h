// The verbs of the program, or the actions of a verb, in the order in which they were added.
#pragma once
#include <CLI/CLI.hpp>
#include <vector>

namespace pitr::cli {

inline std::vector<const CLI::App*> ActionsOf(const CLI::App& verb) {
  return verb.get_subcommands([](const CLI::App*) { return true; });
}

}  // namespace pitr::cli
