// Characters of ASCII, whatever the locale is, text in quotation marks, and the mark that editors put before UTF-8.
#pragma once
#include <string>
#include <string_view>

namespace pitr {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsLetterOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline std::string Quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

}  // namespace pitr
