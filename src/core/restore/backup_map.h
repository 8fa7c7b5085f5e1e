// The file map of the backup that is restored. It is read some pages at a time, as often as somebody needs it: once
// before anything is written, to know what there is to refuse; with delta twice more, for what the directory has and
// the backup does not; and to restore the files. Constant after it was opened; any thread.
//
// Errors name the backup and say how to go on without it.
#pragma once
#include <functional>
#include <string>

#include "core/repo/maps/map_window.h"

namespace pitr {

// An error of reading backup `label`, with what to do when it is damaged.
Status OfDamagedBackup(Status status, const std::string& label);

class BackupMap {
 public:
  // Reads the list. `repository` and `backup` are borrowed. Errors as ReadMapPages.
  static Result<BackupMap> Open(const Repository& repository, const BackupManifest& backup, int jobs,
                                size_t window_bytes, const OpContext& ctx);

  const MapPageList& list() const { return list_; }
  // From page `first` on; errors and memory as ReadMapWindow.
  Result<MapWindow> Window(size_t first, const OpContext& ctx) const;
  // All files, in order of their paths. The visitor's errors are returned as they are.
  Status Visit(const std::function<Status(const FileMap& window)>& visit, const OpContext& ctx) const;

 private:
  BackupMap(const Repository& repository, const BackupManifest& backup, int jobs, size_t window_bytes, MapPageList list)
      : repository_(&repository), backup_(&backup), jobs_(jobs), window_bytes_(window_bytes), list_(std::move(list)) {}
  const Repository* repository_;
  const BackupManifest* backup_;
  int jobs_;
  size_t window_bytes_;
  MapPageList list_;
};

// Whether the backup has a file of some path, for who asks in about the order of the paths: some pages' are held at a
// time. One thread. Memory: the paths of a window.
class MappedPaths {
 public:
  explicit MappedPaths(const BackupMap& map) : map_(map) {}
  Result<bool> Contains(std::string_view path, const OpContext& ctx);

 private:
  const BackupMap& map_;
  size_t first_ = 0;  // of the pages whose paths are held
  size_t end_ = 0;
  std::vector<std::string> paths_;
};

}  // namespace pitr
