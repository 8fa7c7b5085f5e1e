// How the commands of this program speak. What they print names commands to be run next; whoever was called with
// --config needs it there, too. So everything that a verb prints goes through here (a test sees to it), except for the
// progress line. Control characters, which names of files may have, are shown as "\x1b"; JSON has its own way.
#pragma once
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>

namespace pitr::cli {

// From now on printed commands name this settings file. `given`: from --config, made absolute; empty when there was
// none. `verbs`: those that take the option. Once, before other threads start.
void NameConfigInCommands(const std::string& given, const std::set<std::string>& verbs);

// `text` with " --config FILE" behind each "pg_pitr VERB" that does not name a file already. Pure.
std::string WithConfig(const std::string& text, const std::string& config, const std::set<std::string>& verbs);
// As it was told to NameConfigInCommands.
std::string WithConfig(const std::string& text);

// Pages are made for so many columns from now on, and broken there. Once, as above; until then they are as they come.
void SetPageWidth(size_t columns);
size_t PageWidth();

// To stdout: a page for people, whose lines are broken at PageWidth(), or one document for programs.
void PrintText(const std::string& text);
// In its strings commands are completed as in text.
void PrintJson(const nlohmann::ordered_json& json);
// One call, so that lines of several threads do not mix. On a terminal they are broken as pages are, in a log never.
void PrintToStderr(const std::string& text);
// Says on stderr what the value of an option was understood as, where more than spaces differ: "--max-rate 10 is 10kB".
void Echo(const std::string& option, const std::string& text, const std::string& understood);
// `word` as it is to stand out on stderr: in colour where that is wanted.
enum class Tone { kError, kWarning };
std::string InTone(const std::string& word, Tone tone);

}  // namespace pitr::cli
