// Text as one word of a shell command.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/ascii.h"

namespace pitr {

// As it is where that will do, else between single quotes.
inline std::string ShellWord(std::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetterOrDigit(c) || std::string_view("/._-+:@,").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace pitr
