#include "core/base/nearest_name.h"

#include <algorithm>
#include <cstdint>

namespace pitr {
namespace {

constexpr size_t kMaxWord = 64;  // what is longer resembles nothing

// How many changes make `b` of `a`: a letter more, less or another, or two in the wrong order.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); i++) rows[i][0] = i;
  for (size_t j = 0; j <= b.size(); j++) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    for (size_t j = 1; j <= b.size(); j++) {
      const size_t change = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({change, rows[i - 1][j] + 1, rows[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

std::string NearestName(std::string_view word, const std::vector<std::string>& names) {
  if (word.empty() || word.size() > kMaxWord) return {};
  const std::string* nearest = nullptr;
  size_t nearest_distance = SIZE_MAX;
  for (const std::string& name : names) {
    const size_t distance = Distance(word, name);
    if (distance < nearest_distance) nearest = &name, nearest_distance = distance;
  }
  // A short word becomes any other by a few changes.
  const size_t limit = std::min(std::max<size_t>(2, word.size() / 3), word.size() - 1);
  return nearest == nullptr || nearest_distance > limit ? std::string() : *nearest;
}

}  // namespace pitr
