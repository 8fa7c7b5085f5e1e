#include "core/restore/restorer.h"
#include "core/restore/configured_server.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/sha256.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/restore/backup_map.h"
#include "core/restore/directory_way.h"
#include "core/restore/file_copy.h"
#include "core/restore/map_survey.h"
#include "core/restore/outside_configuration.h"
#include "core/restore/own_number.h"
#include "core/restore/recovery_limits.h"
#include "core/restore/restore_finish.h"
#include "core/restore/restore_guard.h"
#include "core/restore/restore_places.h"
#include "core/restore/restore_survey.h"
#include "core/restore/set_aside.h"
#include "core/restore/tablespace_places.h"
#include "core/restore/wal_origin.h"
#include "core/restore/written_files.h"
#include "core/store/file_error.h"
#include "core/store/store_url.h"

namespace pitr {
namespace {

constexpr std::string_view kGlobalDirectory = "global";
constexpr size_t kMaxControlBytes = size_t{1} << 20;
constexpr mode_t kOwnerOnly = 0700;
// What PostgreSQL accepts of a data directory: nothing for others, group may read.
constexpr mode_t kForbiddenBits = 0027;

std::string PlainPath(const std::string& path) {
  std::string plain = std::filesystem::path(path).lexically_normal().string();
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

class Restore {
 public:
  Restore(const Repository& repository, const RestorePlan& plan, const RestoreOptions& options, Progress& progress,
          const OpContext& ctx)
      : repository_(repository), plan_(plan), options_(options), progress_(progress), ctx_(ctx) {}

  Status Check();
  std::vector<std::string> DescribeCheck() const;
  Result<RestoreResult> Run();
  // Whether the directory was changed.
  bool begun() const { return begun_; }
  // After a failure: what was made and nothing was written to.
  void RemoveEmptyDirectories() const {
    for (auto directory = made_.rbegin(); directory != made_.rend(); ++directory)
      if (rmdir(directory->c_str()) != 0) return;
  }

 private:
  std::vector<RestorePlace> Places() const;
  Status OpenTree();
  Status ReadMap();
  Status CheckFinished();
  Status CheckConfirmed() const;
  Status MakeRoot(const std::string& directory, WayLinks links);
  Status MakeRoots();
  Status ChooseOwner();
  Status MarkAndDisarm();
  Status Disarm();
  Status PlaceLinks();
  Status ClearDirectory();
  Status SetModesOfRoots() const;
  Status MakeDirectories();
  Status CopyFiles();
  Status SyncEverything();
  Status ReserveNumber(RestoreMark& mark);
  Status WriteRecovery();
  void NoteHowToStart();
  Status PlaceControlFile();
  static bool IsWrittenByUs(const std::string& path);
  bool IsLeftAlone(const std::string& path) const;

  const Repository& repository_;
  const RestorePlan& plan_;
  const RestoreOptions& options_;
  Progress& progress_;
  const OpContext& ctx_;
  RestoreResult result_;
  std::vector<std::string> made_;  // directories, parents first
  std::optional<ClusterTree> tree_;
  std::map<std::string, std::string> tablespaces_;  // OID -> directory
  std::optional<BackupMap> map_;
  MapSurvey mapped_;
  TreeContent content_;  // with the links that are to be
  DirectoryState found_;
  RestoreSurvey survey_;
  TablespacePlaces new_places_;
  std::vector<std::string> hold_notes_;
  RestoreState state_;
  std::optional<WrittenFiles> files_;
  bool begun_ = false;
  CopiedTree copied_;
  mode_t file_mode_ = 0600;
};

// Remembers what had to be made.
Status Restore::MakeRoot(const std::string& directory, WayLinks links) {
  std::error_code error;
  std::vector<std::string> missing;
  for (std::filesystem::path at = directory; !std::filesystem::exists(at, error); at = at.parent_path())
    missing.push_back(at.string());
  made_.insert(made_.end(), missing.rbegin(), missing.rend());
  return MakeDirectoryWay(directory, links).status();
}

Status Restore::ChooseOwner() {
  if (geteuid() != 0) return Status::Ok();
  struct stat info;
  if (fstat(tree_->data_fd(), &info) != 0) return FileError(errno, "looking at \"" + options_.data_directory + "\"");
  if (info.st_uid == 0) {
    std::string directories = options_.data_directory;
    for (const auto& [oid, directory] : tablespaces_) directories += " " + directory;
    result_.notes.push_back(
        "Everything belongs to root, as the data directory does; give it to the server's user before starting: chown "
        "-R postgres " +
        directories);
    return Status::Ok();
  }
  tree_->SetOwner(info.st_uid, info.st_gid);
  return Status::Ok();
}

// All that is known before the tree is surveyed; then all.
std::vector<RestorePlace> Restore::Places() const {
  using Kind = RestorePlace::Kind;
  std::vector<RestorePlace> places{{Kind::kData, options_.data_directory, {}, true}};
  const std::string wal = options_.wal_directory.empty() ? survey_.wal_place.wanted : PlainPath(options_.wal_directory);
  if (!wal.empty() && wal != PlainPath(options_.data_directory + "/" + std::string(kWalDirectory)))
    places.push_back({Kind::kWal, wal, {}, true});
  for (const TablespaceEntry& entry : plan_.backup.tablespaces) {
    const auto mapped = tablespaces_.find(std::to_string(entry.oid));
    if (mapped != tablespaces_.end())
      places.push_back({Kind::kTablespace, mapped->second, mapped->first, mapped->second != PlainPath(entry.path)});
  }
  places.insert(places.end(), new_places_.used.begin(), new_places_.used.end());
  return places;
}

Status Restore::OpenTree() {
  if (!std::filesystem::path(options_.data_directory).is_absolute())
    return {Code::kInvalidArgument, "data directory \"" + options_.data_directory + "\" is not an absolute path"};
  PITR_ASSIGN(tablespaces_, MapTablespaces(plan_, options_));
  // First what the directory itself is, then how it goes with the others.
  const std::vector<RestorePlace> places = Places();
  const std::string repository_directory = StoreDirectory(repository_.config().repository);
  PITR_TRY(CheckRestorePlaces({places.front()}, repository_directory));
  PITR_ASSIGN(ClusterTree tree, ClusterTree::OpenForSurvey(options_.data_directory));
  tree_.emplace(std::move(tree));
  // Released when the process ends, however it ends.
  if (tree_->data_fd() >= 0 && flock(tree_->data_fd(), LOCK_EX | LOCK_NB) != 0)
    return Status(Code::kInvalidArgument, "another restore is running in \"" + options_.data_directory + "\"")
        .WithHint("Wait for it to end.");
  PITR_ASSIGN(found_, CheckDirectory(*tree_, plan_, options_));
  PITR_TRY(CheckRestorePlaces(places, repository_directory));
  PITR_TRY(CheckPlacesMounted(places));
  for (const RestorePlace& place : places) PITR_TRY(CheckPlaceWritable(place));
  for (const auto& [oid, directory] : tablespaces_) PITR_TRY(tree_->AddTablespace(oid, directory));
  return Status::Ok();
}

// Once: making the roots of the tree changes none of it.
Status Restore::ReadMap() {
  if (!map_) {
    PITR_ASSIGN(BackupMap map,
                BackupMap::Open(repository_, plan_.backup, options_.jobs, options_.map_window_bytes, ctx_));
    PITR_ASSIGN(mapped_, MapSurvey::Of(map, plan_.backup, *tree_, ctx_));
    map_ = std::move(map);
    progress_.bytes_total = mapped_.bytes;
    progress_.files_total = result_.files = mapped_.files;
  }
  content_ = mapped_.content;
  for (const auto& [oid, directory] : tablespaces_)
    content_.links.insert(std::string(kTablespaceDirectory) + "/" + oid);
  return Status::Ok();
}

// Whatever a restore refuses, it refuses here. Writes nothing; may be called again.
Status Restore::Check() {
  survey_ = {};
  new_places_ = {};
  if (options_.mode == RecoveryMode::kStandby && plan_.target.kind != TargetKind::kLatest)
    return Status(Code::kInvalidArgument, "a standby follows what is archived, and does not stop at a target")
        .WithHint(
            "To stop there and look, --target-action pause without --mode standby: the server stays read-only until "
            "pg_wal_replay_resume(). A standby is restored without a target.");
  PITR_TRY(OpenTree());
  PITR_TRY(CheckBackupFiles(plan_.backup, tablespaces_));
  PITR_TRY(ReadMap());
  PITR_TRY(CheckFinished());
  PITR_TRY(CheckTablespaces(*tree_, content_, tablespaces_, found_, options_));
  PITR_ASSIGN(survey_, SurveyDirectory(repository_, options_, found_, *map_, mapped_, *tree_, content_, ctx_));
  PITR_ASSIGN(new_places_, FindTablespacePlaces(*tree_, plan_, options_, tablespaces_));
  PITR_TRY(CheckRestorePlaces(Places(), StoreDirectory(repository_.config().repository)));
  PITR_TRY(CheckPlacesMounted(Places()));
  PITR_TRY(CheckConfirmed());
  PITR_ASSIGN(hold_notes_, HoldKeeper::Look(repository_, plan_, options_.hold, ctx_));
  return Status::Ok();
}

// Whoever can write to the repository can have it name any directory, and root may write to each.
Status Restore::CheckConfirmed() const {
  if (geteuid() != 0) return Status::Ok();
  struct stat data;
  const bool owned = tree_->data_fd() >= 0 && fstat(tree_->data_fd(), &data) == 0 && data.st_uid != 0;
  for (const RestorePlace& place : Places()) {
    if (place.kind == RestorePlace::Kind::kWal || place.kind == RestorePlace::Kind::kTablespace) {
      const auto there = OpenDirectoryWay(place.path);
      if (!there.ok() && there.code() != Code::kNotFound) return there.status();
      if (there.ok() && owned) PITR_TRY(CheckMayBeGiven(there.value().get(), place.path, data.st_uid));
    }
    if (place.oid.empty() || place.chosen || place.kind == RestorePlace::Kind::kAside) continue;
    if (HasTablespaceIn(*tree_, place.path) || options_.tablespace_map.contains(place.oid) ||
        options_.tablespace_map.contains(place.path))
      continue;
    std::error_code error;
    const bool link = std::filesystem::is_symlink(place.path, error);
    if (options_.recorded_tablespaces && !link) continue;
    const std::string map = "--tablespace " + place.oid + "=DIRECTORY";
    return Status(Code::kInvalidArgument,
                  "tablespace " + place.oid + " would go to \"" + place.path + "\", which nobody has confirmed")
        .WithDetail(std::string(link ? "It is a symbolic link. " : "") +
                    "The path comes from the repository, and root could write to any directory that it names.")
        .WithHint(link ? "Say where it may go: " + map + "."
                       : "If that is where it belongs, add --recorded-tablespaces; otherwise " + map +
                             ". Run by the server's user a restore does not ask.");
  }
  return Status::Ok();
}

std::vector<std::string> Restore::DescribeCheck() const {
  std::vector<std::string> notes = DescribePlaces(new_places_);
  if (!found_.empty)
    for (std::string& note : DescribeSurvey(survey_, *tree_, /*done=*/false)) notes.push_back(std::move(note));
  notes.insert(notes.end(), hold_notes_.begin(), hold_notes_.end());
  return notes;
}

Status Restore::MakeRoots() {
  // The data directory is what the operator named.
  PITR_TRY(MakeRoot(options_.data_directory, WayLinks::kAll));
  for (const auto& [oid, directory] : tablespaces_) PITR_TRY(MakeRoot(directory, LinksToFollow()));
  return Status::Ok();
}

bool Restore::IsWrittenByUs(const std::string& path) {
  return path == kBackupLabelPath || path == kTablespaceMapPath || path == kRecoverySignal || path == kStandbySignal ||
         path == kRestoreStatePath || path == kRestoreMarkPath;
}

// What the directory had before and has still; and the links, whose directories are there.
bool Restore::IsLeftAlone(const std::string& path) const {
  return tree_->roots().contains(path) || survey_.rules.own.Stays(path) ||
         (state_.keep_logs && survey_.rules.logs.Holds(path));
}

// A restore that was killed after pg_control had appeared is like any other that was interrupted, as long as no server
// was started: perhaps it is another target that is wanted now.
Status Restore::CheckFinished() {
  if (!found_.unfinished || !found_.has_control) return Status::Ok();
  const auto bytes = tree_->ReadWhole(kControlFilePath, kMaxControlBytes);
  found_.complete = bytes.ok() && Sha256Hex(bytes.value()) == found_.unfinished->control_sha256;
  if (options_.delta) return Status::Ok();
  if (!found_.complete)
    return Status(Code::kInvalidArgument, "directory \"" + options_.data_directory + "\" is not empty")
        .WithDetail("A restore into it was finished before, and the server has been started since.")
        .WithHint("Add --delta to restore over it.");
  return CheckUnfinished(*tree_, *found_.unfinished, plan_, options_);
}

// From here on the directory cannot be started until PlaceControlFile.
Status Restore::MarkAndDisarm() {
  struct stat info;
  if (fstat(tree_->data_fd(), &info) != 0) return FileError(errno, "looking at \"" + options_.data_directory + "\"");
  const bool usable = (info.st_mode & kForbiddenBits) == 0 && (info.st_mode & kOwnerOnly) == kOwnerOnly;
  if (!usable && fchmod(tree_->data_fd(), kOwnerOnly) != 0)
    return FileError(errno, "changing the mode of \"" + options_.data_directory + "\"");
  state_.label = plan_.backup.label;
  state_.system_id = plan_.backup.cluster.system_id;
  state_.started_micros = ctx_.clock->WallMicros();
  state_.tablespaces = tablespaces_;
  state_.aside_elsewhere = survey_.earlier.elsewhere;
  const std::string suffix = survey_.rules.aside.substr(survey_.rules.aside.find('.'));
  for (const std::string& leftover : new_places_.leftovers) state_.aside_elsewhere.push_back(leftover + suffix);
  // Killed before Disarm() it is still what it was.
  state_.control_sha256 = found_.complete ? found_.unfinished->control_sha256 : "";
  state_.keep_logs = found_.unfinished ? found_.unfinished->keep_logs : !found_.empty;
  state_.aside = survey_.rules.aside;
  state_.configuration = survey_.rules.configuration;
  state_.logs = survey_.rules.logs.directories();
  state_.kept = survey_.rules.own.kept;
  state_.replaced = survey_.rules.own.replaced;
  begun_ = true;
  PITR_TRY(WriteRestoreState(*tree_, state_));
  return Disarm();
}

Status Restore::Disarm() {
  if (!found_.has_control) return Status::Ok();
  auto global = tree_->Stat(kGlobalDirectory);
  if (global.code() == Code::kNotFound) return Status::Ok();
  if (!global.ok()) return global.status();
  if (!S_ISDIR(global.value().st_mode)) {
    // A server would follow a link.
    PITR_TRY(tree_->Unlink(kGlobalDirectory));
    return tree_->SyncDirectory("");
  }
  PITR_TRY(tree_->MakeAccessible(kGlobalDirectory));
  auto control = tree_->Stat(kControlFilePath);
  if (control.code() == Code::kNotFound) return Status::Ok();
  if (!control.ok()) return control.status();
  // No server starts from a directory of that name; it goes with what does not belong.
  if (S_ISDIR(control.value().st_mode)) return Status::Ok();
  PITR_TRY(tree_->Unlink(kControlFilePath));
  return tree_->SyncDirectory(kGlobalDirectory);
}

Status Restore::ClearDirectory() {
  if (!found_.empty) {
    if (survey_.wal_place.stays()) PITR_TRY(SetWalAside(*tree_, survey_.wal.names, survey_.rules.aside));
    // As a whole, with what earlier restores set aside in it, and what is stored, too.
    if (survey_.wal_place.replaces_directory) {
      SetAside aside(*tree_, survey_.rules.aside);
      PITR_TRY(aside.Move(std::string(kWalDirectory)));
      PITR_TRY(KeepOrigin(*tree_, survey_.rules.aside));
      PITR_TRY(aside.Sync());
    }
  }
  if (!survey_.wal_place.wanted.empty()) {
    PITR_TRY(MakeDirectoryWay(survey_.wal_place.wanted).status());
    PITR_TRY(PlaceWalLink(*tree_, survey_.wal_place));
    PITR_TRY(tree_->AddWalDirectory(survey_.wal_place.wanted));
  }
  if (found_.empty) return Status::Ok();
  PITR_ASSIGN(survey_.clear, ClearTree(*tree_, *map_, content_, survey_.rules, ctx_));
  result_.files_removed = survey_.clear.removed;
  result_.set_aside = survey_.clear.set_aside;
  if (!result_.set_aside.empty()) result_.aside_directory = tree_->Locate(survey_.rules.aside);
  const auto notes = DescribeSurvey(survey_, *tree_, /*done=*/true);
  result_.notes.insert(result_.notes.end(), notes.begin(), notes.end());
  return Status::Ok();
}

Status Restore::PlaceLinks() {
  for (const auto& [oid, directory] : tablespaces_) {
    const std::string link = std::string(kTablespaceDirectory) + "/" + oid;
    PITR_TRY(tree_->MakeLink(link, directory));
  }
  return Status::Ok();
}

// What a directory was before does not count, as in CREATE TABLESPACE. Another user's stays, if it may be written to.
Status Restore::SetModesOfRoots() const {
  for (const auto& [root, directory] : tree_->roots()) {
    if (root.empty()) continue;
    PITR_ASSIGN(const UniqueFd fd, tree_->OpenDirectory(root));
    struct stat info;
    if (fstat(fd.get(), &info) != 0) return FileError(errno, "looking at \"" + directory + "\"");
    if (geteuid() != 0 && info.st_uid != geteuid()) continue;
    if (fchmod(fd.get(), kOwnerOnly) != 0) return FileError(errno, "changing the mode of \"" + directory + "\"");
  }
  return Status::Ok();
}

Status Restore::MakeDirectories() {
  PITR_TRY(tree_->MakeDirectory(kTablespaceDirectory, kOwnerOnly));
  PITR_TRY(tree_->GiveRootsToOwner());
  PITR_TRY(PlaceLinks());
  PITR_TRY(SetModesOfRoots());
  std::map<std::string, mode_t, std::less<>> modes;
  for (const std::string& path : content_.directories) modes[path] = kOwnerOnly;
  for (const MappedDirectory& directory : map_->list().directories) {
    if (directory.path.empty() || directory.path == ".") {
      // Group access is a property of the whole cluster.
      if ((directory.mode & 0050) == 0050) file_mode_ = 0640;
      if (fchmod(tree_->data_fd(), directory.mode & 0750) != 0)
        return FileError(errno, "changing the mode of \"" + options_.data_directory + "\"");
      continue;
    }
    modes[directory.path] = directory.mode & 07777;
  }
  // In order of path, so parents come before children.
  for (const auto& [path, mode] : modes) {
    if (!IsLeftAlone(path)) PITR_TRY(tree_->MakeDirectory(path, mode));
  }
  return Status::Ok();
}

Status Restore::CopyFiles() {
  const std::function<bool(const std::string&)> is_left = [&](const std::string& path) {
    return IsWrittenByUs(path) || IsLeftAlone(path);
  };
  const FileCopyRequest request{repository_, plan_.backup, *map_, *tree_, is_left, options_.jobs, progress_};
  PITR_ASSIGN(copied_, CopyMappedFiles(request, *files_, ctx_));
  // In a new directory only empty files need nothing.
  result_.files_kept = found_.empty ? 0 : copied_.files_same;
  result_.bytes_compared = copied_.bytes_compared;
  result_.bytes_written = copied_.bytes_written + copied_.control.size();
  result_.bytes_fetched = copied_.bytes_fetched;
  return Status::Ok();
}

Status Restore::SyncEverything() {
  PITR_TRY(files_->SyncAll(options_.jobs, ctx_));
  for (const std::string& path : content_.directories)
    if (!IsLeftAlone(path)) PITR_TRY(tree_->SyncDirectory(path));
  for (const auto& [root, directory] : tree_->roots()) PITR_TRY(tree_->SyncDirectory(root));
  return Status::Ok();
}

// Notes what is in the way of starting the server that was restored.
void Restore::NoteHowToStart() {
  const std::string& directory = options_.data_directory;
  const ServerStart& start = result_.start = HowToStart(directory, OutsideConfigFile(plan_.backup), options_.as_copy);
  if (!start.inside) result_.notes.push_back(DescribeMissingConfiguration(start, directory));
  if (std::string note = DescribeElsewhere(start, directory); !note.empty()) result_.notes.push_back(std::move(note));
  if (options_.as_copy || start.inside || start.configuration.empty()) return;
  std::string lacking = DescribeLackingSettings(plan_.backup, ReadConfiguredServer(directory, start.configuration));
  if (!lacking.empty()) result_.notes.push_back(std::move(lacking));
}

// Without a hold a restore writes nothing to the repository; and credentials may be read-only.
Status Restore::ReserveNumber(RestoreMark& mark) {
  mark.used = UsedNumber(*tree_);
  std::string why = "pg_pitr.restore_hold is 0, so nothing is written there";
  if (options_.hold.lasts_micros > 0) {
    const auto number = OwnNumber(repository_, *tree_, plan_, options_.hold.by, ctx_);
    PITR_TRY(ctx_.Check());
    if (number.ok()) mark.reserved = number.value();
    if (number.ok()) return Status::Ok();
    why = number.status().ToString();
  }
  mark.reserved = NumberOfDirectory(mark.used, plan_);
  if (mark.reserved.valid()) return Status::Ok();
  result_.notes.push_back("No number of its own was taken in the repository for the new timeline: " + why +
                          ". It gets the next one that the archive does not know. A server that archives to a "
                          "repository of its own may have used that before, if it was in another directory; then its "
                          "history file is refused there, and archiving sticks.");
  return Status::Ok();
}

Status Restore::WriteRecovery() {
  PITR_ASSIGN(const ControlData control, ParseControlFile(copied_.control));
  const OwnConfiguration own = ReadOwnConfiguration(
      *tree_, FindOutsideConfiguration(options_.data_directory, OutsideConfigFile(plan_.backup)).file);
  RecoverySettings settings;
  settings.mode = options_.mode;
  settings.target = plan_.ServerTarget();
  settings.target_timeline = plan_.target_timeline;
  settings.pg_major = plan_.backup.cluster.pg_major;
  settings.restore_command = options_.restore_command;
  settings.recovery_end_command = options_.program;
  settings.needed = NeededSettings(Largest(control.limits, plan_.replay.limits), own, plan_.backup.cluster.pg_major);
  AddSettingNotes(settings, own, &result_.notes);
  if (plan_.NeedsInPlaceTablespaces()) AllowInPlaceTablespaces(own, settings, &result_.notes);
  // Not for a standby: nobody would set it back.
  if (plan_.replay.without_hot_standby && options_.mode == RecoveryMode::kRecover)
    settings.needed.emplace_back("hot_standby", "off");
  result_.open_for_reading = !plan_.replay.without_hot_standby && !IsHotStandbyOff(own);
  if (options_.as_copy) settings.copy = CopySettings(repository_.marker().cluster_name);
  RestoreMark mark = MarkOfPlan(repository_, plan_, ctx_.clock->WallMicros());
  mark.mode = options_.mode;
  mark.aside_elsewhere = state_.aside_elsewhere;
  mark.places = new_places_.noted;
  mark.as_copy = options_.as_copy;
  mark.config_file = OutsideConfigFile(plan_.backup);
  PITR_TRY(NoteWalAside(*tree_, mark));
  // PostgreSQL takes from there what its restore_command does not find.
  if (!plan_.history.empty() && options_.mode != RecoveryMode::kNone)
    PITR_TRY(tree_->WriteWhole("pg_wal/" + HistoryFileName(plan_.target_timeline), AsBytes(plan_.history), file_mode_));
  if (options_.mode == RecoveryMode::kRecover) PITR_TRY(ReserveNumber(mark));
  return WriteRecoveryFiles(*tree_, std::move(settings), std::move(mark), file_mode_);
}

Status Restore::PlaceControlFile() {
  // What would be started from it must be a control file of this cluster.
  PITR_ASSIGN(const ControlData control, ParseControlFile(copied_.control));
  if (control.system_id != plan_.backup.cluster.system_id)
    return {Code::kCorruption, "the control file in backup \"" + plan_.backup.label + "\" is of another cluster"};
  PITR_TRY(ctx_.Check());
  state_.control_sha256 = Sha256Hex(copied_.control);
  PITR_TRY(WriteRestoreState(*tree_, state_));
  PITR_TRY(tree_->WriteWhole(kControlFilePath, copied_.control, copied_.control_mode & 07777));
  // The cluster is whole now, so nothing may be refused or begun again on account of the mark. One that a crash brings
  // back names this control file, and is believed as long as it is that.
  const Status removed = RemoveRestoreState(*tree_);
  if (removed.ok() || tree_->Stat(kRestoreStatePath).ok()) return removed;
  result_.notes.push_back("\"" + tree_->Locate(kRestoreStatePath) +
                          "\" was removed, which may not have reached the disk (" + removed.message() +
                          "). If it is there again after a crash, remove it before the server is started.");
  return Status::Ok();
}

Result<RestoreResult> Restore::Run() {
  progress_.phase = "looking at the directory";
  PITR_TRY(Check());
  if (!tree_->whole()) {
    PITR_TRY(MakeRoots());
    PITR_TRY(Check());
  }
  PITR_TRY(ChooseOwner());
  PITR_ASSIGN(const auto hold, HoldKeeper::Take(repository_, plan_, options_.hold, ctx_));
  PITR_TRY(ForgetUsedNumber(*tree_, found_.unfinished.has_value(), found_.timeline));
  PITR_TRY(MarkAndDisarm());
  PITR_TRY(SetLeftoversAside(new_places_, state_.aside.substr(state_.aside.find('.')), &result_.notes));
  PITR_TRY(ClearDirectory());
  PITR_TRY(MakeDirectories());
  PITR_TRY(MakeTablespacePlaces(new_places_, *tree_, &result_.notes));
  files_.emplace(*tree_);
  progress_.phase = found_.empty ? "fetching" : "comparing and fetching";
  PITR_TRY(CopyFiles());
  progress_.phase = "setting up recovery";
  // A standby goes on with the archive of its primary.
  if (options_.mode != RecoveryMode::kStandby) PITR_TRY(LeaveKnownRepositories(*tree_, file_mode_));
  PITR_TRY(WriteBackupFiles(*tree_, plan_.backup, tablespaces_, file_mode_));
  PITR_TRY(WriteRecovery());
  NoteHowToStart();
  progress_.phase = "writing to disk";
  PITR_TRY(SyncEverything());
  PITR_TRY(PlaceControlFile());
  result_.held_until_micros = hold->Finish(ctx_);
  result_.notes.insert(result_.notes.end(), hold->notes().begin(), hold->notes().end());
  return result_;
}

}  // namespace

Result<std::vector<std::string>> CheckRestore(const Repository& repository, const RestorePlan& plan,
                                              const RestoreOptions& options, const OpContext& ctx) {
  Progress progress;
  Restore restore(repository, plan, options, progress, ctx);
  PITR_TRY(restore.Check());
  return restore.DescribeCheck();
}

Result<RestoreResult> RunRestore(const Repository& repository, const RestorePlan& plan, const RestoreOptions& options,
                                 Progress& progress, const OpContext& ctx) {
  Restore restore(repository, plan, options, progress, ctx);
  auto result = restore.Run();
  if (result.ok()) return result;
  restore.RemoveEmptyDirectories();
  if (!restore.begun()) return result;
  const std::string hint = result.status().hint();
  return Status(result.status())
      .WithHint(hint + (hint.empty() ? "" : " ") +
                "The directory is incomplete and cannot be started. When the cause is mended, run the same command "
                "again: it goes on, and what was set aside stays.");
}

}  // namespace pitr
