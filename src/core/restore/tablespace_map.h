// Where the operator wants tablespaces: what was asked for with --tablespace, by OID or by the place that the backup or
// WAL names. A plain value; any thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace pitr {

using TablespaceMap = std::map<std::string, std::string>;  // OID or old path -> new path, as they were written

// The entry for the tablespace `oid` of `path`: its number counts before its place. map.end(): there is none.
TablespaceMap::const_iterator FindMapping(const TablespaceMap& map, uint32_t oid, const std::string& path);

// Where it was mapped to, without what a path may have too much; nullopt: nowhere, it goes to `path`.
std::optional<std::string> MappedPlace(const TablespaceMap& map, uint32_t oid, const std::string& path);

// Where it goes. An empty `path` is a place inside the data directory, and stays empty.
std::string PlaceOf(const TablespaceMap& map, uint32_t oid, const std::string& path);

}  // namespace pitr
