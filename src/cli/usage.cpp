#include "cli/usage.h"

#include <algorithm>
#include <iterator>

#include "cli/actions.h"
#include "core/base/ascii.h"
#include "core/base/letter_case.h"
#include "core/base/nearest_name.h"

namespace pitr::cli {
namespace {

struct OtherWay {
  const char* word;  // what other programs call it
  const char* hint;
};

// What is no verb here, and where it is.
constexpr OtherWay kOtherWays[] = {
    {"backup", "Backups are taken by the server, in SQL: SELECT pitr_backup();"},
    {"status", "The server says it, in SQL: SELECT * FROM pitr_status; what is stored: pg_pitr info"},
    {"progress", "The server says it, in SQL: SELECT * FROM pitr_progress;"},
    {"recover", "It is called pg_pitr restore; pg_pitr plan says beforehand where it leads."},
    {"list", "What is stored: pg_pitr info"},
    {"show", "What is stored: pg_pitr info"},
    {"init",
     "Nothing has to be initialised: the server makes the repository when it first archives, or in SQL: SELECT "
     "* FROM pitr_check();"},
    {"stanza-create",
     "Nothing has to be initialised: the server makes the repository when it first archives, or in "
     "SQL: SELECT * FROM pitr_check();"},
    {"archive-get", "It is called pg_pitr wal-get."},
    {"archive-push", "It is called pg_pitr wal-push; a server archives with archive_library = 'pg_pitr'."},
    {"delete", "What retention does not keep: pg_pitr expire; one backup: pg_pitr expire --backup LABEL"},
};

std::vector<std::string> NamesOfActions(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::App* each : ActionsOf(verb)) names.push_back(each->get_name());
  return names;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); i++) text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

Status Wrong(std::string message, const std::string& hint) {
  return Status(Code::kInvalidArgument, std::move(message)).WithHint(hint);
}

Status UnknownVerb(const CLI::App& app, const std::string& called, const std::string& word) {
  const bool action = called != "pg_pitr";
  const std::string message = action ? "unknown action \"" + word + "\" of " + called : "unknown verb \"" + word + "\"";
  if (!action)
    for (const OtherWay& way : kOtherWays)
      if (word == way.word) return Wrong(message, way.hint);
  const std::vector<std::string> names = NamesOfActions(app);
  const std::string nearest = NearestName(word, names);
  if (!nearest.empty()) return Wrong(message, "Perhaps you meant: " + called + " " + nearest);
  return Wrong(message, (action ? "Its actions are " : "The verbs are ") + Listed(names) + ". " +
                            (action ? called + " --help" : "pg_pitr help VERB") + " explains them.");
}

std::vector<std::string> OptionNames(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

Status UnknownOption(const CLI::App& verb, const std::string& called, const std::string& option) {
  const std::string nearest = NearestName(option, OptionNames(verb));
  if (called == "pg_pitr" && nearest.empty())
    return Wrong("unknown option \"" + option + "\" of " + called,
                 "Options stand behind the verb: pg_pitr VERB " + option);
  return Wrong("unknown option \"" + option + "\" of " + called,
               nearest.empty() ? called + " --help lists its options." : "Perhaps you meant " + nearest + ".");
}

// The option that a word is, "-x", "--long" or with its value behind it; nullptr for anything else.
const CLI::Option* OptionOf(const CLI::App& verb, const std::string& word) {
  if (word.size() < 2 || word[0] != '-' || word == "--") return nullptr;
  return verb.get_option_no_throw(word[1] != '-' ? word.substr(0, 2) : word.substr(0, word.find('=')));
}

// A value may begin with a minus, as "-15min" does, but not as an option does.
bool IsOption(const CLI::App& verb, const std::string& word) {
  return word.starts_with("--") || (word.size() == 2 && OptionOf(verb, word) != nullptr);
}

// Whether its value is the next word. Of short options several may stand together, or the value behind one.
bool TakesNextWord(const CLI::Option& option, const std::string& word) {
  return option.get_items_expected_max() > 0 && (word[1] == '-' ? word.find('=') == word.npos : word.size() == 2);
}

// The first word that is neither a verb, an option nor the value of one; ok when there is none.
// `verb` and `called` end as the last verb or action that is known.
Status FirstUnknown(const CLI::App*& verb, const std::vector<std::string>& words, std::string& called) {
  for (size_t i = 0; i < words.size(); i++) {
    const std::string& word = words[i];
    if (word == "--") return Status::Ok();
    if (word.size() > 1 && word[0] == '-') {
      const CLI::Option* option = OptionOf(*verb, word);
      if (option == nullptr) return UnknownOption(*verb, called, word.substr(0, word.find('=')));
      if (TakesNextWord(*option, word)) i++;
      continue;
    }
    const std::vector<std::string> actions = NamesOfActions(*verb);
    if (actions.empty()) continue;
    if (std::find(actions.begin(), actions.end(), word) == actions.end()) return UnknownVerb(*verb, called, word);
    verb = verb->get_subcommand(word);
    called += " " + word;
  }
  return Status::Ok();
}

// Of a command that ends too soon: the value of its last option, or else (`required`) what was not given at all.
std::string WhatIsLacking(const CLI::App& verb, const std::vector<std::string>& words, bool required) {
  for (const CLI::Option* option : verb.get_options()) {
    const bool positional = option->get_positional();
    if (!positional && !required && option->check_name(words.back()))
      return option->get_type_name() + " behind " + words.back();
    if (option->get_required() && option->count() == 0)
      return positional ? option->get_type_name() : option->get_name() + " " + option->get_type_name();
  }
  return "";
}

}  // namespace

std::vector<std::string> HelpAsOption(std::vector<std::string> words) {
  if (words.empty() || words[0] != "help") return words;
  words.erase(words.begin());
  words.push_back("--help");
  return words;
}

Status SeparateValues(const CLI::App& app, std::vector<std::string>& words) {
  const CLI::App* verb = &app;
  for (size_t i = 0; i < words.size() && words[i] != "--"; i++) {
    const std::string word = words[i];
    const CLI::Option* option = OptionOf(*verb, word);
    if (option == nullptr) {
      for (const CLI::App* action : ActionsOf(*verb))
        if (action->get_name() == word) verb = action;
      continue;
    }
    const bool empty = word[1] == '-' && word.find('=') + 1 == word.size();
    if (option->get_items_expected_max() == 0) {
      // The parser would take a flag for given.
      if (empty)
        return Wrong(word.substr(0, word.size() - 1) + " was given an empty value",
                     "Was a variable of the shell not set? Give the option alone, or leave it out.");
      continue;
    }
    if (empty) {
      words[i].pop_back();
      words.insert(words.begin() + static_cast<ptrdiff_t>(++i), "");
    } else if (TakesNextWord(*option, word) && ++i < words.size() && IsOption(*verb, words[i])) {
      return Wrong("\"" + words[i] + "\" stands where the value of " + word + " belongs",
                   "Was a variable of the shell not set? A value that begins so is written --" +
                       option->get_lnames().front() + "=" + words[i] + ".");
    }
  }
  return Status::Ok();
}

Status CheckHelped(const CLI::App& app, const std::vector<std::string>& words) {
  std::string called = "pg_pitr";
  const CLI::App* verb = &app;
  return FirstUnknown(verb, words, called);
}

Status UsageError(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& error) {
  std::string called = "pg_pitr";
  const CLI::App* verb = &app;
  PITR_TRY(FirstUnknown(verb, words, called));
  if (const std::vector<std::string> actions = NamesOfActions(*verb); !actions.empty()) {
    if (verb == &app)
      return Wrong("no verb was given", "The verbs are " + Listed(actions) + ". pg_pitr help VERB explains them.");
    return Wrong("no action of " + called + " was given",
                 "Its actions are " + Listed(actions) + ". " + called + " --help explains them.");
  }
  if (error.get_name() == "RequiredError" || error.get_name() == "ArgumentMismatch") {
    const std::string lacking = WhatIsLacking(*verb, words, error.get_name() == "RequiredError");
    if (!lacking.empty()) return Wrong(called + " needs " + lacking, called + " --help explains it.");
  }
  std::string message = error.what();
  while (message.ends_with('\n') || message.ends_with('.')) message.pop_back();
  if (message.size() > 1 && IsLowerLetter(message[1])) message[0] = LowerCase(message[0]);
  return Wrong(std::move(message), called + " --help explains it.");
}

}  // namespace pitr::cli
