#include "core/backup/backup_session.h"

#include <atomic>
#include <optional>
#include <set>

#include "core/backup/backup_removal.h"
#include "core/backup/copy/copy_run.h"
#include "core/backup/lock_extension.h"
#include "core/backup/reserved_label.h"
#include "core/base/describe_size.h"
#include "core/base/job_limit.h"
#include "core/base/version.h"
#include "core/repo/backups/backup_objects.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/envelope/json_scan.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_writer.h"
#include "core/repo/opening/repository_watch.h"

namespace pitr {
namespace {

constexpr size_t kMaxAnnotations = 100;
constexpr size_t kMaxAnnotationBytes = 8192;
constexpr char kResumedFrom[] = "resumed from";  // annotation

Status CheckOptions(const BackupOptions& options) {
  if (options.jobs < 1 || options.jobs > kMaxJobs)
    return {Code::kInvalidArgument, "the number of jobs must be between 1 and " + std::to_string(kMaxJobs)};
  if (options.annotations.size() > kMaxAnnotations)
    return {Code::kInvalidArgument, "a backup can have at most " + std::to_string(kMaxAnnotations) + " annotations"};
  for (const auto& [name, value] : options.annotations)
    if (name.empty() || name.size() + value.size() > kMaxAnnotationBytes || !IsUtf8(name) || !IsUtf8(value))
      return {Code::kInvalidArgument, "an annotation must have a name, be valid UTF-8 and take at most " +
                                          std::to_string(kMaxAnnotationBytes) + " bytes"};
  return Status::Ok();
}

// "CHECKPOINT LOCATION: 0/3000098", the second line of a backup label.
Result<Lsn> CheckpointOf(const std::string& backup_label) {
  static constexpr std::string_view kName = "CHECKPOINT LOCATION: ";
  const size_t at = backup_label.find(kName);
  if (at != std::string::npos) {
    const size_t from = at + kName.size();
    const auto lsn = Lsn::Parse(std::string_view(backup_label).substr(from, backup_label.find('\n', from) - from));
    if (lsn && lsn->valid()) return *lsn;
  }
  return Status(Code::kInvalidArgument, "the backup label of the server does not tell the checkpoint's location");
}

// The choice was made before the server said where the backup starts.
Status CheckStart(const BackupManifest& parent, const BackupStart& start) {
  if (start.start_lsn >= parent.stop_lsn && start.timeline.value >= parent.timeline.value) return Status::Ok();
  return Status(Code::kConflict, "the backup starts at " + start.start_lsn.ToString() + " of timeline " +
                                     std::to_string(start.timeline.value) + ", before the end of backup \"" +
                                     parent.label + "\", which it was to build on")
      .WithHint("Take a full backup.");
}

std::string Listed(const std::set<std::string>& labels) {
  std::string text;
  for (const std::string& label : labels) text += (text.empty() ? "" : ", ") + label;
  return text;
}

}  // namespace

struct BackupSession::State {
  enum class Stage { kReserved, kCopied, kFinished, kAbandoned };

  State(const Repository& r, const BackupOptions& o, ParentChoice c, std::string l)
      : repository(r),
        options(o),
        choice(std::move(c)),
        label(std::move(l)),
        packs(label),
        record(label, o.resume && o.type == BackupType::kFull, o.record_after_millis) {}

  const Repository& repository;
  const BackupOptions options;  // of the type that is taken
  ParentChoice choice;
  ResumeChoice resumed;
  const std::string label;
  Stage stage = Stage::kReserved;
  bool manifest_tried = false;  // whether it was stored may be unknown
  BackupStart start;
  PackTable packs;
  PackRecord record;
  PageFindings pages;
  std::optional<CopiedFiles> copied;
  std::atomic<int> change_kind{-1};
  std::unique_ptr<LifeSigns> life;

  // No more life signs. What stays of them ends by itself.
  void EndLifeSigns(const OpContext& ctx) {
    const Status ended = life ? life->End(ctx) : Status::Ok();
    life.reset();
    if (!ended.ok()) repository.log().Debug("could not remove a backup's life signs: " + ended.ToString());
  }

  Result<BackupManifest> MakeManifest(const BackupStop& stop) const;
  void AddRemarks(BackupManifest& manifest) const;
};

void BackupSession::State::AddRemarks(BackupManifest& manifest) const {
  manifest.followed = copied->directory.followed;
  manifest.skipped = copied->directory.skipped;
  manifest.skipped_count = copied->directory.skipped_count;
  manifest.outside = OutsideFiles(start.configuration, copied->directory);
  manifest.settings = start.settings;
}

Result<BackupManifest> BackupSession::State::MakeManifest(const BackupStop& stop) const {
  if (stop.stop_lsn < start.start_lsn)
    return Status(Code::kInvalidArgument, "the backup ends at " + stop.stop_lsn.ToString() + ", before its start at " +
                                              start.start_lsn.ToString());
  BackupManifest manifest;
  manifest.label = label;
  manifest.type = options.type;
  manifest.cluster = repository.marker().cluster;
  manifest.server_version = start.server_version;
  manifest.tool_version = kToolVersion;
  manifest.start_micros = start.start_micros;
  manifest.stop_micros = stop.stop_micros;
  manifest.timeline = start.timeline;
  manifest.stop_timeline = stop.stop_timeline;
  manifest.start_lsn = start.start_lsn;
  PITR_ASSIGN(manifest.checkpoint_lsn, CheckpointOf(stop.backup_label));
  manifest.stop_lsn = stop.stop_lsn;
  manifest.backup_label = stop.backup_label;
  manifest.history = stop.history;
  manifest.tablespace_map = stop.tablespace_map;
  manifest.tablespaces = copied->directory.tablespaces;
  manifest.database_bytes = copied->bytes;
  manifest.file_count = copied->count;
  manifest.encrypted = repository.key() != nullptr;
  manifest.data_checksums = start.data_checksums;
  manifest.page_errors = pages.errors();
  AddRemarks(manifest);
  manifest.annotations = options.annotations;
  manifest.packs = copied->packs;
  std::set<std::string> others;
  for (const PackEntry& pack : manifest.packs) {
    const std::string of = layout::LabelOfPackKey(pack.key).value_or("");
    if (of != label) others.insert(of);
    // What is taken over from an interrupted backup belongs to no other.
    if (of == label || resumed.stored) manifest.stored_bytes += pack.size_bytes;
  }
  if (resumed.stored && !others.empty()) manifest.annotations.try_emplace(kResumedFrom, Listed(others));
  manifest.boot_id = copied->boot_id;
  if (choice.parent) {
    manifest.parent_label = choice.parent->manifest.label;
    manifest.chain_length = choice.parent->manifest.chain_length + 1;
    manifest.change_origin = copied->change_origin;
  }
  return manifest;
}

BackupSession::BackupSession() = default;
BackupSession::~BackupSession() = default;

Result<std::unique_ptr<BackupSession>> BackupSession::Begin(const Repository& repository, const BackupOptions& options,
                                                            const OpContext& ctx) {
  PITR_TRY(CheckOptions(options));
  const ParentRequest request{.type = options.type,
                              .timeline = options.timeline,
                              .data_directory = options.data_directory,
                              .max_chain_length = options.max_chain_length,
                              .damage_of = options.damage_of,
                              .allow_page_errors = options.allow_page_errors};
  PITR_ASSIGN(ParentChoice choice, ChooseParent(repository, request, ctx));
  BackupOptions chosen = options;
  chosen.type = choice.type;
  BackupBasis basis;
  if (choice.parent) basis.parent = choice.parent->manifest.label;
  if (chosen.type == BackupType::kFull && chosen.resume) basis.resumes = FindInterrupted(repository, ctx);
  PITR_ASSIGN(std::string label, ReserveLabel(repository, chosen, basis, ctx));
  std::unique_ptr<BackupSession> session(new BackupSession);
  session->state_ = std::make_unique<State>(repository, chosen, std::move(choice), std::move(label));
  const std::string by = options.started_by.empty() ? "its writer" : options.started_by;
  PITR_ASSIGN(session->state_->life,
              LifeSigns::Start(repository, session->state_->label, by + ", taking it", options.life_sign_millis));
  if (!basis.resumes.empty()) session->state_->resumed = LoadInterrupted(repository, basis.resumes, ctx);
  return session;
}

const std::string& BackupSession::label() const { return state_->label; }

const ParentChoice& BackupSession::choice() const { return state_->choice; }

const ResumeChoice& BackupSession::resumed() const { return state_->resumed; }

uint64_t BackupSession::recorded_bytes() const { return state_->record.bytes(); }

std::optional<ChangeKind> BackupSession::change_kind() const {
  const int kind = state_->change_kind.load();
  return kind < 0 ? std::nullopt : std::optional(static_cast<ChangeKind>(kind));
}

BackupManifest BackupSession::remarks() const {
  BackupManifest remarks;
  if (state_->copied) state_->AddRemarks(remarks);
  return remarks;
}

const ChangeOrigin* BackupSession::change_origin() const {
  const State& s = *state_;
  return s.copied && s.copied->change_origin ? &*s.copied->change_origin : nullptr;
}

Status BackupSession::parent_damage() const {
  const State& s = *state_;
  if (!s.copied || s.copied->parent_damage.pages == 0) return Status::Ok();
  const ParentDamage& damage = s.copied->parent_damage;
  const std::string& parent = s.choice.parent->manifest.label;
  return Status(Code::kCorruption, "backup \"" + parent + "\", on which backup \"" + s.label +
                                       "\" builds, is damaged: " + DescribeCount(damage.pages, "page", "pages") +
                                       " of its file map cannot be read")
      .WithDetail(
          "What is in them was stored anew, and all others that the new backup shares were read: it needs no "
          "damaged one. The first: " +
          damage.why + ".")
      .WithHint("Backup \"" + parent +
                "\" cannot be restored, nor perhaps others: pg_pitr verify says which, and what to do.");
}

Status BackupSession::CopyFiles(const BackupStart& start, Progress& progress, const OpContext& ctx) {
  State& s = *state_;
  if (s.stage != State::Stage::kReserved || s.copied) return {Code::kInternal, "files of a backup are copied once"};
  s.start = start;
  const ParentBackup* parent = s.choice.parent ? &*s.choice.parent : nullptr;
  if (parent != nullptr) PITR_TRY(CheckStart(parent->manifest, start));
  const CopyRequest request{.repository = s.repository,
                            .label = s.label,
                            .options = s.options,
                            .start = s.start,
                            .parent = parent,
                            .resumed = s.resumed.stored ? &*s.resumed.stored : nullptr,
                            .packs = s.packs,
                            .record = s.record,
                            .pages = s.pages,
                            .progress = progress,
                            .change_kind = s.change_kind};
  PITR_ASSIGN(s.copied, RunCopy(request, ctx));
  if (!s.options.allow_page_errors) PITR_TRY(s.pages.ToStatus());
  s.stage = State::Stage::kCopied;
  return Status::Ok();
}

Result<BackupManifest> BackupSession::Finish(const BackupStop& stop, const OpContext& ctx) {
  State& s = *state_;
  if (s.stage != State::Stage::kCopied)
    return Status(Code::kInternal, "a backup can be finished only after its files were copied");
  s.pages.Settle(stop.stop_lsn);
  if (!s.options.allow_page_errors) PITR_TRY(s.pages.ToStatus());
  PITR_ASSIGN(BackupManifest manifest, s.MakeManifest(stop));
  PITR_ASSIGN(const StoredFileMap map, StoreMapList(s.repository, s.label, std::move(s.copied->pages),
                                                    s.copied->directory.directories, s.copied->directory.links, ctx));
  map.EnterIn(manifest);
  manifest.stored_bytes += map.added_bytes;
  // Nothing may have been deleted that this backup is going to need.
  PITR_ASSIGN(const std::vector<std::string> missing, FindMissingObjects(s.repository, manifest, ctx, &map.pages));
  if (!missing.empty())
    return Status(Code::kConflict, "objects that backup \"" + s.label + "\" refers to were deleted while it was taken")
        .WithDetail(ListProblems(missing) + ".")
        .WithHint("Take the backup again.");
  PITR_TRY(CheckIdentity(s.repository, /*keys=*/true, ctx));
  const std::string text = EncodeManifest(manifest);
  // Never store what could not be read again.
  if (auto check = DecodeManifest(text); !check.ok())
    return std::move(check).status().Annotate("checking the new manifest");
  s.manifest_tried = true;
  PITR_TRY(s.repository.CreateObject(ObjectKind::kManifest, layout::BackupKey(s.label, layout::BackupObject::kManifest),
                                     AsBytes(text), ctx));
  // Somebody who took this backup for one that had died may have begun to sweep it (see expire_mark.h).
  PITR_TRY(CheckNotExpiring(s.repository, s.label, layout::BackupObject::kStart, ctx));
  s.stage = State::Stage::kFinished;
  s.EndLifeSigns(ctx);
  ExtendLocksOrWarn(s.repository, manifest, ctx);
  s.copied.reset();
  s.resumed.stored.reset();
  if (s.record.packs() == 0) return manifest;
  const Status removed = RemovePartialMaps(s.repository, s.label, ctx);
  if (!removed.ok())
    s.repository.log().Warning("the backup is complete; what is left over is removed by the next expiry: " +
                               removed.ToString());
  return manifest;
}

Status BackupSession::Abandon(const OpContext& ctx) {
  State& s = *state_;
  if (s.stage == State::Stage::kFinished)
    return {Code::kInternal, "backup \"" + s.label + "\" is finished and cannot be abandoned"};
  s.stage = State::Stage::kAbandoned;
  s.EndLifeSigns(ctx);
  s.copied.reset();
  if (s.record.packs() > 0) return RemoveUnrecordedObjects(s.repository, s.label, s.manifest_tried, ctx);
  return RemoveBackupObjects(s.repository, s.label, s.manifest_tried, ctx);
}

}  // namespace pitr
