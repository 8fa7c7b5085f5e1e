#include "core/restore/wal_place.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "core/base/process_directories.h"
#include "core/base/same_directory.h"
#include "core/restore/empty_place.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

std::string Plain(const std::string& path) {
  std::string plain = fs::path(path).lexically_normal().string();
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

// A server works in its data directory: one whose pg_wal is this directory, and which is not the one restored into
// (that was looked at before). Empty when there is none, or none that this user can see.
std::string RunningUserOf(const std::string& wal_directory, int data_directory) {
  struct stat ours;
  if (fstat(data_directory, &ours) != 0) return {};
  std::string user;
  EachProcessDirectory([&](pid_t, const std::string& at) {
    struct stat its;
    if (stat(at.c_str(), &its) != 0 || (its.st_dev == ours.st_dev && its.st_ino == ours.st_ino)) return true;
    if (access((at + "/postmaster.pid").c_str(), F_OK) != 0) return true;
    if (!SameDirectory(at + "/" + std::string(kWalDirectory), wal_directory)) return true;
    user = NameOfProcessDirectory(at);
    return false;
  });
  return user;
}

Status CheckNewPlace(const std::string& asked) {
  if (!asked.starts_with('/'))
    return {Code::kInvalidArgument, "WAL directory \"" + asked + "\" is not an absolute path"};
  const UniqueFd fd(open(asked.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() && errno == ENOENT) return Status::Ok();
  if (!fd.ok()) return FileError(errno, "opening WAL directory \"" + asked + "\"");
  if (faccessat(fd.get(), ".", W_OK | X_OK, 0) != 0)
    return FileError(errno, "WAL directory \"" + asked + "\" cannot be written to");
  if (HoldsNoFiles(fd.get())) return Status::Ok();
  return Status(Code::kInvalidArgument, "WAL directory \"" + asked + "\" is not empty")
      .WithDetail("The data directory's pg_wal does not lead to it, so another cluster may be using it.")
      .WithHint("Give an empty directory with --waldir.");
}

}  // namespace

Result<WalPlace> DecideWalPlace(const ClusterTree& tree, const std::string& asked_for) {
  WalPlace place;
  const std::string path = tree.data_directory() + "/" + std::string(kWalDirectory);
  const std::string asked = asked_for.empty() ? "" : Plain(asked_for);
  const bool to_directory = !asked.empty() && asked == Plain(path);
  auto there = tree.Stat(kWalDirectory);
  if (!there.ok() && there.code() != Code::kNotFound) return there.status();
  const bool is_link = there.ok() && S_ISLNK(there.value().st_mode);
  if (is_link) {
    const auto read = tree.ReadLink(kWalDirectory);
    if (!read.ok()) return read.status();
    const std::string& text = read.value();
    const std::string target = text.starts_with('/') ? text : tree.data_directory() + "/" + text;
    struct stat info;
    const bool exists = stat(target.c_str(), &info) == 0;
    const int error = exists ? (S_ISDIR(info.st_mode) ? 0 : ENOTDIR) : errno;
    if (error == 0) place.linked = target;
    if (error != 0 && (asked.empty() || asked == Plain(target)))
      return Status(Code::kInvalidArgument, "pg_wal is a symbolic link to \"" + text + "\", which cannot be used")
          .WithDetail(FileError(error, "opening \"" + target + "\"").message() + ".")
          .WithHint("Mount or make that directory. To put WAL elsewhere give --waldir; \"--waldir " + path +
                    "\" puts it into the data directory.");
    if (asked.empty() || (!to_directory && SameDirectory(asked, target))) {
      place.wanted = target;
    } else {
      place.replaces_link = true;
    }
  }
  if (!place.replaces_link && !place.wanted.empty()) {
    if (access(place.wanted.c_str(), W_OK | X_OK) != 0)
      return FileError(errno, "WAL directory \"" + place.wanted + "\", to which pg_wal leads, cannot be written to");
    if (const std::string user = RunningUserOf(place.wanted, tree.data_fd()); !user.empty())
      return Status(Code::kInvalidArgument, "the server running in \"" + user + "\" writes its WAL to \"" +
                                                place.wanted + "\", to which pg_wal leads")
          .WithDetail("This data directory seems to be a copy that was made with its links.")
          .WithHint("Give the copy a WAL directory of its own with --waldir; \"--waldir " + path +
                    "\" puts it into the data directory.");
    return place;
  }
  if (!asked.empty() && !to_directory) {
    PITR_TRY(CheckNewPlace(asked));
    place.wanted = asked;
    if (there.ok() && S_ISDIR(there.value().st_mode)) {
      PITR_ASSIGN(const bool mounted, tree.IsMountPoint(kWalDirectory));
      if (mounted)
        return Status(Code::kInvalidArgument, "\"" + path + "\" is a mount point and cannot become a link")
            .WithHint("Unmount it, or leave out --waldir: then WAL stays on it.");
      place.replaces_directory = true;
    }
  }
  return place;
}

Status PlaceWalLink(const ClusterTree& tree, const WalPlace& place) {
  if (place.wanted.empty() || place.wanted == place.linked) return Status::Ok();
  return tree.MakeLink(kWalDirectory, place.wanted);
}

}  // namespace pitr
