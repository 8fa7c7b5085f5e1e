// The verbs of the command line. Each adds itself to the parser; the one chosen sets what main() is to run.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace pitr::cli {

// Filled while the command line is parsed; run() does the work and returns the exit code.
struct Invocation {
  std::string config;  // --config
  bool json = false;   // --json
  bool wide = false;   // --wide
  std::function<int()> run;
};

void AddInfo(CLI::App& app, Invocation& invocation);
void AddPlan(CLI::App& app, Invocation& invocation);
void AddRestore(CLI::App& app, Invocation& invocation);
void AddCheck(CLI::App& app, Invocation& invocation);
void AddVerify(CLI::App& app, Invocation& invocation);
void AddWalGet(CLI::App& app, Invocation& invocation);
void AddWalPush(CLI::App& app, Invocation& invocation);
void AddMerge(CLI::App& app, Invocation& invocation);
void AddKey(CLI::App& app, Invocation& invocation);
void AddTimeline(CLI::App& app, Invocation& invocation);
void AddExpire(CLI::App& app, Invocation& invocation);
void AddPin(CLI::App& app, Invocation& invocation);          // pin and unpin
void AddRecoveryEnd(CLI::App& app, Invocation& invocation);  // recovery-end and outcome
void AddTakeOver(CLI::App& app, Invocation& invocation);
void AddVersion(CLI::App& app, Invocation& invocation);
// All of them.
void AddVerbs(CLI::App& app, Invocation& invocation);

// --config, which every verb has.
void AddConfigOption(CLI::App& verb, Invocation& invocation);

// --json, which every verb has that somebody calls: one object instead of a page, on errors, too.
void AddJsonOption(CLI::App& verb, Invocation& invocation);
// The same, and --wide, which verbs have that show tables.
void AddPageOptions(CLI::App& verb, Invocation& invocation);

// The whole command line: parses, runs, returns the exit code. What main() calls.
int RunCommandLine(int argc, char** argv);

}  // namespace pitr::cli
