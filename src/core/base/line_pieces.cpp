#include "core/base/line_pieces.h"

#include <algorithm>
#include <string_view>

#include "core/base/ascii.h"

namespace pitr {
namespace {

constexpr std::string_view kPrograms[] = {"pg_pitr", "pg_ctl", "psql", "rm", "sudo"};
// What follows them is an argument, whatever it looks like.
constexpr std::string_view kVerbsWithWord[] = {"key", "timeline", "pin", "unpin", "merge", "help"};

bool IsOneOf(std::string_view word, const auto& words) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool IsProgram(std::string_view word) {
  if (word.starts_with('(')) word.remove_prefix(1);
  if (const size_t slash = word.rfind('/'); slash != word.npos) word.remove_prefix(slash + 1);
  return IsOneOf(word, kPrograms);
}

bool EndsSentence(std::string_view word) { return !word.empty() && word.find_last_of(".,;:)") == word.size() - 1; }

// `text` cut at blanks, but not between quotes that begin a word.
std::vector<std::string> WordsOf(const std::string& text) {
  std::vector<std::string> words(1);
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins = i == 0 || text[i - 1] == ' ' || text[i - 1] == '=';
    if (quote == 0 && begins && (c == '\'' || c == '"') && text.find(c, i + 1) != text.npos) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
    if (c == ' ' && quote == 0) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool LooksLikeArgument(std::string_view word) {
  if (word.empty()) return false;
  const char first = word.front();
  if (first == '-' || first == '\'' || first == '"' || IsDigit(first)) return true;
  if (word.find('/') != word.npos || word.find('=') != word.npos) return true;
  return std::all_of(word.begin(), word.end(), [](char c) { return !IsLowerLetter(c); });
}

class Cutter {
 public:
  explicit Cutter(bool whole) : whole_(whole) {}

  void Add(const std::string& word) {
    if (word.empty()) {
      pieces_.push_back({word, false});
    } else if (whole_ && !pieces_.empty()) {
      AddArgument(word);
    } else if (in_command_ && (expects_ || LooksLikeArgument(word) || IsProgram(word))) {
      AddArgument(word);
    } else {
      in_command_ = IsProgram(word);
      takes_value_ = false;
      pieces_.push_back({word, false});
    }
    if (!in_command_) return;
    if (!whole_ && EndsSentence(word)) in_command_ = false;
    // "pg_pitr VERB": nobody looks for the verb on the next line.
    const bool program = IsProgram(word);
    expects_ = program || (joins_ && IsOneOf(word, kVerbsWithWord)) || takes_value_;
    joins_ = program && word != "sudo";
  }
  std::vector<LinePiece> Take() { return std::move(pieces_); }

 private:
  void AddArgument(const std::string& word) {
    const bool option = word.front() == '-';
    if (joins_ || (takes_value_ && !option)) {
      pieces_.back().text += " " + word;
    } else {
      pieces_.push_back({word, true});
    }
    takes_value_ = option && word != "-r" && word.find('=') == word.npos;
  }

  const bool whole_;
  bool in_command_ = false, expects_ = false, joins_ = false, takes_value_ = false;
  std::vector<LinePiece> pieces_;
};

}  // namespace

std::vector<LinePiece> LinePieces(const std::string& line) {
  const bool command = IsProgram(line.substr(0, line.find(' '))) && line.find("  ") == line.npos;
  Cutter cutter(command);
  for (const std::string& word : WordsOf(line)) cutter.Add(word);
  return cutter.Take();
}

}  // namespace pitr
