// What may follow on a command line, for shells that complete it: verbs, options and choices from the parser's own
// tables, backups and restore points from the repository.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace pitr::cli {

struct Candidate {
  std::string text;
  std::string description;  // one line; may be empty
};

struct Completion {
  std::vector<Candidate> candidates;
  enum class Paths { kNone, kFiles, kDirectories } paths = Paths::kNone;  // the shell knows these better
};

enum class StoredName { kBackup, kRestorePoint };
// Names in the repository of the settings file `config` (as given with --config; "" when it was not).
using StoredNames = std::function<std::vector<std::string>(StoredName what, const std::string& config)>;

// `words`: what was typed behind the program's name, as the shell splits it, quotes and all; the last one is to be
// completed and may be empty. Only candidates that begin with it. `stored` is asked only where its names may stand.
Completion Complete(const CLI::App& app, const std::vector<std::string>& words, const StoredNames& stored);

// Lines "candidate TAB description"; instead ":files" or ":directories". What the scripts in src/cli/shell read.
std::string CompletionLines(const Completion& completion);

// Those of StoredNames for a shell that waits: within about a second, and silently nothing, or fewer, when that is not
// enough or anything is wrong. Main thread; ends with ExitCodeOrLeave.
std::vector<std::string> StoredNamesSoon(StoredName what, const std::string& config);

}  // namespace pitr::cli
