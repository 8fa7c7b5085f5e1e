// Upper and lower case of ASCII letters, whatever the locale is: a server process has one.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/ascii.h"

namespace pitr {

inline char LowerCase(char c) { return IsUpperLetter(c) ? static_cast<char>(c - 'A' + 'a') : c; }
inline char UpperCase(char c) { return IsLowerLetter(c) ? static_cast<char>(c - 'a' + 'A') : c; }

inline std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = LowerCase(c);
  return lower;
}
inline std::string UpperCase(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = UpperCase(c);
  return upper;
}
inline bool SameButForCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return LowerCase(x) == LowerCase(y); });
}
inline bool StartsWithButForCase(std::string_view text, std::string_view with) {
  return SameButForCase(text.substr(0, with.size()), with);
}

}  // namespace pitr
