// How the commands of this program speak. What they print names commands to be run next; whoever was called with
// --config needs it there, too. So everything that a verb prints goes through here (a test sees to it), except for the
// progress line.
#pragma once
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

// To stdout, as it should be read by people, or by programs.
void PrintText(const std::string& text);
// `json` is one document; its last line is ended. In its strings commands are completed as in text.
void PrintJson(const std::string& json);
// One call, so that lines of several threads do not mix.
void PrintToStderr(const std::string& text);

}  // namespace pitr::cli
