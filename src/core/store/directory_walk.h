// Lists the files below a directory in the byte order of their whole paths, which is S3's order and not that of
// a walk by directory ('-' and '.' sort before '/', digits after). Reads only directories that can hold
// a key asked for. Any thread; the descriptor is borrowed.
#pragma once
#include <string>

#include "core/store/object_store.h"

namespace pitr {

struct WalkQuery {
  std::string prefix;
  std::string start_after;
  size_t limit = kMaxListPage;
};

// True for names in the root that belong to file systems ("lost+found", ".snapshot", ".zfs").
bool IsForeignRootName(std::string_view name);

// Up to `limit` files under `root` whose path is a valid key; other names are left out. What is
// removed meanwhile may or may not be listed; what stays is. Errors as FileError(), never an incomplete page.
Result<ListPage> WalkKeys(int root, const WalkQuery& query, const OpContext& ctx);

// The paths of all files below `directory` (relative to `root`, ending in '/'), whatever their names, in no
// order, at most `limit`. A missing directory has none.
Result<std::vector<std::string>> WalkFiles(int root, const std::string& directory, size_t limit, const OpContext& ctx);

}  // namespace pitr
