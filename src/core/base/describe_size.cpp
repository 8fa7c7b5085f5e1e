#include "core/base/describe_size.h"

#include <cstdio>

namespace pitr {
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

std::string DescribeMillis(int64_t millis) {
  if (millis >= 60000) return DescribeSeconds(millis / 1000);
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(millis) / 1000);
  return text;
}

std::string DescribeRate(uint64_t bytes, int64_t millis) {
  if (bytes == 0 || millis <= 0) return "";
  return DescribeBytes(static_cast<uint64_t>(static_cast<double>(bytes) * 1000 / static_cast<double>(millis))) + "/s";
}

std::string DescribeCount(uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string DescribeList(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list;
}

}  // namespace pitr
