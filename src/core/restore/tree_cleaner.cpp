#include "core/restore/tree_cleaner.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/user_name.h"
#include "core/pg/relation_file.h"
#include "core/pg/server_file.h"
#include "core/restore/restore_mark.h"
#include "core/restore/restore_state.h"
#include "core/restore/set_aside.h"
#include "core/store/directory_walk.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr int kMaxDepth = 64;
constexpr int64_t kPatienceMillis = 3000, kPauseMillis = 10;  // with a directory that others fill meanwhile

std::string Join(std::string_view directory, const std::string& name) {
  return directory.empty() ? name : std::string(directory) + "/" + name;
}

std::string_view TopOf(std::string_view path) { return path.substr(0, path.find('/')); }

class Cleaner {
 public:
  Cleaner(const ClusterTree& tree, const BackupMap& map, const TreeContent& content, const ClearRules& rules,
          bool survey, const OpContext& ctx)
      : tree_(tree),
        files_(map),
        content_(content),
        rules_(rules),
        survey_(survey),
        ctx_(ctx),
        aside_(tree, rules.aside) {}

  // A directory of the backup.
  Status Clean(const std::string& directory, int depth) {
    std::vector<std::string> names;
    PITR_TRY(Enter(directory, depth, names));
    for (const std::string& name : names) {
      const std::string path = Join(directory, name);
      if (directory.empty() && StaysAtTop(name)) continue;
      if (IsForeignRootName(name)) {
        PITR_ASSIGN(const bool of_file_system, IsRootOfFileSystem(directory));
        if (of_file_system) continue;
      }
      auto info = tree_.Stat(path);
      if (info.code() == Code::kNotFound) continue;
      if (!info.ok()) return info.status();
      PITR_TRY(CleanEntry(path, info.value(), depth));
    }
    return Status::Ok();
  }

  Status RemoveFile(const std::string& path) {
    PITR_ASSIGN(const struct stat info, tree_.Stat(path));
    return Remove(path, info);
  }

  Result<ClearedTree> Finish() {
    if (!survey_) PITR_TRY(aside_.Sync());
    std::sort(cleared_.set_aside.begin(), cleared_.set_aside.end());
    std::sort(cleared_.strangers.begin(), cleared_.strangers.end());
    return std::move(cleared_);
  }

 private:
  static bool StaysAtTop(const std::string& name) {
    return name == kRestoreStatePath || name == kRestoreMarkPath || name.find(kSetAsideMark) != std::string::npos;
  }

  Result<bool> IsRootOfFileSystem(const std::string& directory) const {
    if (directory.empty() || tree_.roots().contains(directory)) return true;
    return tree_.IsMountPoint(directory);
  }

  // Names in a directory in which something may have to be changed. In order, as the files of the map are.
  Status Enter(const std::string& directory, int depth, std::vector<std::string>& names) {
    PITR_TRY(ctx_.Check());
    if (depth > kMaxDepth) return {Code::kConflict, "\"" + tree_.Locate(directory) + "\" is nested too deeply"};
    if (survey_) {
      PITR_TRY(CheckWritable(directory));
    } else if (!directory.empty()) {
      PITR_TRY(tree_.MakeAccessible(directory));
    }
    auto listed = tree_.List(directory);
    // A closed directory of our own will be opened; what is in it is not known before.
    if (survey_ && listed.code() == Code::kPermission) return Status::Ok();
    PITR_ASSIGN(names, std::move(listed));
    std::sort(names.begin(), names.end());
    return Status::Ok();
  }

  Status CheckWritable(const std::string& directory) const {
    auto opened = tree_.OpenDirectory(directory);
    const std::string where = tree_.Locate(directory);
    if (!opened.ok()) {
      if (opened.code() != Code::kPermission || directory.empty()) return opened.status();
      PITR_ASSIGN(const struct stat info, tree_.Stat(directory));
      return info.st_uid == geteuid() ? Status::Ok() : NotOurs(where, info.st_uid);
    }
    struct statvfs space;
    if (fstatvfs(opened.value().get(), &space) == 0 && (space.f_flag & ST_RDONLY) != 0)
      return Status(Code::kInvalidArgument, "\"" + where + "\" is on a file system that is mounted read-only")
          .WithHint("Find out why (the system's log tells of errors of the disk), and mount it for writing.");
    struct stat info;
    if (fstat(opened.value().get(), &info) != 0) return FileError(errno, "looking at \"" + where + "\"");
    if (geteuid() == 0 || info.st_uid == geteuid()) return Status::Ok();
    if (faccessat(opened.value().get(), ".", W_OK | X_OK, AT_EACCESS) == 0) return Status::Ok();
    return NotOurs(where, info.st_uid);
  }

  static Status NotOurs(const std::string& where, uid_t owner) {
    return Status(Code::kInvalidArgument, "directory \"" + where + "\" may not be written to")
        .WithDetail(DescribeOwner("It", owner))
        .WithHint("Give it to the server's user, or run as root.");
  }

  Status CleanEntry(const std::string& path, const struct stat& info, int depth) {
    if (rules_.logs.Holds(path)) return Status::Ok();
    const bool own = !IsServerFile(TopOf(path));
    if (own && rules_.own.Stays(path) && !S_ISDIR(info.st_mode)) return Status::Ok();
    if (own && rules_.own.replaced.contains(path)) return aside_.Has(path) ? Status::Ok() : MoveAside(path, info);
    if (S_ISDIR(info.st_mode)) {
      // Its path leads elsewhere, so it must not be walked into. CheckTablespaces and DecideWalPlace have refused it.
      if (content_.links.contains(path))
        return survey_ && path == kWalDirectory ? Status::Ok()
                                                : Status(Code::kInternal, "\"" + path + "\" became a directory");
      if (content_.directories.contains(path)) return Clean(path, depth + 1);
    }
    PITR_ASSIGN(const bool file, files_.Contains(path, ctx_));
    if (S_ISREG(info.st_mode) && file) return Status::Ok();
    if (S_ISLNK(info.st_mode) && content_.links.contains(path)) return Status::Ok();
    if (!S_ISREG(info.st_mode) && content_.left_out.contains(path)) return Status::Ok();
    return ClearEntry(path, info, own, file, depth);
  }

  // What the backup does not have, or not of this kind. `file`: it has a file of that path.
  Status ClearEntry(const std::string& path, const struct stat& info, bool own, bool file, int depth) {
    const bool in_the_way = file || content_.directories.contains(path);
    const bool servers = IsServerFile(path);
    PITR_ASSIGN(const bool mounted, tree_.IsMountPoint(path));
    if (!in_the_way && !servers) {
      const bool in_wal = TopOf(path) == kWalDirectory;
      if (in_wal && path.find(kSetAsideMark) != std::string::npos) return Status::Ok();
      if (mounted || in_wal || (own && rules_.configuration == Configuration::kKeep)) {
        cleared_.strangers.push_back(path);
        return Status::Ok();
      }
    }
    if (mounted)
      return Status(Code::kInvalidArgument, "\"" + tree_.Locate(path) + "\" is a mount point and would have to go")
          .WithDetail("The backup has " + std::string(file ? "a file" : "nothing") + " in its place.")
          .WithHint("Unmount it first.");
    if (S_ISREG(info.st_mode) && servers && !in_the_way) return Remove(path, info);
    if (S_ISDIR(info.st_mode) && servers && !in_the_way) return RemoveTree(path, depth + 1);
    if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) || S_ISLNK(info.st_mode)) return MoveAside(path, info);
    return Remove(path, info);  // pipes, sockets
  }

  // A directory of the server's that the backup does not have: a database that is newer, a replication slot, WAL that
  // was fetched ahead. Who fetches ahead notices within a second that recovery has ended, and until then both puts
  // files there and takes them away.
  Status RemoveTree(const std::string& path, int depth) {
    ++cleared_.removed;
    for (const int64_t until = ctx_.clock->SteadyMillis() + kPatienceMillis;;) {
      PITR_TRY(RemoveContent(path, depth));
      if (survey_) return Status::Ok();
      const Status removed = tree_.RemoveDirectory(path);
      if (removed.ok() || removed.code() == Code::kNotFound) return Status::Ok();
      if (removed.code() != Code::kConflict || ctx_.clock->SteadyMillis() >= until) return removed;
      ctx_.clock->SleepMillis(kPauseMillis);
    }
  }
  Status RemoveContent(const std::string& path, int depth) {
    std::vector<std::string> names;
    const Status entered = Enter(path, depth, names);
    if (entered.code() == Code::kNotFound) return Status::Ok();
    PITR_TRY(entered);
    for (const std::string& name : names) {
      const std::string below = Join(path, name);
      const auto entry = tree_.Stat(below);
      if (entry.code() == Code::kNotFound) continue;
      if (!entry.ok()) return entry.status();
      PITR_ASSIGN(const bool file, files_.Contains(below, ctx_));
      const Status cleared = ClearEntry(below, entry.value(), /*own=*/false, file, depth);
      if (!cleared.ok() && cleared.code() != Code::kNotFound) return cleared;
    }
    return Status::Ok();
  }

  Status Remove(const std::string& path, const struct stat& info) {
    if (survey_ && TopOf(path) == kWalDirectory && rules_.wal.contains(path.substr(path.find('/') + 1)))
      return Status::Ok();
    ++cleared_.removed;
    if (S_ISREG(info.st_mode) && info.st_nlink == 1)
      cleared_.freed[info.st_dev] += static_cast<uint64_t>(info.st_blocks) * 512;
    return survey_ ? Status::Ok() : tree_.Unlink(path);
  }

  Status MoveAside(const std::string& path, const struct stat& info) {
    PITR_ASSIGN(const bool mounted, tree_.IsMountPoint(path));
    if (mounted)
      return Status(Code::kInvalidArgument, "\"" + tree_.Locate(path) + "\" is a mount point and cannot be set aside")
          .WithHint("Unmount it first, or keep the configuration that is there (--configuration keep).");
    cleared_.set_aside.push_back(path);
    if (!survey_) return aside_.Move(path);
    if (S_ISDIR(info.st_mode)) PITR_TRY(CheckWritable(path));
    struct stat top;
    if (fstat(tree_.data_fd(), &top) == 0 && top.st_dev != info.st_dev)
      cleared_.copied[top.st_dev] += static_cast<uint64_t>(info.st_size);
    return Status::Ok();
  }

  const ClusterTree& tree_;
  MappedPaths files_;  // of the backup
  const TreeContent& content_;
  const ClearRules& rules_;
  const bool survey_;
  const OpContext& ctx_;
  SetAside aside_;
  ClearedTree cleared_;
};

Result<ClearedTree> Clear(const ClusterTree& tree, const BackupMap& map, const TreeContent& content,
                          const ClearRules& rules, bool survey, const OpContext& ctx) {
  Cleaner cleaner(tree, map, content, rules, survey, ctx);
  // Of a directory that is yet to be made there is nothing to say.
  if (tree.data_fd() >= 0) PITR_TRY(cleaner.Clean("", 0));
  for (const auto& [root, directory] : tree.roots()) {
    if (root == kWalDirectory) PITR_TRY(cleaner.Clean(root, 1));
    if (root.empty() || root == kWalDirectory) continue;
    const std::string oid = root.substr(kTablespaceDirectory.size() + 1);
    for (const std::string& path : content.VersionPaths(oid)) {
      auto there = tree.Stat(path);
      if (there.code() == Code::kNotFound) continue;
      if (!there.ok()) return there.status();
      PITR_TRY(S_ISDIR(there.value().st_mode) ? cleaner.Clean(path, 1) : cleaner.RemoveFile(path));
    }
  }
  return cleaner.Finish();
}

}  // namespace

Result<ClearedTree> ClearTree(const ClusterTree& tree, const BackupMap& map, const TreeContent& content,
                              const ClearRules& rules, const OpContext& ctx) {
  return Clear(tree, map, content, rules, /*survey=*/false, ctx);
}

Result<ClearedTree> SurveyTree(const ClusterTree& tree, const BackupMap& map, const TreeContent& content,
                               const ClearRules& rules, const OpContext& ctx) {
  return Clear(tree, map, content, rules, /*survey=*/true, ctx);
}

}  // namespace pitr
