// Text as one word of a shell command.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/ascii.h"
#include "core/base/shown_name.h"

namespace pitr {

// As it is where that will do, else between single quotes; with control characters as bash writes them, so that a line
// which is printed can be read and pasted.
inline std::string ShellWord(std::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetterOrDigit(c) || std::string_view("/._-+:@,").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(text);
  if (ShownName(text) != text) {
    std::string escaped = "$'";
    for (size_t i = 0; i < text.size(); ++i)
      escaped += IsControlAt(text, i)                 ? ShownByte(text[i])
                 : text[i] == '\'' || text[i] == '\\' ? std::string("\\") + text[i]
                                                      : std::string(1, text[i]);
    return escaped + "'";
  }
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace pitr
