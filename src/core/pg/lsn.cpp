#include "core/pg/lsn.h"

#include <charconv>
#include <cstdio>

namespace pitr {

std::string Lsn::ToString() const {
  char text[24];
  snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(value >> 32), static_cast<unsigned>(value));
  return text;
}

namespace {
std::optional<uint32_t> ParseHalf(std::string_view text) {
  if (text.empty() || text.size() > 8) return std::nullopt;
  uint32_t half = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), half, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return half;
}
}  // namespace

std::optional<Lsn> Lsn::Parse(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  auto high = ParseHalf(text.substr(0, slash));
  auto low = ParseHalf(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return Lsn{uint64_t{*high} << 32 | *low};
}

}  // namespace pitr
