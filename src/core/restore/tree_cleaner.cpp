#include "core/restore/tree_cleaner.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/pg/relation_file.h"
#include "core/restore/restore_guard.h"
#include "core/restore/restore_state.h"
#include "core/restore/wal_aside.h"
#include "core/store/directory_walk.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr int kMaxDepth = 64;

std::string Join(std::string_view directory, const std::string& name) {
  return directory.empty() ? name : std::string(directory) + "/" + name;
}

class Cleaner {
 public:
  Cleaner(const ClusterTree& tree, const TreeContent& content, const OpContext& ctx)
      : tree_(tree), content_(content), ctx_(ctx) {}

  Status Clean(const std::string& directory, int depth) {
    PITR_TRY(ctx_.Check());
    if (depth > kMaxDepth) return {Code::kConflict, "\"" + tree_.Locate(directory) + "\" is nested too deeply"};
    if (!directory.empty()) PITR_TRY(tree_.MakeAccessible(directory));
    PITR_ASSIGN(const std::vector<std::string> names, tree_.List(directory));
    for (const std::string& name : names) {
      const std::string path = Join(directory, name);
      if (directory.empty() && Stays(name)) continue;
      auto info = tree_.Stat(path);
      if (info.code() == Code::kNotFound) continue;
      if (!info.ok()) return info.status();
      PITR_TRY(CleanEntry(path, info.value(), depth));
    }
    return Status::Ok();
  }

  uint64_t removed() const { return removed_; }

 private:
  static bool Stays(const std::string& name) {
    return name == kRestoreStatePath || name.starts_with(kAsidePrefix) || IsForeignRootName(name);
  }

  Status CleanEntry(const std::string& path, const struct stat& info, int depth) {
    if (S_ISDIR(info.st_mode)) {
      // Its path leads to the tablespace, so it must not be walked into. CheckTablespaces has refused it.
      if (content_.links.contains(path)) return {Code::kInternal, "\"" + path + "\" became a directory"};
      if (content_.directories.contains(path)) return Clean(path, depth + 1);
      if (IsServerLogPath(path)) return Status::Ok();
      return RemoveTree(path, info.st_dev, depth + 1);
    }
    if (S_ISREG(info.st_mode) && (content_.files.contains(path) || IsServerLogPath(path))) return Status::Ok();
    if (S_ISLNK(info.st_mode) && content_.links.contains(path)) return Status::Ok();
    ++removed_;
    return tree_.Unlink(path);
  }

  Status RemoveTree(const std::string& path, dev_t device, int depth) {
    PITR_TRY(ctx_.Check());
    if (depth > kMaxDepth) return {Code::kConflict, "\"" + tree_.Locate(path) + "\" is nested too deeply"};
    const size_t slash = path.rfind('/');
    PITR_ASSIGN(
        const UniqueFd parent,
        tree_.OpenDirectory(slash == std::string::npos ? std::string_view() : std::string_view(path).substr(0, slash)));
    struct stat info;
    if (fstat(parent.get(), &info) != 0) return FileError(errno, "looking at \"" + tree_.Locate(path) + "\"");
    if (info.st_dev != device)
      return Status(Code::kConflict,
                    "\"" + tree_.Locate(path) + "\" is a mount point and does not belong to the backup")
          .WithHint("Unmount it, or move it out of the data directory.");
    PITR_TRY(tree_.MakeAccessible(path));
    PITR_ASSIGN(const std::vector<std::string> names, tree_.List(path));
    for (const std::string& name : names) {
      const std::string below = Join(path, name);
      PITR_ASSIGN(const struct stat entry, tree_.Stat(below));
      if (S_ISDIR(entry.st_mode)) {
        PITR_TRY(RemoveTree(below, entry.st_dev, depth + 1));
      } else {
        PITR_TRY(tree_.Unlink(below));
        ++removed_;
      }
    }
    ++removed_;
    return tree_.RemoveDirectory(path);
  }

  const ClusterTree& tree_;
  const TreeContent& content_;
  const OpContext& ctx_;
  uint64_t removed_ = 0;
};

}  // namespace

bool IsServerLogPath(std::string_view path) {
  return path == "log" || path == "pg_log" || path.starts_with("log/") || path.starts_with("pg_log/");
}

TreeContent TreeContent::Of(const FileMap& map, int pg_major) {
  TreeContent content;
  auto add_parents = [&](std::string_view path) {
    for (size_t slash = path.rfind('/'); slash != std::string_view::npos; slash = path.rfind('/')) {
      path = path.substr(0, slash);
      if (!content.directories.emplace(path).second) break;
    }
  };
  for (const MappedFile& file : map.files) {
    content.files.insert(file.path);
    add_parents(file.path);
  }
  for (const MappedDirectory& directory : map.directories) {
    if (directory.path.empty() || directory.path == ".") continue;
    content.directories.insert(directory.path);
    add_parents(directory.path);
  }
  for (const std::string& required : RequiredDirectories(pg_major)) {
    content.directories.insert(required);
    add_parents(required);
  }
  return content;
}

Result<uint64_t> RemoveForeignFiles(const ClusterTree& tree, const FileMap& map, const TreeContent& content,
                                    const OpContext& ctx) {
  Cleaner cleaner(tree, content, ctx);
  PITR_TRY(cleaner.Clean("", 0));
  for (const auto& [root, directory] : tree.roots()) {
    if (root.empty()) continue;
    const std::string oid = root.substr(kTablespaceDirectory.size() + 1);
    for (const std::string& path : TablespaceVersionPaths(map, oid)) {
      auto there = tree.Stat(path);
      if (there.code() == Code::kNotFound) continue;
      if (!there.ok()) return there.status();
      if (!S_ISDIR(there.value().st_mode)) {
        PITR_TRY(tree.Unlink(path));
        continue;
      }
      PITR_TRY(cleaner.Clean(path, 1));
    }
  }
  return cleaner.removed();
}

}  // namespace pitr
