// Adds what is missing to the sample repositories of test/golden/repo-v1: pitr_golden_repository DIRECTORY. For a new
// format version (into an empty directory), or a new kind of object in this one; what is there stays as it is.
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "core/backup/backup_session.h"
#include "core/pg/relation_file.h"
#include "core/repo/archive/change_map.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/layout.h"
#include "core/repo/opening/keyring.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/timelines/timeline_aside.h"
#include "core/repo/timelines/timeline_number.h"
#include "core/repo/wal/wal_push.h"
#include "lib/golden_backup.h"
#include "lib/golden_change_map.h"
#include "lib/golden_increments.h"
#include "lib/golden_pins.h"
#include "lib/golden_repository.h"

namespace {

using namespace pitr;
namespace fs = std::filesystem;

std::string WriteFile(const std::string& path, std::string_view bytes, uint32_t mode = 0600) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
  chmod(path.c_str(), mode);
  return path;
}

// Its wall time is that of the sample.
class SampleClock final : public Clock {
 public:
  explicit SampleClock(int64_t wall_micros) : wall_micros_(wall_micros) {}
  int64_t WallMicros() const override { return wall_micros_; }
  int64_t SteadyMillis() const override { return SystemClock().SteadyMillis(); }
  void SleepMillis(int64_t millis) const override { SystemClock().SleepMillis(millis); }

 private:
  const int64_t wall_micros_;
};

OpContext At(const Clock& clock) {
  OpContext ctx;
  ctx.clock = &clock;
  return ctx;
}

// The data directory as it was when the backup was taken. One that is there is changed in place before an increment, so
// that a file stays the same file.
void WriteDataDirectory(const std::string& root, const test::GoldenBackup& backup) {
  const std::string space = test::kGoldenTablespacePath;
  const std::string link = root + "/pg_tblspc/" + std::to_string(test::kGoldenTablespaceOid);
  if (backup.type != BackupType::kIncr) {
    fs::remove_all(root);
    fs::remove_all(space);
  }
  for (const std::string& directory : RequiredDirectories(15)) fs::create_directories(root + "/" + directory);
  fs::create_directories(space);
  if (!fs::is_symlink(link)) fs::create_symlink(space, link);
  fs::create_directories(root + "/" + test::kGoldenEmptyDirectory);
  chmod((root + "/" + test::kGoldenEmptyDirectory).c_str(), test::kGoldenEmptyDirectoryMode);
  std::set<std::string> wanted;
  for (const test::GoldenFile& file : backup.files)
    wanted.insert(WriteFile(root + "/" + file.path, AsText(file.bytes), file.mode));
  std::vector<std::string> dropped;
  for (const auto& entry : fs::recursive_directory_iterator(root, fs::directory_options::follow_directory_symlink))
    if (entry.is_regular_file() && !wanted.contains(entry.path().string())) dropped.push_back(entry.path().string());
  for (const std::string& path : dropped) fs::remove(path);
}

BackupOptions OptionsOf(const test::GoldenBackup& backup, const std::string& root) {
  BackupOptions options;
  options.label = backup.label;
  options.type = backup.type;
  options.timeline = {backup.timeline};
  options.data_directory = root;
  options.change_source = backup.change_kind == ChangeKind::kPageLsn ? "page_lsn" : "full_read";
  options.annotations = {{"why", "golden \"sample\" \u00e9"}};
  options.jobs = 1;
  options.record_after_millis = 0;
  options.allow_page_errors = true;
  options.started_by = test::kGoldenStartedBy;
  return options;
}

// What no version of today writes.
Status SayWithoutChecksums(const Repository& repository, BackupManifest manifest) {
  manifest.data_checksums = false;
  const std::string key = layout::BackupKey(manifest.label, layout::BackupObject::kManifest);
  PITR_TRY(repository.store().Delete({key}, OpContext()));
  const std::string text = EncodeManifest(manifest);
  return repository.CreateObject(ObjectKind::kManifest, key, AsBytes(text), OpContext());
}

// An interrupted one ends before its file map.
Status TakeBackup(const Repository& repository, const test::GoldenBackup& backup, const std::string& root,
                  bool interrupted) {
  const SampleClock clock(backup.start_micros);
  const OpContext ctx = At(clock);
  WriteDataDirectory(root, backup);
  BackupOptions options = OptionsOf(backup, root);
  options.resume = interrupted || backup.label == test::GoldenResumedBackup().label;
  Progress progress;
  PITR_ASSIGN(const auto session, BackupSession::Begin(repository, options, ctx));
  if (session->choice().type != backup.type ||
      (session->choice().parent && session->choice().parent->manifest.label != backup.parent_label))
    return {Code::kInternal, "backup \"" + backup.label + "\" does not build on \"" + backup.parent_label + "\""};
  BackupStart start;
  start.data_directory = root;
  start.start_lsn = {backup.start_lsn};
  start.timeline = {backup.timeline};
  start.server_version = "15.18";
  start.data_checksums = true;  // see SayWithoutChecksums
  start.start_micros = backup.start_micros;
  start.settings = backup.settings;
  PITR_TRY(session->CopyFiles(start, progress, ctx));
  if (interrupted) return Status::Ok();
  BackupStop stop;
  stop.stop_lsn = {backup.stop_lsn};
  stop.stop_timeline = {backup.timeline};
  stop.history = backup.history;
  stop.stop_micros = backup.stop_micros;
  stop.backup_label = backup.backup_label;
  stop.tablespace_map = std::to_string(test::kGoldenTablespaceOid) + " " + test::kGoldenTablespacePath + "\n";
  return session->Finish(stop, ctx).status();
}

// By page LSNs nothing is built on: whoever builds on this one does so before it is said.
Status DoubtIncrement(const Repository& repository) {
  for (const test::GoldenBackup& backup : test::GoldenDoubtedIncrements()) {
    if (backup.data_checksums) continue;
    PITR_ASSIGN(const BackupManifest manifest, ReadManifest(repository, backup.label, OpContext()));
    if (manifest.data_checksums) PITR_TRY(SayWithoutChecksums(repository, manifest));
  }
  return Status::Ok();
}

Status ReserveUnfinished(const Repository& repository) {
  BackupOptions options;
  options.label = test::kGoldenUnfinishedLabel;
  options.started_by = test::kGoldenStartedBy;
  return BackupSession::Begin(repository, options, OpContext()).status();
}

Status AddBackups(Config config, const std::string& root) {
  const OpContext ctx;
  config.pack_size_kb = 4;  // several packs, and a pack of several frames
  const std::string interrupted_label = test::GoldenInterruptedBackup().label;
  std::vector<test::GoldenBackup> backups = test::GoldenFinishedBackups();
  backups.push_back(test::GoldenInterruptedBackup());
  // As they follow one another in time: one of them takes over what the interrupted one has left.
  std::sort(backups.begin(), backups.end(), [](const auto& a, const auto& b) { return a.label < b.label; });
  for (const test::GoldenBackup& backup : backups) {
    config.compression_level = backup.compression_level;
    PITR_ASSIGN(const auto repository, OpenRepository(config, NullLog(), ctx));
    PITR_ASSIGN(const BackupCatalog catalog, BackupCatalog::Load(*repository, ctx));
    std::set<std::string> there;
    for (const BackupManifest& taken : catalog.backups) there.insert(taken.label);
    for (const UnfinishedBackup& begun : catalog.unfinished) there.insert(begun.label);
    if (!there.contains(test::kGoldenUnfinishedLabel)) PITR_TRY(ReserveUnfinished(*repository));
    const bool interrupted = backup.label == interrupted_label;
    if (!there.contains(backup.label)) PITR_TRY(TakeBackup(*repository, backup, root, interrupted));
  }
  fs::remove_all(root);
  fs::remove_all(test::kGoldenTablespacePath);
  PITR_ASSIGN(const auto repository, OpenRepository(config, NullLog(), ctx));
  return DoubtIncrement(*repository);
}

Status AddRecords(const Repository& repository) {
  const OpContext ctx;
  PITR_ASSIGN(const auto failures, LoadBackupFailures(repository, ctx));
  if (failures.empty()) PITR_TRY(StoreBackupFailure(repository, test::GoldenFailure(), ctx));
  PITR_ASSIGN(const VerifyRecords records, LoadVerifyRecords(repository, ctx));
  if (!records.results.empty() || !records.unfinished.empty()) return Status::Ok();
  VerifyRecord result = test::GoldenResult(), progress = test::GoldenProgress();
  PITR_TRY(RecordWriter(repository, 0).WriteResult(result, {}, ctx));
  return RecordWriter(repository, 0).WriteProgress(progress, ctx);
}

Status AddPins(const Repository& repository) {
  PITR_ASSIGN(const BackupCatalog catalog, BackupCatalog::Load(repository, OpContext()));
  for (const test::GoldenPin& pin : test::GoldenPins()) {
    if (catalog.pins.contains(pin.label)) continue;
    const SampleClock clock(pin.pinned_micros);
    const PinRequest request{pin.label, pin.reason, pin.until_micros, pin.pinned_by};
    PITR_TRY(PinBackup(repository, request, At(clock)).status());
  }
  if (catalog.holds.empty())
    PITR_TRY(CreateHold(repository, test::kGoldenHeldLabel, test::kGoldenHoldMicros, test::kGoldenHeldBy, OpContext())
                 .status());
  PITR_ASSIGN(const auto asides, LoadTimelineAsides(repository, OpContext()));
  const Timeline aside{test::kGoldenAsideTimeline};
  if (!asides.contains(aside)) {
    for (const TimelineAside& said :
         {TimelineAside{true, test::kGoldenAsideReason, test::kGoldenAsideBy, test::kGoldenAsideMicros},
          TimelineAside{false, "", test::kGoldenAsideBy, test::kGoldenBackMicros}})
      PITR_TRY(SetTimelineAside(repository, aside, said, OpContext()).status());
  }
  bool numbered = false;
  PITR_TRY(ListAll(repository.store(), std::string(layout::kNumberPrefix), OpContext(), [&](const ObjectInfo&) {
    numbered = true;
    return Status::Ok();
  }));
  if (!numbered)
    PITR_TRY(TakeTimelineNumber(repository, test::kGoldenTakenAfter, test::kGoldenHeldBy, OpContext()).status());
  const SampleClock marked(test::kGoldenMarkedMicros), alone(test::kGoldenAloneMicros);
  PITR_TRY(CreateMark(repository, test::kGoldenMarkedLabel, layout::BackupObject::kExpireMark, test::kGoldenMarkedBy,
                      At(marked)));
  return CreateMark(repository, test::kGoldenAloneLabel, layout::BackupObject::kAloneMark, test::kGoldenMarkedBy,
                    At(alone));
}

// A seal speaks for a million segments, which nobody wants in a sample: it lies beside the repository, and who reads it
// copies it there.
Status AddSeal(const Repository& repository, const std::string& root, const std::string& beside) {
  const std::string key = layout::SealKey(test::kGoldenSealed);
  if (fs::exists(beside + "/" + key)) return Status::Ok();
  PITR_TRY(repository.CreateObject(ObjectKind::kWalSeal, key, AsBytes(test::kGoldenSealText), OpContext()));
  fs::create_directories(fs::path(beside + "/" + key).parent_path());
  fs::rename(root + "/" + key, beside + "/" + key);
  fs::remove_all(root + "/" + std::string(layout::kSealPrefix));
  return Status::Ok();
}

Status WriteSample(const std::string& directory, bool encrypted) {
  Config config;
  config.repository = "file://" + directory + (encrypted ? "/encrypted" : "/plain");
  config.cluster_name = "golden";
  config.change_map = "off";  // the segments hold no records
  const std::string scratch = directory + "/scratch";
  if (encrypted) config.passphrase_file = WriteFile(scratch + "/passphrase", test::kGoldenPassphrase + "\n");
  const OpContext ctx;
  const bool is_new = !fs::exists(directory + (encrypted ? "/encrypted" : "/plain") + "/pg_pitr.marker");
  PITR_ASSIGN(const auto repository, OpenOrCreateRepository(config, test::kGoldenCluster, NullLog(), ctx));
  if (encrypted && is_new) {
    PITR_ASSIGN([[maybe_unused]] const KeySlot slot, AddPassphrase(*repository, test::kGoldenSecondPassphrase, ctx));
  }
  for (const test::GoldenWal& wal : test::GoldenWalFiles()) {
    const std::string path = WriteFile(scratch + "/" + wal.name, AsText(wal.bytes));
    PITR_ASSIGN([[maybe_unused]] const WalPushResult pushed, PushWalFile(*repository, wal.name, path, ctx));
  }
  const Bytes partial = test::GoldenSegment(1, 5);
  const Status stored = repository->CreateObject(
      ObjectKind::kPartialSegment, layout::PartialSegmentKey(test::kGoldenPartialSegment, test::kGoldenPartialEnd),
      ByteView(partial).first(test::kGoldenPartialBytes), ctx);
  if (!stored.ok() && stored.code() != Code::kAlreadyExists) return stored;
  PITR_TRY(StoreChangeMap(*repository, test::kGoldenMapSegment, test::GoldenChangeMap(), ctx));
  PITR_TRY(StoreChangeMap(*repository, test::kGoldenActionsSegment, test::GoldenActionsMap(), ctx));
  PITR_TRY(AddBackups(config, scratch + "/data"));
  PITR_TRY(AddPins(*repository));
  PITR_TRY(AddRecords(*repository));
  const std::string sample = encrypted ? "/encrypted" : "/plain";
  PITR_TRY(AddSeal(*repository, directory + sample, directory + "/seals" + sample));
  fs::remove_all(scratch);
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: pitr_golden_repository DIRECTORY\n");
    return 2;
  }
  for (bool encrypted : {false, true}) {
    const pitr::Status status = WriteSample(argv[1], encrypted);
    if (status.ok()) continue;
    fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  return 0;
}
