// Characters of ASCII, whatever the locale is, text in quotation marks, and the mark that editors put before UTF-8.
#pragma once
#include <string>
#include <string_view>

namespace pitr {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLowerLetter(char c) { return c >= 'a' && c <= 'z'; }
inline bool IsUpperLetter(char c) { return c >= 'A' && c <= 'Z'; }
inline bool IsLetter(char c) { return IsLowerLetter(c) || IsUpperLetter(c); }
inline bool IsLetterOrDigit(char c) { return IsDigit(c) || IsLetter(c); }
inline std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace pitr
