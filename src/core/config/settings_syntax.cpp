// ParseSettingsText of settings_file.h: postgresql.conf syntax, line by line.
#include "core/base/ascii.h"
#include "core/config/settings_file.h"

namespace pitr {
namespace {

bool IsNameLetter(char c) { return IsLetter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// A cursor in one line. Every Take function returns false and leaves the cursor anywhere when the text does not fit.
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) {}
  bool AtEnd() const { return at_ == text_.size() || text_[at_] == '#'; }
  void SkipBlanks() {
    while (at_ < text_.size() && IsBlank(text_[at_])) at_++;
  }
  bool Skip(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    at_++;
    return true;
  }
  std::string_view Rest() const { return text_.substr(at_, 40); }

  // name or class.name
  bool TakeName(std::string& name) {
    const size_t start = at_;
    if (!TakeIdentifier()) return false;
    if (Skip('.') && !TakeIdentifier()) return false;
    name = text_.substr(start, at_ - start);
    return true;
  }

  bool TakeValue(std::string& value) {
    if (Skip('\'')) return TakeQuoted(value);
    const size_t start = at_;
    if (at_ < text_.size() && IsNameLetter(text_[at_]) ? !TakeWord() : !TakeNumber()) return false;
    value = text_.substr(start, at_ - start);
    return true;
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool TakeIdentifier() {
    if (!IsNameLetter(Peek())) return false;
    while (at_ < text_.size() && (IsNameLetter(text_[at_]) || IsDigit(text_[at_]) || text_[at_] == '$')) at_++;
    return true;
  }

  bool TakeWord() {
    while (at_ < text_.size() && (IsNameLetter(text_[at_]) || IsDigit(text_[at_]) ||
                                  std::string_view("-._:/$").find(text_[at_]) != std::string_view::npos))
      at_++;
    return true;
  }

  // An integer with a unit, or a number with a fraction or exponent.
  bool TakeNumber() {
    if (Peek() == '-' || Peek() == '+') at_++;
    const size_t start = at_;
    while (IsDigit(Peek())) at_++;
    if (Peek() == '.') {
      at_++;
      while (IsDigit(Peek())) at_++;
      if (at_ == start + 1) return false;
      return TakeExponent();
    }
    if (at_ == start) return false;
    while (IsLetterOrDigit(Peek())) at_++;  // "8MB", "0x1F"; the value itself is checked where its meaning is known
    return true;
  }

  bool TakeExponent() {
    if (Peek() != 'e' && Peek() != 'E') return true;
    at_++;
    if (Peek() == '-' || Peek() == '+') at_++;
    if (!IsDigit(Peek())) return false;
    while (IsDigit(Peek())) at_++;
    return true;
  }

  // After the opening quote; '' is a quote, and backslashes escape.
  bool TakeQuoted(std::string& value) {
    value.clear();
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '\'') {
        if (!Skip('\'')) return true;
        value += '\'';
      } else if (c == '\\') {
        if (at_ == text_.size()) return false;
        value += TakeEscape();
      } else {
        value += c;
      }
    }
    return false;
  }

  char TakeEscape() {
    const char c = text_[at_++];
    switch (c) {
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      default:
        break;
    }
    if (c < '0' || c > '7') return c;
    int octal = c - '0';
    for (int digits = 1; digits < 3 && Peek() >= '0' && Peek() <= '7'; digits++)
      octal = octal * 8 + (text_[at_++] - '0');
    return static_cast<char>(octal);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<std::vector<SettingsLine>> ParseSettingsText(std::string_view text, const std::string& file) {
  std::vector<SettingsLine> lines;
  int number = 0;
  while (!text.empty()) {
    number++;
    const size_t newline = text.find('\n');
    Line line(text.substr(0, newline));
    text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    line.SkipBlanks();
    if (line.AtEnd()) continue;
    SettingsLine parsed;
    parsed.line = number;
    const std::string_view begin = line.Rest();
    bool ok = line.TakeName(parsed.name);
    line.SkipBlanks();
    if (line.Skip('=')) line.SkipBlanks();
    ok = ok && line.TakeValue(parsed.value);
    line.SkipBlanks();
    if (!ok || !line.AtEnd())
      return Status(Code::kInvalidArgument, "syntax error in file \"" + file + "\" line " + std::to_string(number) +
                                                ", near \"" + std::string(begin.substr(0, 20)) + "\"")
          .WithHint("Write name = value; put values with other characters than letters and digits in single quotes.");
    lines.push_back(std::move(parsed));
  }
  return lines;
}

}  // namespace pitr
