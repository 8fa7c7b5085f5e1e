#include "core/restore/restore_guard.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "core/base/same_directory.h"
#include "core/base/shell_word.h"
#include "core/base/shown_name.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "core/restore/directory_server.h"
#include "core/restore/empty_place.h"
#include "core/store/directory_walk.h"

namespace pitr {
namespace {

constexpr std::string_view kPidFile = "postmaster.pid";
constexpr size_t kMaxVersionBytes = 64;

// The major version in a data directory's PG_VERSION; 0 when that does not say.
int MajorVersionOf(const ClusterTree& tree) {
  const auto content = tree.ReadWhole("PG_VERSION", kMaxVersionBytes);
  if (!content.ok()) return 0;
  int version = 0;
  const std::string_view text = AsText(content.value());
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

// A directory made, or mounted, for what is to come; or a link for WAL. Nothing is in it.
bool IsPreparedDirectory(const ClusterTree& tree, const std::string& name) {
  const int follow = name == kWalDirectory ? 0 : O_NOFOLLOW;
  const UniqueFd fd(openat(tree.data_fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow));
  return fd.ok() && HoldsNoFiles(fd.get());
}

// Neither empty nor a data directory.
Status NoDataDirectory(const ClusterTree& tree, std::vector<std::string> names) {
  // Whose WAL may be the only copy there is.
  if (tree.Stat(kControlFilePath).ok())
    return Status(Code::kInvalidArgument, "\"" + tree.data_directory() + "\" has lost its file PG_VERSION")
        .WithDetail("It has \"" + std::string(kControlFilePath) + "\", as a data directory has.")
        .WithHint("Save what its pg_wal holds first: pg_pitr wal-push " + ShellWord(tree.data_directory() + "/pg_wal") +
                  ". Then write the number of its major version into PG_VERSION, or restore into an empty directory.");
  constexpr size_t most = 5;
  std::sort(names.begin(), names.end());
  std::string holds;
  for (size_t i = 0; i < names.size() && i < most; ++i) holds += (i == 0 ? "\"" : ", \"") + ShownName(names[i]) + "\"";
  if (names.size() > most) holds += " and " + std::to_string(names.size() - most) + " more";
  return Status(Code::kInvalidArgument, "\"" + tree.data_directory() + "\" is not empty and is not a data directory")
      .WithDetail("It has no file PG_VERSION. It holds " + holds + ", which a restore over it would remove.")
      .WithHint("Check its name. If its contents may go, remove them yourself; otherwise give an empty directory.");
}

// A directory that is neither empty nor marked: a data directory, of this version, of this cluster.
Status CheckOwnCluster(const ClusterTree& tree, const RestorePlan& plan, bool marked, bool force,
                       const std::vector<std::string>& names, DirectoryState& state) {
  auto control = ReadControlFile(tree.data_directory() + "/" + kControlFilePath);
  const SystemId expected = plan.backup.cluster.system_id;
  const bool own = control.ok() && control.value().data.system_id == expected;
  state.own = own;
  if (own) state.timeline = control.value().data.timeline;
  if (!own && !marked && tree.Stat("PG_VERSION").code() == Code::kNotFound) return NoDataDirectory(tree, names);
  if (own || force) return Status::Ok();
  if (const int major = MajorVersionOf(tree); major != 0 && major != plan.backup.cluster.pg_major)
    return Status(Code::kInvalidArgument,
                  "\"" + tree.data_directory() + "\" holds a cluster of PostgreSQL " + std::to_string(major))
        .WithDetail("The backup is of PostgreSQL " + std::to_string(plan.backup.cluster.pg_major) + ".")
        .WithHint("Check the data directory's name. If that cluster may be overwritten, add --force.");
  if (!control.ok())
    return Status(Code::kInvalidArgument, "cannot tell whose cluster is in \"" + tree.data_directory() + "\"")
        .WithDetail(control.status().message() + ".")
        .WithHint(control.code() == Code::kPermission ? control.status().hint()
                                                      : "If it may be overwritten, add --force.");
  return Status(Code::kInvalidArgument, "\"" + tree.data_directory() + "\" holds another cluster")
      .WithDetail("Its system identifier is " + std::to_string(control.value().data.system_id.value) +
                  ", the backup's is " + std::to_string(expected.value) + ".")
      .WithHint("Check the data directory's name. If that cluster may be overwritten, add --force.");
}

}  // namespace

bool HasTablespaceIn(const ClusterTree& tree, const std::string& directory) {
  const auto names = tree.List(kTablespaceDirectory);
  if (!names.ok()) return false;
  return std::any_of(names.value().begin(), names.value().end(), [&](const std::string& name) {
    const auto target = tree.ReadLink(std::string(kTablespaceDirectory) + "/" + name);
    return target.ok() && SameDirectory(target.value(), directory);
  });
}

namespace {

Status CheckTablespaceEmpty(const ClusterTree& tree, const TreeContent& content, const std::string& oid, bool delta,
                            bool originals) {
  for (const std::string& path : content.VersionPaths(oid)) {
    auto names = tree.List(path);
    if (names.code() == Code::kNotFound) continue;
    if (!names.ok()) return names.status();
    const std::string elsewhere = "Map tablespace " + oid + " to an empty directory with --tablespace " + oid + "=NEW";
    Status refused(Code::kInvalidArgument, "tablespace directory \"" + tree.Locate(path) + "\" " +
                                               (names.value().empty() ? "exists already" : "is not empty"));
    if (!delta)
      return std::move(refused).WithDetail("A server, running or not, may be using it.").WithHint(elsewhere + ".");
    return std::move(refused)
        .WithDetail(originals
                        ? "It is the place of the original, whose tablespace it is whether its server runs or not."
                        : "The data directory has no link to it, so another cluster may be using it.")
        .WithHint(elsewhere + ", or add --force if what it holds may be overwritten.");
  }
  return Status::Ok();
}

// By its OID or by where it will be.
bool IsMadeByReplay(const ReplayEffects& replay, const std::string& name) {
  return std::any_of(replay.tablespaces.begin(), replay.tablespaces.end(), [&](const auto& made) {
    return !made.path.empty() && (name == made.path || name == std::to_string(made.oid));
  });
}

}  // namespace

Status CheckNotRunning(const ClusterTree& tree, bool as_copy) {
  auto content = tree.ReadWhole(kPidFile, 65536);
  if (content.code() == Code::kNotFound) return Status::Ok();
  if (content.code() == Code::kConflict)
    return Status(Code::kInvalidArgument,
                  "cannot tell whether a server is running in \"" + tree.data_directory() + "\"")
        .WithDetail("\"" + std::string(kPidFile) + "\" is not a file.")
        .WithHint("Make sure that no server runs there, and remove it.");
  if (!content.ok()) return content.status();
  const std::string hint = std::string("Choose another directory") + (as_copy ? "" : " and add --as-copy") +
                           ", to restore beside it; or stop the server first, to restore over it "
                           "(pg_ctl stop -D " +
                           tree.data_directory() + ").";
  const ServerProcess server = InspectServer(content.value(), tree.data_fd());
  if (server.running)
    return Status(Code::kInvalidArgument, "a server is running in \"" + tree.data_directory() + "\"")
        .WithDetail("Its process is " + std::to_string(server.pid) + ".")
        .WithHint(hint);
  if (server.memory_in_use)
    return Status(Code::kInvalidArgument,
                  "processes of a server are still running in \"" + tree.data_directory() + "\"")
        .WithDetail("The postmaster is gone, but its shared memory is in use.")
        .WithHint("End the remaining postgres processes of this directory first.");
  return Status::Ok();
}

Status CheckUnfinished(const ClusterTree& tree, const RestoreState& unfinished, const RestorePlan& plan,
                       const RestoreOptions& options) {
  if (unfinished.system_id == plan.backup.cluster.system_id || options.force) return Status::Ok();
  return Status(Code::kInvalidArgument,
                "\"" + tree.data_directory() + "\" holds an unfinished restore of another cluster")
      .WithHint("Check the data directory's name. If it may be overwritten, add --force.");
}

Result<DirectoryState> CheckDirectory(const ClusterTree& tree, const RestorePlan& plan, const RestoreOptions& options) {
  DirectoryState state;
  const auto listed = tree.List("");
  if (listed.code() == Code::kNotFound) return state;  // yet to be made
  if (!listed.ok()) return listed.status();
  const std::vector<std::string>& names = listed.value();
  // A restore that was killed while it made its mark leaves the mark's temporary file, and has done nothing else.
  state.empty = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return IsForeignRootName(name) || IsTemporaryOf(kRestoreStatePath, name) || IsPreparedDirectory(tree, name);
  });
  if (state.empty) return state;
  PITR_TRY(CheckNotRunning(tree, options.as_copy));
  PITR_ASSIGN(state.unfinished, ReadRestoreState(tree));
  // Not to be seen, or behind a link: then something may be there that a server would start from.
  state.has_control = tree.Stat(kControlFilePath).code() != Code::kNotFound;
  // Without pg_control a marked directory is what an interrupted restore left: ours to continue.
  if (state.unfinished && !state.has_control) {
    PITR_TRY(CheckUnfinished(tree, *state.unfinished, plan, options));
    return state;
  }
  // Killed between the last rename and the removal of the mark: the caller compares pg_control.
  if (state.unfinished && !options.delta) return state;
  if (!options.delta && !state.has_control && tree.Stat("PG_VERSION").code() == Code::kNotFound)
    return NoDataDirectory(tree, names);
  if (!options.delta)
    return Status(Code::kInvalidArgument, "directory \"" + tree.data_directory() + "\" is not empty")
        .WithHint(
            "Give an empty directory, or add --delta: then what is right stays, and what differs or does not belong is "
            "replaced or removed.");
  PITR_TRY(CheckOwnCluster(tree, plan, state.unfinished.has_value(), options.force, names, state));
  return state;
}

Result<std::map<std::string, std::string>> MapTablespaces(const RestorePlan& plan, const RestoreOptions& options) {
  const BackupManifest& backup = plan.backup;
  namespace fs = std::filesystem;
  std::map<std::string, std::string> mapped;
  std::set<std::string> used;
  for (const TablespaceEntry& entry : backup.tablespaces) {
    const std::string oid = std::to_string(entry.oid);
    const auto given = FindMapping(options.tablespace_map, entry.oid, entry.path);
    if (given != options.tablespace_map.end()) used.insert(given->first);
    if (entry.in_place) {
      if (given != options.tablespace_map.end())
        return Status(Code::kInvalidArgument,
                      "tablespace " + oid + " lies inside the data directory and cannot be mapped elsewhere");
      continue;
    }
    fs::path directory = given == options.tablespace_map.end() ? entry.path : given->second;
    if (!directory.is_absolute())
      return Status(Code::kInvalidArgument,
                    "tablespace directory \"" + directory.string() + "\" is not an absolute path");
    directory = directory.lexically_normal();
    mapped[oid] = directory.string();
  }
  for (const auto& [name, directory] : options.tablespace_map) {
    if (used.contains(name) || IsMadeByReplay(plan.replay, name)) continue;
    std::string known;
    for (const TablespaceEntry& entry : backup.tablespaces)
      known += (known.empty() ? "" : ", ") + entry.path + " (" + std::to_string(entry.oid) + ")";
    return Status(Code::kInvalidArgument, "the backup has no tablespace \"" + name + "\"")
        .WithDetail(known.empty() ? "It has none besides those in the data directory."
                                  : "Its tablespaces: " + known + ".");
  }
  return mapped;
}

Status CheckTablespacePath(const BackupManifest& backup, const std::string& path, MappedKind kind) {
  const std::string version = "PG_" + std::to_string(backup.cluster.pg_major) + "_";
  const std::string_view entry = TablespaceEntryOf(path);
  if (entry.empty()) return Status::Ok();
  const bool itself = entry.data() + entry.size() == path.data() + path.size();
  if (entry.starts_with(version) && IsTablespaceVersionDirectory(entry) && (kind == MappedKind::kDirectory || !itself))
    return Status::Ok();
  return Status(Code::kCorruption, "the file map of backup \"" + backup.label + "\" has \"" + path + "\"")
      .WithDetail("In a tablespace, whatever is a cluster's of PostgreSQL " + std::to_string(backup.cluster.pg_major) +
                  " is below a directory " + version + "...")
      .WithHint("Use another backup; and find out who can write to the repository.");
}

Status CheckTablespaces(const ClusterTree& tree, const TreeContent& content,
                        const std::map<std::string, std::string>& tablespaces, const DirectoryState& found,
                        const RestoreOptions& options) {
  for (const auto& [oid, directory] : tablespaces) {
    const std::string link = std::string(kTablespaceDirectory) + "/" + oid;
    if (const auto info = tree.Stat(link); info.ok() && S_ISDIR(info.value().st_mode))
      return Status(Code::kInvalidArgument,
                    "\"" + tree.data_directory() + "/" + link + "\" is a directory where a tablespace's link must be")
          .WithDetail("A copy of a data directory that follows links leaves such directories.")
          .WithHint("Move it out of the data directory, or remove it.");
    if (found.unfinished) {
      const auto before = found.unfinished->tablespaces.find(oid);
      if (before != found.unfinished->tablespaces.end() && before->second == directory) continue;
    }
    // A data directory that was copied has the original's links, and the original's tablespaces are not the copy's.
    const bool mapped = std::any_of(
        options.tablespace_map.begin(), options.tablespace_map.end(), [&directory = directory](const auto& given) {
          return std::filesystem::path(given.second).lexically_normal().string() == directory;
        });
    const bool originals = options.as_copy && !mapped;
    if (options.delta && (options.force || (HasTablespaceIn(tree, directory) && !originals))) continue;
    PITR_TRY(CheckTablespaceEmpty(tree, content, oid, options.delta, originals));
  }
  return Status::Ok();
}

}  // namespace pitr
