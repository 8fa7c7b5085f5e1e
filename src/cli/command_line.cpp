// Parsing of the command line and the last catch for exceptions.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fstream>
#include <optional>

#include "cli/actions.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/help_page.h"
#include "cli/leavable_call.h"
#include "cli/manual.h"
#include "cli/print.h"
#include "cli/reply.h"
#include "cli/screen.h"
#include "cli/settings_path.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/error_text.h"
#include "core/base/text_page.h"

namespace pitr::cli {
namespace {

constexpr const char* kOverview =
    "Point-in-time recovery for PostgreSQL: everything that must work when the server is gone.\n\n"
    "After an accident, in this order:\n"
    "  pg_pitr info                          what is there, how far back and forward it goes\n"
    "  pg_pitr plan --target-time '...'      which backup, where replay ends, is everything there\n"
    "  pg_pitr restore -D DIR --target-time '...'   then start the server; it recovers by itself\n";

constexpr const char* kFooter =
    "Exit codes: 0 done, 1 failed, 2 wrong command line or settings, 3 stopped by a signal (run again to "
    "continue), 4 verify found damage. wal-get has its own, see its help. \"pg_pitr help VERB\" explains each verb.";

// Of a command line that is not understood as a whole.
bool AsksForJson(const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), "--json") != words.end();
}

// A shell variable that was not set gives one, and nothing, or the default, is not what was meant: not the end of the
// archive for a time, nor the settings of this machine for another file.
Status CheckNoEmptyValues(const CLI::App& app) {
  for (const CLI::App* verb : app.get_subcommands()) {
    PITR_TRY(CheckNoEmptyValues(*verb));
    for (const CLI::Option* option : verb->get_options()) {
      const std::vector<std::string>& values = option->results();
      if (option->get_name() == "--reason" || std::find(values.begin(), values.end(), "") == values.end()) continue;
      return Status(Code::kInvalidArgument, option->get_name() + " was given an empty value")
          .WithHint("Was a variable of the shell not set? Give a value, or leave it out.");
    }
  }
  return Status::Ok();
}

// `code`, unless what was printed did not arrive. A reader that has seen enough is none to tell.
int UnlessLost(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  const int error = errno;
  if (error != EPIPE)
    PrintToStderr("pg_pitr: " + InTone("error:", Tone::kError) + " could not write to standard output" +
                  (error == 0 ? "" : ": " + ErrorText(error)) + "\nHINT:  What was printed is not complete.\n");
  return code == kExitOk ? kExitFailed : code;
}

int Parse(CLI::App& app, std::vector<std::string> words) {
  words = HelpAsOption(std::move(words));
  const auto refuse = [&](const Status& status) {
    const int code = GiveError(AsksForJson(words), status);
    // PostgreSQL would take a small code for "no such file".
    return !words.empty() && words[0] == "wal-get" ? kWalGetConfiguration : code;
  };
  if (const Status separate = SeparateValues(app, words); !separate.ok()) return refuse(separate);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    // Help and the version are thrown, too.
    const Status helped = error.get_exit_code() == 0 ? CheckHelped(app, words) : Status::Ok();
    if (!helped.ok()) return GiveError(AsksForJson(words), helped);
    if (error.get_exit_code() == 0) {
      PrintText(HelpPage(app, error, ScreenColumns(stdout)));
      return -1;
    }
    return refuse(UsageError(app, words, error));
  }
  const Status given = CheckNoEmptyValues(app);
  return given.ok() ? 0 : refuse(given);
}

std::set<std::string> VerbsWithConfig(const CLI::App& app) {
  std::set<std::string> verbs;
  for (const CLI::App* verb : ActionsOf(app))
    if (verb->get_option_no_throw("--config") != nullptr) verbs.insert(verb->get_name());
  return verbs;
}

// What shells and the installation ask, not people; nullopt for anything else. Nothing of it is printed as an error.
std::optional<int> AnswerPrograms(const CLI::App& app, const std::vector<std::string>& words) {
  if (words.size() >= 2 && words[0] == "__complete") {
    const std::vector<std::string> typed(words.begin() + 1, words.end());
    PrintText(CompletionLines(Complete(app, typed, StoredNamesSoon)));
    return ExitCodeOrLeave(kExitOk);
  }
  if (words.size() != 2 || words[0] != "__manual") return std::nullopt;
  for (const ManualPage& page : ManualPages(app)) {
    std::ofstream file(words[1] + "/" + page.file);
    file << page.text << std::flush;
    if (!file) return ExitOf(Status(Code::kUnavailable, "could not write \"" + words[1] + "/" + page.file + "\""));
  }
  return kExitOk;
}

}  // namespace

void AddConfigOption(CLI::App& verb, Invocation& invocation) {
  verb.add_option("-c,--config", invocation.config,
                  std::string("Settings file (default: $") + kConfigVariable + ", then " + kDefaultConfigPath + ")")
      ->type_name("FILE");
}

void AddJsonOption(CLI::App& verb, Invocation& invocation) {
  verb.add_flag("--json", invocation.json, "Print one JSON object instead of a page, on errors, too");
}

void AddPageOptions(CLI::App& verb, Invocation& invocation) {
  AddJsonOption(verb, invocation);
  verb.add_flag("--wide", invocation.wide, "All columns, and no line broken, however wide the terminal is");
}

void AddVerbs(CLI::App& app, Invocation& invocation) {
  AddInfo(app, invocation);
  AddPlan(app, invocation);
  AddRestore(app, invocation);
  AddRecoveryEnd(app, invocation);
  AddTakeOver(app, invocation);
  AddCheck(app, invocation);
  AddVerify(app, invocation);
  AddWalGet(app, invocation);
  AddWalPush(app, invocation);
  AddMerge(app, invocation);
  AddKey(app, invocation);
  AddTimeline(app, invocation);
  AddExpire(app, invocation);
  AddPin(app, invocation);
  AddVersion(app, invocation);
}

int RunCommandLine(int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  try {
    CLI::App app(kOverview, "pg_pitr");
    app.footer(kFooter);
    app.require_subcommand(1);
    PrepareHelp(app);
    Invocation invocation;
    AddVerbs(app, invocation);
    if (const auto answered = AnswerPrograms(app, words)) return *answered;
    if (int code = Parse(app, words); code != 0) return code < 0 ? kExitOk : code;
    NameConfigInCommands(invocation.config.empty() ? "" : ConfigPath(invocation.config), VerbsWithConfig(app));
    SetPageWidth(invocation.wide ? kAnyWidth : ScreenColumns(stdout));
    return UnlessLost(invocation.run());
  } catch (const std::exception& error) { return GiveError(AsksForJson(words), Status(Code::kInternal, error.what())); }
}

}  // namespace pitr::cli
