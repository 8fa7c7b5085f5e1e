// Names that others have chosen (files, above all), as they may stand in a message. Any thread.
#pragma once
#include <string>
#include <string_view>

namespace pitr {

// Whether the character at `at` moves a terminal's cursor, or worse: a control character of ASCII, or, in UTF-8, one of
// the two bytes of those from U+0080 to U+009F.
inline bool IsControlAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0x20U; };
  const auto is_high = [](unsigned char first, unsigned char second) {
    return first == 0xC2 && second >= 0x80 && second <= 0x9F;
  };
  return byte(at) < 0x20 || byte(at) == 0x7F || is_high(byte(at), byte(at + 1)) ||
         (at > 0 && is_high(byte(at - 1), byte(at)));
}

// "\x1b" for a byte.
inline std::string ShownByte(char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  return std::string("\\x") + digits[value >> 4] + digits[value & 15];
}

// `name` on one line that a terminal shows as it is: control characters, line feeds among them, as "\x0a".
inline std::string ShownName(std::string_view name) {
  std::string shown;
  for (size_t i = 0; i < name.size(); ++i) shown += IsControlAt(name, i) ? ShownByte(name[i]) : std::string(1, name[i]);
  return shown;
}

}  // namespace pitr
