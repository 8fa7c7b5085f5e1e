#include "cli/completion.h"

#include <algorithm>
#include <array>

#include "cli/actions.h"
#include "core/base/ascii.h"
#include "core/restore/target.h"

namespace pitr::cli {
namespace {

// As the shell will pass it on: without quotes.
std::string Unquoted(const std::string& word) {
  std::string plain;
  char quote = 0;
  for (size_t i = 0; i < word.size(); i++) {
    const char c = word[i];
    if (c == '\\' && quote != '\'' && i + 1 < word.size()) {
      plain += word[++i];
    } else if ((c == '\'' || c == '"') && (quote == 0 || quote == c)) {
      quote = quote == 0 ? c : 0;
    } else {
      plain += c;
    }
  }
  return plain;
}

// bash splits at "=".
std::vector<std::string> WholeWords(const std::vector<std::string>& words) {
  std::vector<std::string> whole;
  for (size_t i = 0; i < words.size(); i++)
    if (words[i] != "=" || whole.empty() || !whole.back().starts_with("--"))
      whole.push_back(Unquoted(words[i]));
    else if (i + 1 == words.size())
      whole.emplace_back();  // "=" and nothing behind it yet
  return whole;
}

std::string FirstSentence(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  return line.substr(0, line.find("; "));
}

class Completer {
 public:
  Completer(const CLI::App& app, const StoredNames& stored) : verb_(&app), stored_(stored) {}

  Completion Of(const std::vector<std::string>& typed) {
    if (typed.empty()) return {};
    const std::vector<std::string> words = WholeWords(typed);
    for (size_t i = 0; i + 1 < words.size(); i++) Pass(words[i]);
    last_ = words.back();
    if (waiting_ != nullptr) {
      Values(*waiting_, "");
    } else if (const size_t equals = last_.find('='); last_.starts_with("--") && equals != std::string::npos) {
      const CLI::Option* option = verb_->get_option_no_throw(last_.substr(0, equals));
      const std::string front = last_.substr(0, equals + 1);
      last_.erase(0, equals + 1);
      if (option != nullptr) Values(*option, front);
    } else if (last_.starts_with('-') && !only_names_) {
      Options();
    } else {
      Names();
    }
    return std::move(result_);
  }

 private:
  // A word before the one that is completed.
  void Pass(const std::string& word) {
    if (waiting_ != nullptr) {
      if (waiting_->check_lname("config")) config_ = word;
      waiting_ = nullptr;
    } else if (word == "--") {
      only_names_ = true;
    } else if (word.size() > 1 && word[0] == '-' && !only_names_) {
      const size_t equals = word.find('=');
      const CLI::Option* option =
          verb_->get_option_no_throw(word[1] == '-' ? word.substr(0, equals) : word.substr(0, 2));
      if (option == nullptr) return;
      given_.push_back(option);
      const bool with_value = equals != word.npos || (word[1] != '-' && word.size() > 2);
      if (option->get_items_expected_max() > 0 && !with_value) waiting_ = option;
      if (option->check_lname("config") && equals != word.npos) config_ = word.substr(equals + 1);
    } else if (const auto actions = ActionsOf(*verb_); !actions.empty()) {
      if (word == "help") helping_ = true;
      for (const CLI::App* action : actions)
        if (action->get_name() == word) verb_ = action;
    } else {
      positionals_++;
    }
  }

  void Offer(const std::string& text, const std::string& description, const std::string& front = "") {
    if (text.starts_with(last_)) result_.candidates.push_back({front + text, FirstSentence(description)});
  }

  void Options() {
    for (const CLI::Option* option : verb_->get_options()) {
      const bool again = option->get_items_expected_max() > 1;
      if (!again && std::find(given_.begin(), given_.end(), option) != given_.end()) continue;
      for (const std::string& name : option->get_lnames()) Offer("--" + name, option->get_description());
    }
  }

  void Names() {
    const auto actions = ActionsOf(*verb_);
    for (const CLI::App* action : actions) Offer(action->get_name(), action->get_description());
    if (!actions.empty()) {
      if (verb_->get_parent() == nullptr && !helping_) Offer("help", "Explain a verb");
      return;
    }
    if (helping_) return;
    size_t number = 0;
    for (const CLI::Option* option : verb_->get_options())
      if (option->get_positional() && (number++ == positionals_ || option->get_items_expected_max() > 1)) {
        Values(*option, "");
        return;
      }
  }

  // What may stand for the value of `option`. The type's name says it, and the choices behind it.
  void Values(const CLI::Option& option, const std::string& front) {
    const std::string type = option.get_type_name();
    const size_t open = type.find('{'), close = type.rfind('}');
    if (open != type.npos && close != type.npos) {
      for (std::string rest = type.substr(open + 1, close - open - 1); !rest.empty();) {
        const size_t comma = rest.find(',');
        Offer(rest.substr(0, comma), "", front);
        rest.erase(0, comma == rest.npos ? comma : comma + 1);
      }
    } else if (type == "ACTION") {
      for (const TargetAction action : {TargetAction::kPromote, TargetAction::kPause, TargetAction::kShutdown})
        Offer(std::string(TargetActionName(action)), "", front);
    } else if (type == "TLI") {
      Offer("latest", "the timeline that the target belongs to", front);
      Offer("current", "the backup's timeline", front);
    } else if (type == "LABEL" || type == "BACKUP") {
      for (const std::string& label : stored_(StoredName::kBackup, config_)) Offer(label, "", front);
    } else if (type == "NAME") {
      for (const std::string& name : stored_(StoredName::kRestorePoint, config_)) Offer(name, "", front);
    } else if (type.starts_with("DIR")) {
      result_.paths = Completion::Paths::kDirectories;
    } else if (type.starts_with("FILE")) {
      result_.paths = Completion::Paths::kFiles;
    }
  }

  const CLI::App* verb_;
  const StoredNames& stored_;
  std::string last_;
  std::string config_;
  const CLI::Option* waiting_ = nullptr;  // for its value
  std::vector<const CLI::Option*> given_;
  size_t positionals_ = 0;
  bool only_names_ = false;  // behind "--"
  bool helping_ = false;
  Completion result_;
};

}  // namespace

Completion Complete(const CLI::App& app, const std::vector<std::string>& words, const StoredNames& stored) {
  return Completer(app, stored).Of(words);
}

std::string CompletionLines(const Completion& completion) {
  if (completion.paths == Completion::Paths::kFiles) return ":files\n";
  if (completion.paths == Completion::Paths::kDirectories) return ":directories\n";
  std::string lines;
  for (const Candidate& candidate : completion.candidates)
    lines += candidate.text + "\t" + candidate.description + "\n";
  return lines;
}

}  // namespace pitr::cli
