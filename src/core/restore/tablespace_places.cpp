#include "core/restore/tablespace_places.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "core/base/same_directory.h"
#include "core/restore/directory_way.h"
#include "core/restore/place_note.h"
#include "core/restore/restore_guard.h"
#include "core/restore/tablespace_user.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;
using NewTablespace = ReplayEffects::NewTablespace;

std::string HowToFree(const TablespaceUser& user, const std::string& place) {
  if (user.pid != 0) return {};
  return " If \"" + user.data_directory + "\" is not to be used any more, remove it, or else only \"" + place + "/" +
         std::string(kPlaceNoteName) + "\".";
}

// The directories below a tablespace's own one that servers of this version use (PG_15_202209061).
std::vector<std::string> VersionDirectories(const std::string& directory, int pg_major) {
  std::vector<std::string> found;
  std::error_code error;
  const std::string prefix = "PG_" + std::to_string(pg_major) + "_";
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    // Not what was set aside before.
    if (name.starts_with(prefix) && name.find('.') == std::string::npos) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool IsEmptyDirectory(const std::string& path) {
  std::error_code error;
  return fs::is_empty(path, error) && !error;
}

class PlaceFinder {
 public:
  PlaceFinder(const ClusterTree& tree, const RestorePlan& plan, const RestoreOptions& options,
              const std::map<std::string, std::string>& mapped)
      : tree_(tree), plan_(plan), options_(options), mapped_(mapped) {}

  Result<TablespacePlaces> Find() {
    if (options_.delta) PITR_TRY(FindLeftovers());
    NoteMoved();
    for (const NewTablespace& made : plan_.replay.tablespaces) {
      if (made.path.empty()) continue;
      const std::string wanted = Wanted(made);
      const auto [place, first] = wanted_.emplace(made.path, wanted);
      if (!first && place->second != wanted)
        return Status(Code::kInvalidArgument, "tablespaces that replay makes in \"" + made.path +
                                                  "\" are mapped to \"" + place->second + "\" and \"" + wanted + "\"");
      if (!first) continue;
      const bool chosen = wanted != made.path;
      const std::string oid = std::to_string(made.oid);
      places_.used.push_back({RestorePlace::Kind::kNewTablespace, wanted, oid, chosen});
      PITR_TRY(CheckPlacesMounted({places_.used.back()}));
      if (wanted != made.path) PITR_TRY(CheckLink(made, wanted));
      PITR_TRY(CheckPlace(made, wanted));
    }
    return std::move(places_);
  }

 private:
  std::string Wanted(const NewTablespace& made) const {
    const std::string oid = std::to_string(made.oid);
    if (const auto own = mapped_.find(oid); own != mapped_.end()) return own->second;
    return PlaceOf(options_.tablespace_map, made.oid, made.path);
  }

  bool IsOfBackup(const std::string& directory) const {
    return std::any_of(mapped_.begin(), mapped_.end(), [&](const auto& entry) {
      return entry.second == directory || SameDirectory(entry.second, directory);
    });
  }

  static std::string Instead(const NewTablespace& made) {
    return "Choose a target before it (--target-lsn " + made.at.ToString() +
           " --target-exclusive), or a backup that was taken after it: there the tablespace can be mapped. Or restore "
           "on a machine on which \"" +
           made.path + "\" does not exist.";
  }
  static std::string Why(const NewTablespace& made) {
    return "CREATE TABLESPACE of OID " + std::to_string(made.oid) + " at " + made.at.ToString() +
           " will be replayed, and PostgreSQL makes the tablespace in the place that WAL names.";
  }

  // What links of this data directory lead to and the backup does not have. A tablespace of the backup that is mapped
  // elsewhere stays where it was.
  Status FindLeftovers() {
    auto names = tree_.List(kTablespaceDirectory);
    if (!names.ok()) return Status::Ok();  // nothing to be found there
    for (const std::string& name : names.value()) {
      if (mapped_.contains(name)) continue;
      const auto leads = tree_.ReadLink(std::string(kTablespaceDirectory) + "/" + name);
      if (!leads.ok() || !leads.value().starts_with('/') || IsOfBackup(leads.value()) || IsInside(leads.value()))
        continue;
      const std::vector<std::string> versions = VersionDirectories(leads.value(), plan_.backup.cluster.pg_major);
      if (versions.empty()) continue;
      if (const auto user = FindTablespaceUser(leads.value(), options_.data_directory)) {
        places_.notes.push_back("Tablespace " + name + " was in \"" + leads.value() + "\", which was not touched. " +
                                Describe(*user));
        continue;
      }
      if (BelongsToAnother(leads.value())) {
        places_.notes.push_back("\"" + leads.value() + "\", to which a link of tablespace " + name +
                                " led, was not touched: it belongs to another user than the data directory.");
        continue;
      }
      places_.leftovers.insert(places_.leftovers.end(), versions.begin(), versions.end());
      places_.used.push_back({RestorePlace::Kind::kAside, leads.value(), name, false});
    }
    return Status::Ok();
  }

  // Somebody may have moved a tablespace since the backup.
  void NoteMoved() {
    for (const auto& [oid, directory] : mapped_) {
      const auto leads = tree_.ReadLink(std::string(kTablespaceDirectory) + "/" + oid);
      if (!leads.ok() || leads.value() == directory || SameDirectory(leads.value(), directory)) continue;
      const bool chosen = std::any_of(options_.tablespace_map.begin(), options_.tablespace_map.end(),
                                      [&directory = directory](const auto& given) {
                                        return fs::path(given.second).lexically_normal() == directory;
                                      });
      places_.notes.push_back("In the data directory tablespace " + oid + " leads to \"" + leads.value() +
                              "\", which is not touched; the restore puts it into \"" + directory + "\"" +
                              (chosen ? std::string(".")
                                      : ", where the backup had it. To have it where it is now: --tablespace " + oid +
                                            "=" + leads.value() + "."));
    }
  }

  // The server's user may make a link to any directory, and root could rename in each.
  bool BelongsToAnother(const std::string& directory) const {
    struct stat data, there;
    if (geteuid() != 0 || tree_.data_fd() < 0 || fstat(tree_.data_fd(), &data) != 0) return false;
    return stat(directory.c_str(), &there) != 0 || there.st_uid != data.st_uid;
  }

  // What is inside the data directory is cleared with it.
  bool IsInside(const std::string& directory) const {
    return (directory + "/").starts_with(options_.data_directory + "/");
  }

  Status CheckLink(const NewTablespace& made, const std::string& wanted) {
    if (!fs::path(wanted).is_absolute())
      return {Code::kInvalidArgument, "tablespace directory \"" + wanted + "\" is not an absolute path"};
    std::error_code error;
    const fs::file_status there = fs::symlink_status(made.path, error);
    if (there.type() == fs::file_type::not_found) {
      const auto unwritable = Unwritable(made.path);
      if (!unwritable) {
        places_.links[made.path] = wanted;
        return Status::Ok();
      }
      return Status(Code::kInvalidArgument, "could not make a link \"" + made.path + "\" to \"" + wanted + "\"")
          .WithDetail("\"" + *unwritable + "\" cannot be written to. " + Why(made) +
                      " A link there leads it elsewhere.")
          .WithHint("Make it as root: mkdir -p " + fs::path(made.path).parent_path().string() + " && ln -s " + wanted +
                    " " + made.path + ". Then give the same command again.");
    }
    if (there.type() == fs::file_type::symlink && fs::read_symlink(made.path, error) == wanted) return Status::Ok();
    return Status(Code::kInvalidArgument,
                  "tablespace " + std::to_string(made.oid) + " cannot be mapped away from \"" + made.path + "\" here")
        .WithDetail("\"" + made.path + "\" exists. " + Why(made) +
                    " Only where nothing is, a link can lead it elsewhere.")
        .WithHint(Instead(made));
  }

  Status CheckPlace(const NewTablespace& made, const std::string& directory) {
    if (IsOfBackup(directory)) return Status::Ok();
    if (IsInside(directory)) {
      places_.directories.push_back(directory);
      return Status::Ok();
    }
    places_.noted.push_back(directory);
    struct stat info;
    if (stat(directory.c_str(), &info) != 0) {
      if (errno != ENOENT) return FileError(errno, "looking at \"" + directory + "\"");
      places_.directories.push_back(directory);
      const auto unwritable = Unwritable(directory);
      if (!unwritable) return Status::Ok();
      return Status(Code::kInvalidArgument, "could not make directory \"" + directory + "\"")
          .WithDetail("\"" + *unwritable + "\" cannot be written to. " + Why(made))
          .WithHint(
              "Make it as root, for the user that the server runs as: install -d -m 700 -o postgres -g postgres " +
              directory + ". Then give the same command again.");
    }
    if (!S_ISDIR(info.st_mode))
      return Status(Code::kInvalidArgument, "\"" + directory + "\" is not a directory")
          .WithDetail(Why(made))
          .WithHint(Instead(made));
    if (const auto user = FindTablespaceUser(directory, options_.data_directory))
      return Status(Code::kInvalidArgument, "replay would write into \"" + directory + "\", which is in use")
          .WithDetail(Describe(*user) + " " + Why(made))
          .WithHint(Instead(made) + HowToFree(*user, directory));
    if (geteuid() != 0 && info.st_uid != geteuid())
      return Status(Code::kInvalidArgument, "directory \"" + directory + "\" belongs to another user")
          .WithDetail(Why(made) + " Recovery ends with an error where the server does not own it.")
          .WithHint("As root: chown postgres " + directory + ". Then give the same command again.");
    return CheckVersionDirectories(made, directory);
  }

  Status CheckVersionDirectories(const NewTablespace& made, const std::string& directory) {
    std::vector<std::string>& leftovers = places_.leftovers;
    for (const std::string& version : VersionDirectories(directory, plan_.backup.cluster.pg_major)) {
      if (std::any_of(leftovers.begin(), leftovers.end(),
                      [&](const std::string& known) { return SameDirectory(known, version); }))
        continue;
      if (options_.delta && options_.force) {
        leftovers.push_back(version);
        continue;
      }
      return Status(Code::kInvalidArgument, "replay would write into \"" + version + "\", which is there already")
          .WithDetail("It may be another cluster's: no link in the data directory leads there. " + Why(made) +
                      " It would use what it finds.")
          .WithHint(Instead(made) + " If no cluster uses the directory any more, rename or remove it.");
    }
    return Status::Ok();
  }

  const ClusterTree& tree_;
  const RestorePlan& plan_;
  const RestoreOptions& options_;
  const std::map<std::string, std::string>& mapped_;
  std::map<std::string, std::string> wanted_;  // by the place that WAL names
  TablespacePlaces places_;
};

}  // namespace

Result<TablespacePlaces> FindTablespacePlaces(const ClusterTree& tree, const RestorePlan& plan,
                                              const RestoreOptions& options,
                                              const std::map<std::string, std::string>& mapped) {
  return PlaceFinder(tree, plan, options, mapped).Find();
}

Status CheckPlaceAtReplay(const std::string& data_directory, int pg_major, const NewTablespace& made,
                          const ReplayWords& words) {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(data_directory));
  if ((made.path + "/").starts_with(data_directory + "/")) return Status::Ok();
  const auto refused = [&](const std::string& is, const std::string& whose, const std::string& free) {
    return Status(Code::kConflict, "replay would write into \"" + made.path + "\", which is " + is)
        .WithDetail(whose + " CREATE TABLESPACE of OID " + std::to_string(made.oid) + " at " + made.at.ToString() +
                    (words.late ? " was archived after this restore was planned" : " is about to be replayed") +
                    ", and PostgreSQL makes the tablespace in the place that WAL names.")
        .WithHint((words.standby
                       ? "Take a backup of the primary now, and restore the standby once more from that, with --delta "
                         "and --tablespace " +
                             std::to_string(made.oid) + "=DIRECTORY."
                       : "Restore once more with --delta: to before it, --target-lsn " + made.at.ToString() +
                             " --target-exclusive; or from a backup that was taken after it, where the tablespace can "
                             "be mapped.") +
                  free);
  };
  const auto user = FindTablespaceUser(made.path, data_directory);
  if (user) return refused("in use", Describe(*user), HowToFree(*user, made.path));
  if (!HasTablespaceIn(tree, made.path)) {
    // A crash between the two steps of making it leaves its directory without a link to it.
    const bool begun = IsNotedFor(made.path, data_directory);
    for (const std::string& version : VersionDirectories(made.path, pg_major))
      if (!begun || !IsEmptyDirectory(version))
        return refused("there already", "It may be another cluster's: no link in the data directory leads there.", "");
  }
  const Status noted = NotePlace(tree, made.path);
  if (noted.code() == Code::kConflict) return refused("in use", noted.message() + ".", "");
  return Status::Ok();  // where nothing can be written the server itself will say so
}

std::vector<std::string> DescribePlaces(const TablespacePlaces& places) {
  std::vector<std::string> notes;
  for (const std::string& directory : places.leftovers)
    notes.push_back("\"" + directory +
                    "\" holds a tablespace that the backup does not have; it will be set aside beside, not reused.");
  for (const std::string& directory : places.directories)
    notes.push_back("Directory \"" + directory + "\" will be made: replay makes a tablespace in it.");
  for (const auto& [path, leads_to] : places.links)
    notes.push_back("\"" + path + "\" will be made a link to \"" + leads_to + "\": replay makes a tablespace there.");
  notes.insert(notes.end(), places.notes.begin(), places.notes.end());
  return notes;
}

Status SetLeftoversAside(const TablespacePlaces& places, const std::string& suffix, std::vector<std::string>* notes) {
  for (const std::string& directory : places.leftovers) {
    const std::string aside = directory + suffix;
    const std::string name = fs::path(directory).filename().string();
    PITR_ASSIGN(const UniqueFd above, OpenDirectoryWay(fs::path(directory).parent_path().string()));
    if (renameat(above.get(), name.c_str(), above.get(), (name + suffix).c_str()) != 0)
      return FileError(errno, "renaming \"" + directory + "\" to \"" + aside + "\"");
    if (fsync(above.get()) != 0) return FileError(errno, "syncing the directory of \"" + aside + "\"");
    notes->push_back("\"" + directory + "\" held a tablespace that the backup does not have; it was set aside as \"" +
                     aside + "\". Remove it when nothing in it is needed any more.");
  }
  return Status::Ok();
}

Status MakeTablespacePlaces(const TablespacePlaces& places, const ClusterTree& tree, std::vector<std::string>* notes) {
  for (const std::string& directory : places.directories) {
    PITR_ASSIGN(const UniqueFd fd, MakeDirectoryWay(directory));
    PITR_TRY(tree.GiveToOwner(fd.get(), directory));
    notes->push_back("Directory \"" + directory + "\" was made: replay will make a tablespace in it.");
  }
  for (const auto& [path, leads_to] : places.links) {
    PITR_ASSIGN(const UniqueFd above, MakeDirectoryWay(fs::path(path).parent_path().string()));
    if (symlinkat(leads_to.c_str(), above.get(), fs::path(path).filename().c_str()) != 0)
      return FileError(errno, "making the link \"" + path + "\" to \"" + leads_to + "\"");
    if (fsync(above.get()) != 0) return FileError(errno, "syncing the directory of \"" + path + "\"");
    notes->push_back("\"" + path + "\" is a link to \"" + leads_to +
                     "\" now: replay makes a tablespace there. Keep the link as long as the tablespace exists.");
  }
  for (const std::string& place : places.noted) {
    const Status noted = NotePlace(tree, place);
    if (noted.code() == Code::kConflict)
      return Status(noted).WithHint("Another restore came first, for which it was prepared a moment ago.");
    if (!noted.ok())
      notes->push_back("\"" + place + "\" could not be noted as a place of this data directory (" + noted.message() +
                       "): until its server has been started, nothing but you keeps another restore from using it.");
  }
  notes->insert(notes->end(), places.notes.begin(), places.notes.end());
  return Status::Ok();
}

}  // namespace pitr
