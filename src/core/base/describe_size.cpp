#include "core/base/describe_size.h"

#include <algorithm>
#include <cstdio>

namespace pitr {
namespace {

// Columns on a terminal: characters, not bytes.
size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string DescribeBytes(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

std::string DescribeSeconds(int64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  return std::to_string(seconds / 3600) + " h " + std::to_string(seconds % 3600 / 60) + " min";
}

std::string DescribeCount(uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string DescribeList(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

std::string AlignTable(const std::vector<std::vector<std::string>>& rows, int indent) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  bool head = true;
  for (const auto& row : rows) {
    std::string line(static_cast<size_t>(indent), ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    text += line + "\n";
    if (head) {
      std::string rule(static_cast<size_t>(indent), ' ');
      for (size_t i = 0; i < widths.size(); ++i)
        rule += std::string(widths[i], '-') + (i + 1 < widths.size() ? "  " : "");
      text += rule + "\n";
    }
    head = false;
  }
  return text;
}

std::string AlignItems(const std::vector<std::pair<std::string, std::string>>& items, int indent) {
  size_t widest = 0;
  for (const auto& item : items) widest = std::max(widest, Width(item.first));
  std::string text;
  for (const auto& [item, value] : items) {
    const std::string margin(static_cast<size_t>(indent), ' ');
    std::string line = margin + item + std::string(widest - Width(item) + 2, ' ');
    const std::string next(static_cast<size_t>(indent) + widest + 2, ' ');
    for (char c : value) {
      line += c;
      if (c == '\n') line += next;
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace pitr
