#include "core/restore/tablespace_map.h"

#include <filesystem>

namespace pitr {

TablespaceMap::const_iterator FindMapping(const TablespaceMap& map, uint32_t oid, const std::string& path) {
  const auto by_number = map.find(std::to_string(oid));
  return by_number == map.end() ? map.find(path) : by_number;
}

std::optional<std::string> MappedPlace(const TablespaceMap& map, uint32_t oid, const std::string& path) {
  const auto given = FindMapping(map, oid, path);
  if (given == map.end()) return std::nullopt;
  std::string place = std::filesystem::path(given->second).lexically_normal().string();
  while (place.size() > 1 && place.back() == '/') place.pop_back();
  return place;
}

std::string PlaceOf(const TablespaceMap& map, uint32_t oid, const std::string& path) {
  return path.empty() ? path : MappedPlace(map, oid, path).value_or(path);
}

}  // namespace pitr
