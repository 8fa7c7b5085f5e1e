// Lists the files below a directory in the byte order of their whole paths, which is S3's order and not that of
// a walk by directory ('-' and '.' sort before '/', digits after). Reads only directories that can hold
// a key asked for. A symbolic link among them is an error. Any thread.
#pragma once
#include <string>

#include "core/store/directory_tree.h"
#include "core/store/object_store.h"

namespace pitr {

struct WalkQuery {
  std::string prefix;
  std::string start_after;
  size_t limit = kMaxListPage;  // files, after which no other directory is begun
  size_t most = kMaxListPage;   // files, if they are all in the directory that was read last
};

// True for names in the root that belong to file systems ("lost+found", ".snapshot", ".zfs").
bool IsForeignRootName(std::string_view name);

// A page of the files of the tree whose path is a valid key; other names are left out. Reads the directories that it
// takes files from, those that lead there, and one more; none that lies before `start_after`. What is removed
// meanwhile may or may not be listed; what stays is. Errors as DirectoryTree::Error(), never an incomplete page.
Result<ListPage> WalkKeys(const DirectoryTree& tree, const WalkQuery& query, const OpContext& ctx);

// The paths of all files below `directory` (ending in '/'), whatever their names, in no
// order, at most `limit`. A missing directory has none.
Result<std::vector<std::string>> WalkFiles(const DirectoryTree& tree, const std::string& directory, size_t limit,
                                           const OpContext& ctx);

// The directories in `directory`, which ends in '/', by their paths without that. A missing one has none.
Result<std::vector<std::string>> ListDirectories(const DirectoryTree& tree, const std::string& directory,
                                                 const OpContext& ctx);

}  // namespace pitr
