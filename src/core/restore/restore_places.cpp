#include "core/restore/restore_places.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/same_directory.h"
#include "core/base/user_name.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/directory_server.h"
#include "core/restore/empty_place.h"
#include "core/restore/mount_point.h"
#include "core/restore/restore_state.h"
#include "core/restore/tablespace_user.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using PlaceKind = RestorePlace::Kind;

const char* NameOf(PlaceKind kind) {
  switch (kind) {
    case PlaceKind::kData:
      return "data directory";
    case PlaceKind::kWal:
      return "WAL directory";
    case PlaceKind::kTablespace:
    case PlaceKind::kNewTablespace:
      return "tablespace directory";
    case PlaceKind::kAside:
      break;
  }
  return "directory of a former tablespace";
}

struct Resolved {
  const RestorePlace* place;
  std::string path;  // without links and "..", as far as it exists
};

Result<std::string> Resolve(const std::string& path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::symlink && !fs::exists(path, error))
    return Status(Code::kInvalidArgument, "\"" + path + "\" is a symbolic link that leads nowhere")
        .WithHint("Mount or make what it leads to, or give another directory.");
  std::string resolved = fs::weakly_canonical(path, error).lexically_normal().string();
  if (error) return FileError(error.value(), "looking at \"" + path + "\"");
  while (resolved.size() > 1 && resolved.back() == '/') resolved.pop_back();
  return resolved;
}

// `visit` gets `path` and each directory above it, until it returns false.
template <class Visit>
void EachAbove(const std::string& path, Visit visit) {
  for (fs::path at = path; visit(at.string()) && at.has_relative_path(); at = at.parent_path()) {}
}

// Also where a directory above is mounted a second time.
bool IsAtOrBelow(const std::string& path, const std::string& directory) {
  bool below = false;
  EachAbove(path, [&](const std::string& at) {
    below = at == directory || SameDirectory(at, directory);
    return !below;
  });
  return below;
}

bool IsThere(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// Of a cluster, or of one that is being restored.
bool IsDataDirectory(const std::string& directory) {
  const std::string at = directory + "/";
  return IsThere(at + "PG_VERSION") &&
         (IsThere(at + std::string(kControlFilePath)) || IsThere(at + std::string(kRestoreStatePath)));
}

bool HoldsTablespace(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (IsTablespaceVersionDirectory(entry->path().filename().string())) return true;
  return false;
}

std::string HintFor(const RestorePlace& place, const std::string& data) {
  switch (place.kind) {
    case PlaceKind::kData:
      return "Give another directory with -D.";
    case PlaceKind::kWal:
      return "Give a directory elsewhere with --waldir, or \"" + data + "/" + std::string(kWalDirectory) +
             "\" for none of its own.";
    case PlaceKind::kTablespace:
      return "Map it elsewhere with --tablespace " + place.oid + "=NEW.";
    case PlaceKind::kNewTablespace:
      return place.chosen ? "Map it elsewhere with --tablespace " + place.oid + "=NEW."
                          : "Choose a target before it was made, map it with --tablespace " + place.oid +
                                "=NEW, or restore on another machine.";
    case PlaceKind::kAside:
      break;
  }
  return "Remove the link to it from the data directory's pg_tblspc, if it is not this cluster's.";
}

class PlaceCheck {
 public:
  Status Check(const std::vector<RestorePlace>& places, const std::string& repository_directory) {
    for (const RestorePlace& place : places) {
      if (!place.path.starts_with('/'))
        return {Code::kInvalidArgument,
                std::string(NameOf(place.kind)) + " \"" + place.path + "\" is not an absolute path"};
      PITR_ASSIGN(std::string path, Resolve(place.path));
      if (place.kind == PlaceKind::kData) data_ = path;
      resolved_.push_back({&place, std::move(path)});
    }
    std::string repository;
    if (!repository_directory.empty()) { PITR_ASSIGN(repository, Resolve(repository_directory)); }
    for (const Resolved& one : resolved_) {
      if (!repository.empty()) PITR_TRY(CheckRepository(one, repository, repository_directory));
      PITR_TRY(CheckOtherCluster(one));
    }
    for (size_t i = 0; i < resolved_.size(); ++i)
      for (size_t j = i + 1; j < resolved_.size(); ++j) PITR_TRY(CheckPair(resolved_[i], resolved_[j]));
    for (const Resolved& one : resolved_) PITR_TRY(CheckOtherTablespace(one));
    return Status::Ok();
  }

 private:
  Status Refuse(const Resolved& one, const std::string& why) const {
    Status refused(Code::kInvalidArgument,
                   std::string(NameOf(one.place->kind)) + " \"" + one.place->path + "\" " + why);
    if (one.path != one.place->path) refused = std::move(refused).WithDetail("It leads to \"" + one.path + "\".");
    return std::move(refused).WithHint(HintFor(*one.place, DataPath()));
  }

  std::string DataPath() const {
    for (const Resolved& one : resolved_)
      if (one.place->kind == PlaceKind::kData) return one.place->path;
    return data_;
  }

  Status CheckRepository(const Resolved& one, const std::string& repository, const std::string& name) const {
    const bool in = IsAtOrBelow(one.path, repository), around = IsAtOrBelow(repository, one.path);
    if (in && around) return Refuse(one, "is the repository's directory, \"" + name + "\"");
    if (in) return Refuse(one, "is inside the repository's directory \"" + name + "\"");
    if (around) return Refuse(one, "contains the repository's directory \"" + name + "\"");
    return Status::Ok();
  }

  bool IsOwnData(const std::string& directory) const { return directory == data_ || SameDirectory(directory, data_); }

  Status CheckOtherCluster(const Resolved& one) const {
    std::string other;
    EachAbove(one.path, [&](const std::string& at) {
      if (!IsOwnData(at) && IsDataDirectory(at)) other = at;
      return other.empty();
    });
    if (other.empty()) return Status::Ok();
    return Refuse(one, "is inside \"" + other + "\", the data directory of another cluster" +
                           (RoleOf(other) != RecoveryRole::kNone ? ", in which a server is running" : ""));
  }

  static bool IsTablespace(const Resolved& one) {
    return one.place->kind == PlaceKind::kTablespace || one.place->kind == PlaceKind::kNewTablespace;
  }

  // Below a version directory there is nothing but files of the server.
  static bool MayNest(const Resolved& inner, const Resolved& outer) {
    if (!IsTablespace(inner) || !IsTablespace(outer) || inner.place->chosen || outer.place->chosen) return false;
    const fs::path between = fs::path(inner.path).lexically_relative(outer.path);
    return std::none_of(between.begin(), between.end(),
                        [](const fs::path& name) { return IsTablespaceVersionDirectory(name.string()); });
  }

  Status CheckPair(const Resolved& a, const Resolved& b) const {
    // What is set aside stays where it is, whoever else is there.
    if (a.place->kind == PlaceKind::kAside || b.place->kind == PlaceKind::kAside) return Status::Ok();
    const bool a_in = IsAtOrBelow(a.path, b.path), b_in = IsAtOrBelow(b.path, a.path);
    if (!a_in && !b_in) return Status::Ok();
    if (a_in && b_in) {
      // Replay makes in its place a tablespace that was dropped and made again, or that the backup has, too.
      const bool replay = a.place->kind == PlaceKind::kNewTablespace || b.place->kind == PlaceKind::kNewTablespace;
      if (IsTablespace(a) && IsTablespace(b) && replay) return Status::Ok();
      if (IsTablespace(a) && IsTablespace(b))
        return Refuse(b, "is that of tablespace " + a.place->oid + ", too: \"" + a.place->path + "\"");
      return Refuse(b, "is the " + std::string(NameOf(a.place->kind)) + " \"" + a.place->path + "\"");
    }
    const Resolved &inner = a_in ? a : b, &outer = a_in ? b : a;
    if (MayNest(inner, outer)) return Status::Ok();
    Status refused =
        Refuse(inner, "is inside the " + std::string(NameOf(outer.place->kind)) + " \"" + outer.place->path + "\"");
    // The data directory is where it was asked for; a tablespace can go elsewhere.
    if (inner.place->kind == PlaceKind::kData) return std::move(refused).WithHint(HintFor(*outer.place, DataPath()));
    return refused;
  }

  Status CheckOtherTablespace(const Resolved& one) const {
    const PlaceKind kind = one.place->kind;
    if (kind == PlaceKind::kAside) return Status::Ok();
    if (kind == PlaceKind::kTablespace) {
      if (const auto user = FindTablespaceUser(one.path, data_))
        return Refuse(one, "is in use as a tablespace")
            .WithDetail((one.path != one.place->path ? "It leads to \"" + one.path + "\". " : std::string()) +
                        Describe(*user));
    }
    // An own data directory is where it is; whatever is above it was there before.
    if (kind == PlaceKind::kData && IsDataDirectory(one.path)) return Status::Ok();
    // In its own directory a tablespace is looked at by whoever knows its version.
    const std::string from = IsTablespace(one) ? fs::path(one.path).parent_path().string() : one.path;
    const bool as_it_was = IsTablespace(one) && !one.place->chosen;
    std::string other;
    EachAbove(from, [&](const std::string& at) {
      if (as_it_was && !IsTablespaceVersionDirectory(fs::path(at).filename().string())) return true;
      const std::string holder = as_it_was ? fs::path(at).parent_path().string() : at;
      if (HoldsTablespace(holder)) other = holder;
      return other.empty();
    });
    if (other.empty()) return Status::Ok();
    const auto user = FindTablespaceUser(other, data_);
    return Refuse(one, "is inside \"" + other + "\", the directory of a tablespace" +
                           (user ? " of data directory \"" + user->data_directory + "\"" : ""));
  }

  std::vector<Resolved> resolved_;
  std::string data_;
};

// Absent, or nothing but empty directories. Where files are, they were written with the disk as it is now.
bool HasNoFileYet(const std::string& path) {
  const UniqueFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.ok() ? HoldsNoFiles(directory.get()) : errno == ENOENT;
}

Status NotMounted(const RestorePlace& place, const std::string& mount_point, const std::string& data) {
  return Status(Code::kInvalidArgument, "nothing is mounted at \"" + mount_point + "\", and " + MountListPath() +
                                            " says that a file system belongs there")
      .WithDetail("What is restored to the " + std::string(NameOf(place.kind)) + " \"" + place.path +
                  "\" would go to the file system above, and be hidden as soon as something is mounted there.")
      .WithHint("Mount it: mount " + mount_point + ". To do without it: " + HintFor(place, data) +
                " Or, if nothing is mounted there any more, take the line out of " + MountListPath() + ".");
}

}  // namespace

Status CheckRestorePlaces(const std::vector<RestorePlace>& places, const std::string& repository_directory) {
  return PlaceCheck().Check(places, repository_directory);
}

Status CheckPlacesMounted(const std::vector<RestorePlace>& places) {
  const auto place_of = [&](PlaceKind kind) {
    return std::find_if(places.begin(), places.end(), [&](const RestorePlace& place) { return place.kind == kind; });
  };
  const auto data = place_of(PlaceKind::kData);
  const std::string data_path = data == places.end() ? "" : data->path;
  const bool wal_elsewhere = place_of(PlaceKind::kWal) != places.end();
  for (const RestorePlace& place : places) {
    if (place.kind == PlaceKind::kAside) continue;
    PITR_ASSIGN(const std::string resolved, Resolve(place.path));
    for (const std::string& path : {place.path, resolved}) {
      if (const auto absent = AbsentMountAbove(path); absent && HasNoFileYet(path))
        return NotMounted(place, *absent, data_path);
      for (const std::string& absent : AbsentMountsBelow(path)) {
        const bool of_wal = place.kind == PlaceKind::kData && fs::path(absent).filename() == kWalDirectory;
        if (!(of_wal && wal_elsewhere) && HasNoFileYet(absent)) return NotMounted(place, absent, data_path);
      }
    }
  }
  return Status::Ok();
}

std::string NearestExisting(const std::string& path) {
  std::string nearest = "/";
  EachAbove(path, [&](const std::string& at) {
    if (!IsThere(at)) return true;
    nearest = at;
    return false;
  });
  return nearest;
}

std::optional<std::string> Unwritable(const std::string& path) {
  const std::string above = NearestExisting(fs::path(path).parent_path().string());
  if (faccessat(AT_FDCWD, above.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return std::nullopt;
  return above;
}

Status CheckPlaceWritable(const RestorePlace& place) {
  const std::string there = NearestExisting(place.path);
  const std::string what = std::string(NameOf(place.kind)) + " \"" + place.path + "\"";
  const std::string named = there == place.path ? "It" : "\"" + there + "\"";
  struct stat info;
  if (stat(there.c_str(), &info) != 0) return FileError(errno, "looking at \"" + there + "\"");
  if (!S_ISDIR(info.st_mode))
    return Status(Code::kInvalidArgument, what + " cannot be used").WithDetail(named + " is not a directory.");
  struct statvfs space;
  if (statvfs(there.c_str(), &space) == 0 && (space.f_flag & ST_RDONLY) != 0)
    return Status(Code::kInvalidArgument, what + " cannot be written to")
        .WithDetail(named + " is on a file system that is mounted read-only.")
        .WithHint("Find out why (the system's log tells of errors of the disk), and mount it for writing.");
  if (faccessat(AT_FDCWD, there.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    return Status(Code::kInvalidArgument,
                  there == place.path ? what + " cannot be written to" : what + " cannot be made")
        .WithDetail(DescribeOwner(named, info.st_uid))
        .WithHint(
            "Make the directory as root, for the user that the server runs as: install -d -m 700 -o postgres -g "
            "postgres " +
            place.path + ". Or run as root.");
  // The server refuses another's directory, and only the owner may set its mode.
  if (place.kind == PlaceKind::kData && there == place.path && geteuid() != 0 && info.st_uid != geteuid())
    return Status(Code::kInvalidArgument, what + " belongs to another user")
        .WithDetail(DescribeOwner("It", info.st_uid))
        .WithHint("Run as that user, or as root.");
  return Status::Ok();
}

}  // namespace pitr
