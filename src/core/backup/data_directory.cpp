#include "core/backup/data_directory.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "core/backup/file_stat.h"
#include "core/pg/relation_file.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr std::string_view kTablespaceParent = "pg_tblspc";
constexpr size_t kCheckEvery = 256;  // directory entries between looks at the cancel token

// Whether the thing was there a moment ago and is not now.
bool Vanished(int error) { return error == ENOENT || error == ENOTDIR; }

std::string Quoted(const std::string& path) { return "\"" + path + "\""; }

bool IsTablespacePath(std::string_view path) {
  constexpr size_t kMaxOidDigits = 10;
  constexpr size_t kBeforeOid = kTablespaceParent.size() + 1;
  return path.starts_with(kTablespaceParent) && path.size() > kBeforeOid && path.size() <= kBeforeOid + kMaxOidDigits &&
         path[kTablespaceParent.size()] == '/' &&
         path.find_first_not_of("0123456789", kBeforeOid) == std::string_view::npos;
}

class Scanner {
 public:
  Scanner(DataDirectory& out, const std::string& tablespace_directory, Log& log, const OpContext& ctx)
      : out_(out), tablespace_directory_(tablespace_directory), log_(log), ctx_(ctx) {}

  Status Run() {
    PITR_TRY(Directory(""));
    while (!pending_.empty()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      PITR_TRY(Directory(path));
    }
    return Status::Ok();
  }

 private:
  std::string Absolute(const std::string& path) const { return path.empty() ? out_.root : out_.root + "/" + path; }

  // The names in a directory; nothing when it has vanished (the top may not).
  Status Names(const std::string& path, std::vector<std::string>& names) {
    names.clear();
    const std::string absolute = Absolute(path);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(absolute.c_str()), closedir);
    if (dir == nullptr) {
      if (!Vanished(errno)) return FileError(errno, "opening directory " + Quoted(absolute));
      if (!path.empty()) return Status::Ok();
      return {Code::kNotFound, "data directory " + Quoted(absolute) + " does not exist"};
    }
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(dir.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      PITR_TRY(CheckSometimes());
    }
    if (errno != 0 && !Vanished(errno)) return FileError(errno, "reading directory " + Quoted(absolute));
    return Status::Ok();
  }

  Status CheckSometimes() { return ++entries_ % kCheckEvery == 0 ? ctx_.Check() : Status::Ok(); }

  Status Directory(const std::string& path) {
    std::vector<std::string> names;
    PITR_TRY(Names(path, names));
    std::set<uint32_t> unlogged;
    if (IsRelationDirectory(path)) unlogged = UnloggedRelations(names);
    const bool tablespace = IsTablespacePath(path);
    for (const std::string& name : names) {
      // A tablespace's location may hold the directories of other clusters, as pg_upgrade leaves them.
      if (tablespace && name != tablespace_directory_) continue;
      if (!unlogged.empty() && IsUnloggedData(name, unlogged)) continue;
      PITR_TRY(Entry(path.empty() ? name : path + "/" + name));
    }
    return Status::Ok();
  }

  Status Entry(const std::string& path) {
    PITR_TRY(CheckSometimes());
    if (TreatmentOf(path, /*is_directory=*/false) == BackupTreatment::kSkip &&
        TreatmentOf(path, /*is_directory=*/true) == BackupTreatment::kSkip)
      return Status::Ok();
    if (path.size() > kMaxMappedPath) return {Code::kInvalidArgument, "path " + Quoted(path) + " is too long"};
    const std::string absolute = Absolute(path);
    FileStat info;
    if (!StatPath(absolute, *ctx_.clock, info))
      return Vanished(errno) ? Status::Ok() : FileError(errno, "looking at " + Quoted(absolute));
    if (S_ISREG(info.mode)) return File(path, info);
    if (S_ISDIR(info.mode)) return Subdirectory(path, info.mode);
    if (S_ISLNK(info.mode)) return Link(path);
    log_.Warning("skipping special file " + Quoted(absolute));
    return Status::Ok();
  }

  Status File(const std::string& path, const FileStat& info) {
    // The control file is copied, apart and last.
    if (TreatmentOf(path, /*is_directory=*/false) != BackupTreatment::kCopy) return Status::Ok();
    MappedFile& file = out_.files.emplace_back();
    file.path = path;
    TakeStat(info, file);
    out_.total_bytes += file.size_bytes;
    return Status::Ok();
  }

  Status Subdirectory(const std::string& path, mode_t mode) {
    switch (TreatmentOf(path, /*is_directory=*/true)) {
      case BackupTreatment::kSkip:
        return Status::Ok();
      case BackupTreatment::kEmptyDirectory:
        return EmptyDirectory(path, mode);
      default:
        break;
    }
    out_.directories.push_back({path, static_cast<uint32_t>(mode & 07777)});
    if (IsTablespacePath(path)) AddTablespace(path, path, /*in_place=*/true);
    pending_.push_back(path);
    return Status::Ok();
  }

  // Nothing below it is copied, but pg_wal has directories that must be there.
  Status EmptyDirectory(const std::string& path, mode_t mode) {
    out_.directories.push_back({path, static_cast<uint32_t>(mode & 07777)});
    std::vector<std::string> names;
    PITR_TRY(Names(path, names));
    for (const std::string& name : names) {
      const std::string below = path + "/" + name;
      if (TreatmentOf(below, /*is_directory=*/true) == BackupTreatment::kEmptyDirectory) PITR_TRY(Entry(below));
    }
    return Status::Ok();
  }

  Status Link(const std::string& path) {
    const std::string absolute = Absolute(path);
    if (IsTablespacePath(path)) return TablespaceLink(path, absolute);
    struct stat info {};
    // pg_wal, and what else is only a place to put files into, may be elsewhere; restored, it is a directory.
    if (TreatmentOf(path, /*is_directory=*/true) == BackupTreatment::kEmptyDirectory &&
        stat(absolute.c_str(), &info) == 0 && S_ISDIR(info.st_mode))
      return EmptyDirectory(path, info.st_mode);
    if (TreatmentOf(path, /*is_directory=*/false) != BackupTreatment::kSkip)
      log_.Warning("skipping symbolic link " + Quoted(absolute));
    return Status::Ok();
  }

  Status TablespaceLink(const std::string& path, const std::string& absolute) {
    std::string target(kMaxMappedPath + 1, '\0');
    const ssize_t length = readlink(absolute.c_str(), target.data(), target.size());
    if (length < 0)
      return Vanished(errno) ? Status::Ok() : FileError(errno, "reading symbolic link " + Quoted(absolute));
    if (static_cast<size_t>(length) > kMaxMappedPath)
      return {Code::kInvalidArgument, "the target of symbolic link " + Quoted(absolute) + " is too long"};
    target.resize(static_cast<size_t>(length));
    if (!target.starts_with('/'))
      return Status(Code::kInvalidArgument,
                    "symbolic link " + Quoted(absolute) + " has the relative target " + Quoted(target))
          .WithHint("The locations of tablespaces must be absolute paths.");
    out_.links.push_back({path, target});
    AddTablespace(path, target, /*in_place=*/false);
    pending_.push_back(path);
    return Status::Ok();
  }

  void AddTablespace(const std::string& path, const std::string& location, bool in_place) {
    const uint64_t oid = std::strtoull(path.c_str() + kTablespaceParent.size() + 1, nullptr, 10);
    out_.tablespaces.push_back({static_cast<uint32_t>(oid), location, in_place});
  }

  DataDirectory& out_;
  const std::string& tablespace_directory_;
  Log& log_;
  const OpContext& ctx_;
  std::vector<std::string> pending_;  // directories to be listed
  size_t entries_ = 0;
};

template <class T>
void SortByPath(std::vector<T>& entries) {
  std::sort(entries.begin(), entries.end(), [](const T& a, const T& b) { return a.path < b.path; });
}

}  // namespace

Result<DataDirectory> ScanDataDirectory(const std::string& root, const std::string& tablespace_directory, Log& log,
                                        const OpContext& ctx) {
  DataDirectory directory;
  directory.root = root;
  while (directory.root.size() > 1 && directory.root.ends_with('/')) directory.root.pop_back();
  PITR_TRY(Scanner(directory, tablespace_directory, log, ctx).Run());
  SortByPath(directory.directories);
  SortByPath(directory.files);
  SortByPath(directory.links);
  std::sort(directory.tablespaces.begin(), directory.tablespaces.end(),
            [](const TablespaceEntry& a, const TablespaceEntry& b) { return a.oid < b.oid; });
  return directory;
}

}  // namespace pitr
