#include "core/backup/data/data_directory.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "core/backup/data/left_out.h"
#include "core/backup/data/linked_path.h"
#include "core/base/ascii.h"
#include "core/base/error_text.h"
#include "core/pg/relation_file.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr std::string_view kTablespaceParent = "pg_tblspc";
constexpr size_t kCheckEvery = 256;  // directory entries between looks at the cancel token
// How long DROP TABLESPACE may take between removing the directory and the link.
constexpr auto kDropPatience = std::chrono::milliseconds(200);
// The first must be there; none may go while the backup is taken.
constexpr std::string_view kEssentialFiles[] = {"PG_VERSION", "global/pg_filenode.map"};

// Whether the thing was there a moment ago and is not now.
bool Vanished(int error) { return error == ENOENT || error == ENOTDIR; }

bool IsTablespacePath(std::string_view path) {
  constexpr size_t kMaxOidDigits = 10;
  constexpr size_t kBeforeOid = kTablespaceParent.size() + 1;
  return path.starts_with(kTablespaceParent) && path.size() > kBeforeOid && path.size() <= kBeforeOid + kMaxOidDigits &&
         path[kTablespaceParent.size()] == '/' &&
         path.find_first_not_of("0123456789", kBeforeOid) == std::string_view::npos;
}

class Scanner {
 public:
  Scanner(DataDirectory& out, const std::string& tablespace_directory, const OpContext& ctx)
      : out_(out), tablespace_directory_(tablespace_directory), ctx_(ctx) {}

  Status Run() {
    FileStat root;
    if (StatTarget(out_.root, *ctx_.clock, root)) followed_.insert({root.device, root.inode});
    PITR_TRY(Directory(""));
    PITR_TRY(ListPending());
    PITR_TRY(CheckTablespaces());
    PITR_TRY(left_out_.ToStatus());
    left_out_.MoveTo(out_.skipped, out_.skipped_count);
    return Status::Ok();
  }

 private:
  std::string Absolute(const std::string& path) const { return path.empty() ? out_.root : out_.root + "/" + path; }

  Status ListPending() {
    while (!pending_.empty()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      PITR_TRY(Directory(path));
    }
    return Status::Ok();
  }

  // The names in a directory; nothing when it has vanished (the top may not).
  Status Names(const std::string& path, std::vector<std::string>& names) {
    names.clear();
    unreadable_ = false;
    const std::string absolute = Absolute(path);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(absolute.c_str()), closedir);
    if (dir == nullptr) {
      if (const int error = errno; error == EACCES && !path.empty()) {
        left_out_.Refuse(absolute, "the directory cannot be read: " + ErrorText(error), error);
        unreadable_ = true;
        return Status::Ok();
      } else if (!Vanished(error)) {
        return FileError(error, "opening directory " + Quoted(absolute));
      }
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
    if (tablespace && !unreadable_ && std::find(names.begin(), names.end(), tablespace_directory_) == names.end())
      empty_tablespaces_.push_back(path);
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
    if (!StatPath(absolute, *ctx_.clock, info)) {
      const int error = errno;
      if (Vanished(error)) return Status::Ok();
      if (error != EACCES) return FileError(error, "looking at " + Quoted(absolute));
      left_out_.Refuse(absolute.substr(0, absolute.rfind('/')), "the directory cannot be searched: " + ErrorText(error),
                       error);
      return Status::Ok();
    }
    if (S_ISREG(info.mode)) return File(path, info);
    if (S_ISDIR(info.mode)) return Subdirectory(path, info.mode);
    if (S_ISLNK(info.mode)) return Link(path);
    const std::string kind = FileKindName(info.mode);
    if (BelongsToServer(path))
      left_out_.Refuse(absolute, "it is a " + kind);
    else
      left_out_.Skip({path, kind, "", "it has no content"});
    return Status::Ok();
  }

  Status File(const std::string& path, const FileStat& info) {
    // The control file is copied, apart and last.
    if (TreatmentOf(path, /*is_directory=*/false) != BackupTreatment::kCopy) return Status::Ok();
    const std::string absolute = Absolute(path);
    if (const int error = ReadError(absolute, info); error != 0) {
      if (!Vanished(error)) left_out_.Refuse(absolute, "the file cannot be read: " + ErrorText(error), error);
      return Status::Ok();
    }
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
    if (TreatmentOf(path, /*is_directory=*/false) == BackupTreatment::kSkip) return Status::Ok();
    PITR_ASSIGN(const LinkedPath linked, LookThrough(absolute, BelongsToServer(path), ctx_));
    switch (linked.use) {
      case LinkedPath::Use::kFile:
        out_.followed.push_back({path, linked.target});
        out_.linked_files.insert(path);
        return File(path, linked.stat);
      case LinkedPath::Use::kDirectory:
        return LinkedDirectory(path, linked);
      case LinkedPath::Use::kConfiguration:
        return LinkedConfiguration(path, linked);
      case LinkedPath::Use::kSkip:
        left_out_.Skip({path, FileKindName(S_IFLNK), linked.target, linked.why});
        return Status::Ok();
      case LinkedPath::Use::kRefuse:
        left_out_.Refuse(absolute, "it is a symbolic link to " + Quoted(linked.target) + ", and " + linked.why);
        return Status::Ok();
      case LinkedPath::Use::kVanished:
        return Status::Ok();
    }
    return Status::Ok();
  }

  Status LinkedDirectory(const std::string& path, const LinkedPath& linked) {
    // Else links that lead to one another would have no end.
    if (!followed_.insert({linked.stat.device, linked.stat.inode}).second) {
      left_out_.Refuse(Absolute(path), "it is a symbolic link to " + Quoted(linked.target) +
                                           ", a directory that is in the backup already");
      return Status::Ok();
    }
    out_.followed.push_back({path, linked.target});
    return Subdirectory(path, linked.stat.mode);
  }

  Status LinkedConfiguration(const std::string& path, const LinkedPath& linked) {
    out_.followed.push_back({path, linked.target});
    out_.directories.push_back({path, static_cast<uint32_t>(linked.stat.mode & 07777)});
    if (linked.partial) left_out_.Skip({path, FileKindName(S_IFLNK), linked.target, linked.why});
    for (const std::string& name : linked.included) {
      const std::string below = path + "/" + name;
      if (below.size() > kMaxMappedPath) return {Code::kInvalidArgument, "path " + Quoted(below) + " is too long"};
      FileStat info;
      if (!StatTarget(Absolute(below), *ctx_.clock, info) || !S_ISREG(info.mode)) continue;
      out_.linked_files.insert(below);
      PITR_TRY(File(below, info));
    }
    return Status::Ok();
  }

  // A tablespace without this cluster's directory is being dropped, or its file system is not mounted.
  Status CheckTablespaces() {
    if (empty_tablespaces_.empty()) return Status::Ok();
    std::this_thread::sleep_for(kDropPatience);
    pending_ = std::move(empty_tablespaces_);
    empty_tablespaces_.clear();
    std::erase_if(pending_, [&](const std::string& path) {
      FileStat link;
      return !StatPath(Absolute(path), *ctx_.clock, link);
    });
    PITR_TRY(ListPending());
    for (const std::string& path : empty_tablespaces_)
      left_out_.Refuse(Absolute(path), "the tablespace has no directory " + Quoted(tablespace_directory_) +
                                           "; perhaps its file system is not mounted");
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
  const OpContext& ctx_;
  LeftOut left_out_;
  std::set<std::pair<dev_t, uint64_t>> followed_;  // directories behind links, by device and inode, and the root
  std::vector<std::string> empty_tablespaces_;
  bool unreadable_ = false;           // the directory that was looked into last
  std::vector<std::string> pending_;  // directories to be listed
  size_t entries_ = 0;
};

const MappedFile* FindFile(const std::vector<MappedFile>& files, std::string_view path) {
  const auto at = std::lower_bound(files.begin(), files.end(), path,
                                   [](const MappedFile& file, std::string_view p) { return file.path < p; });
  return at == files.end() || at->path != path ? nullptr : &*at;
}

template <class T>
void SortByPath(std::vector<T>& entries) {
  std::sort(entries.begin(), entries.end(), [](const T& a, const T& b) { return a.path < b.path; });
}

}  // namespace

Result<DataDirectory> ScanDataDirectory(const std::string& root, const std::string& tablespace_directory,
                                        const OpContext& ctx) {
  DataDirectory directory;
  directory.root = root;
  while (directory.root.size() > 1 && directory.root.ends_with('/')) directory.root.pop_back();
  PITR_TRY(Scanner(directory, tablespace_directory, ctx).Run());
  SortByPath(directory.directories);
  SortByPath(directory.files);
  SortByPath(directory.links);
  SortByPath(directory.followed);
  std::sort(directory.tablespaces.begin(), directory.tablespaces.end(),
            [](const TablespaceEntry& a, const TablespaceEntry& b) { return a.oid < b.oid; });
  return directory;
}

std::vector<OutsideFile> OutsideFiles(const std::vector<OutsideFile>& configuration, const DataDirectory& directory) {
  namespace fs = std::filesystem;
  std::vector<OutsideFile> outside;
  std::error_code error;
  const fs::path root = fs::weakly_canonical(directory.root, error);
  for (const OutsideFile& file : configuration) {
    // The last name may be a link that is stored; what leads to it may be another name of the data directory.
    const fs::path path = fs::path(file.path).lexically_normal();
    const fs::path below = (fs::weakly_canonical(path.parent_path(), error) / path.filename()).lexically_relative(root);
    const fs::path as_written = path.lexically_relative(directory.root);
    if (FindFile(directory.files, below.string()) == nullptr &&
        FindFile(directory.files, as_written.string()) == nullptr)
      outside.push_back(file);
  }
  std::sort(outside.begin(), outside.end(), [](const OutsideFile& a, const OutsideFile& b) { return a.path < b.path; });
  return outside;
}

Status CheckEssentialFiles(const std::vector<MappedFile>& files, const std::vector<bool>& vanished) {
  for (const std::string_view path : kEssentialFiles) {
    const MappedFile* file = FindFile(files, path);
    const bool was_listed = file != nullptr || path != kEssentialFiles[0];
    const bool is_gone = file != nullptr && !vanished.empty() && vanished[static_cast<size_t>(file - files.data())];
    if (!was_listed || is_gone)
      return Status(Code::kConflict, "the data directory has no file " + Quoted(path))
          .WithHint("No server starts without it, so the backup would be of no use. See what happened to it.");
  }
  return Status::Ok();
}

}  // namespace pitr
