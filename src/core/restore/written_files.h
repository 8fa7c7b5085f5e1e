// The files that a restore writes, kept open from the first write until they are synced.
//
// Linux tells an error of writing back to the descriptors that were open when it happened (errseq_t). When there is
// none it is kept with the file's pages in memory, and forgotten with them; then a file that is opened to be synced
// syncs without an error although its bytes never reached the disk. So a file is closed only after a successful fsync
// of the descriptor that it was written through. Any thread. Open files: as many as the process may have, less some,
// and some 200 bytes for each.
#pragma once
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "core/base/op_context.h"
#include "core/restore/cluster_tree.h"

namespace pitr {

class WrittenFiles {
 public:
  // `tree` is borrowed. `most_open` 0: what the process's limit allows, which is raised for it.
  explicit WrittenFiles(const ClusterTree& tree, size_t most_open = 0);

  // Keeps `fd`, through which the file at `path` (by number: its index in the window of the file map) was or will be
  // written. May sync and close another file. FileError.
  Status Keep(uint32_t number, const std::string& path, UniqueFd fd);
  // Other files have the numbers from here on; those that are kept are written to no more, and stay to be synced.
  void EndNumbers();
  // The descriptor of a file that is kept, or a new one, for reading and writing; not closed while it is held.
  Result<std::shared_ptr<UniqueFd>> Open(uint32_t number, const std::string& path);

  // Syncs and closes every file that is kept. Nobody writes any more.
  Status SyncAll(int jobs, const OpContext& ctx);

  size_t open_files() const;

 private:
  struct File {
    uint32_t number = 0;
    std::string path;
    std::shared_ptr<UniqueFd> fd;
  };
  Status Sync(const File& file) const;
  // Puts a file first; the one to be synced and closed in exchange, if any.
  File Insert(File file);

  const ClusterTree& tree_;
  const size_t most_open_;
  mutable std::mutex mutex_;
  std::list<File> files_;                                 // the one used last first; protected by mutex_
  std::map<uint32_t, std::list<File>::iterator> places_;  // protected by mutex_
};

}  // namespace pitr
