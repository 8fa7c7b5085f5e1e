#include "cli/print.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/screen.h"
#include "core/base/ascii.h"
#include "core/base/json_page.h"
#include "core/base/shell_word.h"
#include "core/base/shown_name.h"
#include "core/base/text_page.h"

namespace pitr::cli {
namespace {

constexpr std::string_view kProgram = "pg_pitr ";

struct CommandConfig {
  std::string option;  // a word of the shell; empty: none was given
  std::set<std::string> verbs;
};

CommandConfig& Given() {
  static CommandConfig given;
  return given;
}

bool IsPartOfAWord(char c) { return IsLetterOrDigit(c) || c == '_' || c == '-' || c == '.' || c == '/'; }

// `word`: as it is to stand in the text.
std::string Completed(const std::string& text, const std::string& word, const std::set<std::string>& verbs) {
  if (word.empty()) return text;
  std::string out;
  size_t from = 0;
  for (size_t at = text.find(kProgram); at != std::string::npos; at = text.find(kProgram, at + 1)) {
    if (at > 0 && IsPartOfAWord(text[at - 1])) continue;
    const size_t begin = at + kProgram.size();
    size_t end = begin;
    while (end < text.size() && (IsLowerLetter(text[end]) || text[end] == '-')) end++;
    if (!verbs.contains(text.substr(begin, end - begin))) continue;
    const std::string_view rest = std::string_view(text).substr(end);
    if (rest.starts_with(" --config ") || rest.starts_with(" -c ")) continue;
    out += text.substr(from, end - from) + " --config " + word;
    from = end;
  }
  return out + text.substr(from);
}

size_t page_width = kAnyWidth;
bool whole_lines = false;  // was asked for

constexpr std::string_view kErrorTone = "\x1b[1;31m", kWarningTone = "\x1b[1;35m", kPlainTone = "\x1b[0m";

// The names of files and other people's texts are in it, and only this program's own colours may reach a terminal.
std::string WithoutControls(const std::string& text) {
  std::string shown;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    std::string_view tone;
    for (const std::string_view own : {kErrorTone, kWarningTone, kPlainTone})
      if (rest.starts_with(own)) tone = own;
    if (!tone.empty()) {
      shown += tone;
      i += tone.size() - 1;
    } else {
      const bool kept = text[i] == '\n' || text[i] == '\t' || !IsControlAt(text, i);
      shown += kept ? std::string(1, text[i]) : ShownByte(text[i]);
    }
  }
  return shown;
}

void PrintAll(FILE* to, const std::string& text) { std::fputs(text.c_str(), to); }

}  // namespace

void NameConfigInCommands(const std::string& given, const std::set<std::string>& verbs) {
  Given() = {given.empty() ? "" : ShellWord(given), verbs};
}

std::string WithConfig(const std::string& text, const std::string& config, const std::set<std::string>& verbs) {
  return Completed(text, config.empty() ? "" : ShellWord(config), verbs);
}

std::string WithConfig(const std::string& text) { return Completed(text, Given().option, Given().verbs); }

void SetPageWidth(size_t columns) {
  page_width = columns;
  whole_lines = columns == kAnyWidth;
}

size_t PageWidth() { return page_width; }

void PrintText(const std::string& text) { PrintAll(stdout, WrapPage(WithConfig(WithoutControls(text)), page_width)); }

void PrintJson(const nlohmann::ordered_json& json) {
  std::string word = Given().option;
  if (!word.empty()) {
    const std::string quoted = JsonPage(word);
    word = quoted.substr(1, quoted.size() - 2);
  }
  PrintAll(stdout, Completed(JsonPage(json), word, Given().verbs) + "\n");
}

void Echo(const std::string& option, const std::string& text, const std::string& understood) {
  const auto without_spaces = [](std::string value) {
    std::erase(value, ' ');
    return value;
  };
  if (without_spaces(text) != without_spaces(understood))
    PrintToStderr("pg_pitr: " + option + " " + text + " is " + understood + "\n");
}

std::string InTone(const std::string& word, Tone tone) {
  if (!MayColour(stderr)) return word;
  return std::string(tone == Tone::kError ? kErrorTone : kWarningTone) + word + std::string(kPlainTone);
}

void PrintToStderr(const std::string& text) {
  const bool wrapped = IsTerminal(stderr) && !whole_lines;
  PrintAll(stderr, WrapPage(WithConfig(WithoutControls(text)), wrapped ? ScreenColumns(stderr) : kAnyWidth));
}

}  // namespace pitr::cli
