// A strict pull scanner for one short JSON text, and the writing of JSON strings. For the file map, whose millions of
// lines a DOM would make slow; everything else is read with base/json.h and json_fields.h. Accepts a subset of RFC
// 8259: numbers that are wanted must be integers, nesting is bounded, strings must be UTF-8. One thread. Borrows the
// text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pitr {

// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF).
bool IsUtf8(std::string_view text);

// Appends `text`, which must be UTF-8, as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string& out);
void AppendDecimal(uint64_t value, std::string& out);
void AppendDecimal(int64_t value, std::string& out);

// Every function skips white space before what it looks for and returns false, without a promise about the position,
// when that is not there.
class JsonScanner {
 public:
  static constexpr int kMaxDepth = 32;
  explicit JsonScanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // One of { } [ ] , : when it comes next; the position stays when it does not.
  bool Consume(char c);
  // Decodes the escapes; `out` is replaced.
  bool String(std::string& out);
  // Plain digits only: no sign, fraction, exponent or leading zero.
  bool Unsigned(uint64_t& out);
  bool Signed(int64_t& out);
  // Any one value.
  bool Skip() { return SkipValue(0); }
  bool AtEnd();

 private:
  void SkipSpace();
  bool Escape(std::string& out);
  bool Hex4(uint32_t& out);
  bool SkipValue(int depth);
  bool SkipNumber();
  bool Literal(std::string_view word);

  const char* at_;
  const char* end_;
};

}  // namespace pitr
