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
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsControlAt(text, i)) continue;
    std::string escaped = "$'";
    for (size_t at = 0; at < text.size(); ++at)
      escaped += IsControlAt(text, at)                  ? ShownByte(text[at])
                 : text[at] == '\'' || text[at] == '\\' ? std::string("\\") + text[at]
                                                        : std::string(1, text[at]);
    return escaped + "'";
  }
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace pitr
