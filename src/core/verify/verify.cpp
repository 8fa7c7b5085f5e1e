#include "core/verify/verify.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "core/base/day.h"
#include "core/base/kdf.h"
#include "core/base/process_name.h"
#include "core/pg/timestamp.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/layout.h"
#include "core/verify/known_damage.h"
#include "core/verify/listing.h"
#include "core/verify/map_check.h"
#include "core/verify/opening.h"
#include "core/verify/pack_check.h"
#include "core/verify/wal_verify.h"

namespace pitr {
namespace {

constexpr int64_t kAloneMicros = int64_t{5} * 60 * 1000000;  // no progress for so long: nobody is at it

// Whether the process that wrote the progress may still be at it.
bool MayBeRunning(const VerifyRecord& record, const OpContext& ctx) {
  if (record.stopped) return false;
  if (const auto pid = ProcessOfThisHost(record.by)) return *pid != getpid() && MayRun(*pid);
  return ctx.clock->WallMicros() - record.ended_micros < kAloneMicros;
}

Status CheckOptions(const VerifyOptions& options) {
  const VerifyRequest& request = options.request;
  if (request.mode == VerifyMode::kSample && !(request.sample_percent > 0 && request.sample_percent <= 100))
    return {Code::kInvalidArgument, "the sample must be more than 0 and at most 100 percent"};
  if (request.scope == VerifyScope::kBackup && !layout::IsValidLabel(request.label))
    return {Code::kInvalidArgument, "\"" + request.label + "\" is not the label of a backup"};
  return Status::Ok();
}

// One run over an open repository.
class Verification {
 public:
  Verification(const Repository& repository, const VerifyOptions& options, FindingList& findings, Progress& progress,
               const OpContext& ctx)
      : repository_(repository),
        options_(options),
        findings_(findings),
        progress_(progress),
        ctx_(ctx),
        rate_(options.max_bytes_per_second) {}

  Result<VerifyReport> Run();

 private:
  Status Begin();
  void Continue(VerifyRecord& record);
  Status ChooseBackups();
  void NoteUnknownUsers();
  Status LookAround();
  Status ReadData(VerifyShared& shared);
  Status Settle();
  Status LookForDeleted();
  Status CheckChains();
  void DropDeleted(std::vector<Finding>& findings);
  std::string Meanwhile(const std::vector<Finding>& findings) const;
  void DescribeHarm(std::vector<Finding>& findings);
  Result<VerifyReport> Report();
  Status AddDamagedManifests();
  Status LoadWal();

  const Repository& repository_;
  const VerifyOptions& options_;
  FindingList& findings_;
  Progress& progress_;
  const OpContext& ctx_;
  RateLimit rate_;
  VerifyRequest request_;
  VerifyRecord record_;  // as the run begins or goes on
  bool continued_ = false;
  uint64_t begun_bytes_ = 0;  // that an earlier part had read
  int64_t begun_steady_millis_ = 0;
  std::vector<std::string> notes_;
  VerifyRecords earlier_;
  BackupCatalog catalog_;          // as it was at the beginning
  BackupCatalog current_;          // without what was deleted since
  std::set<std::string> deleted_;  // labels
  WalCatalog wal_;
  std::vector<Timeline> going_on_;              // of wal_
  std::vector<const BackupManifest*> backups_;  // to be verified
  CheckedPacks table_;
  VerifyListing listing_;
  std::unique_ptr<VerifyJournal> journal_;
};

// Goes on with an interrupted run of the same kind, or starts a new record.
void Verification::Continue(VerifyRecord& record) {
  for (auto found = earlier_.unfinished.rbegin(); found != earlier_.unfinished.rend(); ++found) {
    if (options_.restart || !request_.SameAs(found->request)) continue;
    if (ctx_.clock->WallMicros() - found->ended_micros > kResumeDays * kMicrosPerDay) continue;
    if (MayBeRunning(*found, ctx_)) {
      notes_.push_back("Another verification of the same kind seems to be running (" + found->by +
                       "); this one is independent of it.");
      continue;
    }
    record = *found;
    request_.seed = record.request.seed;
    continued_ = true;
    notes_.push_back("Continued the verification that was begun at " + FormatToSecond(record.started_micros) + ".");
    break;
  }
  record.stopped = false;
}

Status Verification::Begin() {
  request_ = options_.request;
  PITR_ASSIGN(earlier_, LoadVerifyRecords(repository_, ctx_));
  record_.started_micros = ctx_.clock->WallMicros();
  // What only listings and small objects are read for is quicker done again.
  if (request_.mode != VerifyMode::kQuick) Continue(record_);
  if (request_.mode == VerifyMode::kSample && !request_.seed) {
    std::array<uint8_t, 4> random{};
    PITR_TRY(RandomBytes(random));
    request_.seed = LoadLe<uint32_t>(random.data());
  }
  record_.request = request_;
  record_.by = ProcessName();
  PITR_ASSIGN(catalog_, BackupCatalog::Load(repository_, ctx_));
  PITR_TRY(LoadWal());
  return ChooseBackups();
}

Status Verification::LoadWal() {
  if (request_.mode == VerifyMode::kQuick) {
    PITR_ASSIGN(wal_, WalCatalog::LoadFor(repository_, catalog_.backups, ctx_));
  } else {
    PITR_ASSIGN(wal_, WalCatalog::Load(repository_, ctx_, Seals::kIgnore));
  }
  return Status::Ok();
}

Status Verification::AddDamagedManifests() {
  for (const DamagedBackup& damaged : catalog_.damaged) {
    if (request_.scope == VerifyScope::kBackup && request_.label != damaged.label) continue;
    const std::string key = layout::BackupKey(damaged.label, layout::BackupObject::kManifest);
    PITR_ASSIGN(Finding finding, FindingOf(repository_.store(), key, damaged.status, ctx_));
    finding.labels = {damaged.label};
    finding.hurts = "Backup " + damaged.label + " cannot be restored.";
    findings_.Add(std::move(finding));
  }
  return Status::Ok();
}

Status Verification::ChooseBackups() {
  if (request_.scope == VerifyScope::kWal) return Status::Ok();
  PITR_TRY(AddDamagedManifests());
  std::vector<std::string> unknown_users;
  for (const DamagedBackup& damaged : catalog_.damaged)
    unknown_users.push_back("the manifest of backup " + damaged.label + " cannot be read");
  for (const BackupManifest& backup : catalog_.backups) {
    if (request_.scope == VerifyScope::kBackup && request_.label != backup.label) continue;
    // A run covers the backups that were there when it began.
    if (continued_ && !record_.backups.contains(backup.label)) {
      unknown_users.push_back("backup " + backup.label + " is not covered");
      notes_.push_back("Backup " + backup.label + " is newer than this verification and is not covered.");
      continue;
    }
    backups_.push_back(&backup);
  }
  const bool known = !backups_.empty() || catalog_.FindDamaged(request_.label) != nullptr ||
                     NewestResult(earlier_.results, request_.label) != nullptr;
  if (request_.scope == VerifyScope::kBackup && !known)
    return Status(Code::kNotFound, "there is no finished backup \"" + request_.label + "\"")
        .WithHint("pg_pitr info lists the backups.");
  table_ = MakeCheckedPacks(backups_);
  // What one backup does not refer to is asked of that one alone.
  if (request_.scope == VerifyScope::kAll) table_.unknown_users = std::move(unknown_users);
  return Status::Ok();
}

// What is in a pack is called nobody's only where every list and page that may speak of it was read.
void Verification::NoteUnknownUsers() {
  if (request_.mode == VerifyMode::kQuick) return;
  std::string why = table_.WhyUnknownUsers(), of;
  for (const TabledBackup& backup : table_.backups)
    if (!backup.mapped) of += (of.empty() ? "" : ", ") + backup.manifest->label;
  if (!of.empty()) why += (why.empty() ? "" : ", and ") + ("not all of the file map of backup " + of + " can be read");
  if (why.empty()) return;
  notes_.push_back("Bytes of packs that no backup refers to were not counted" +
                   (table_.unknown_users.empty() ? " in the packs of backup " + of : std::string()) + ": " + why + ".");
}

// Everything that reads no data.
Status Verification::LookAround() {
  PITR_ASSIGN(listing_,
              TakeListing(repository_, request_, catalog_, earlier_.results, wal_.sealed(), table_, findings_, ctx_));
  if (const size_t sealed = wal_.sealed().size(); sealed > 0 && request_.scope != VerifyScope::kBackup)
    notes_.push_back(std::to_string(sealed * SegmentsInGroup(repository_.segment_size())) +
                     " WAL segments were not looked at: seals say that they are stored.");
  PITR_TRY(CheckFileMaps(repository_, listing_, options_.jobs, table_, findings_, ctx_));
  NoteUnknownUsers();
  for (const TabledPack& pack : table_.packs) {
    std::set<uint32_t> users;
    for (const PackUser& user : pack.users) users.insert(user.backup);
    for (uint32_t user : users) {
      Coverage& coverage = record_.backups[table_.backups[user].manifest->label];
      if (continued_) continue;  // counted when it began
      coverage.objects += 1;
      coverage.bytes += pack.size;
    }
  }
  for (const BackupManifest* backup : backups_) record_.backups[backup->label];
  // A backup that is gone is not covered.
  std::erase_if(record_.backups, [&](const auto& entry) { return catalog_.Find(entry.first) == nullptr; });
  if (request_.mode == VerifyMode::kQuick) { record_.wal = {listing_.wal_objects, 0, listing_.wal_bytes, 0}; }
  for (const auto& [timeline, held] : wal_.timelines()) {
    if (!held.ranges.empty())
      record_.newest_wal[timeline.value] =
          SegmentFileName(timeline, held.ranges.back().last, repository_.segment_size());
  }
  return Status::Ok();
}

Status Verification::ReadData(VerifyShared& shared) {
  if (request_.mode == VerifyMode::kQuick) return Status::Ok();
  const double part = request_.mode == VerifyMode::kSample ? request_.sample_percent / 100 : 1;
  uint64_t total = EstimatePackBytes(request_, table_);
  if (request_.scope != VerifyScope::kBackup)
    total += static_cast<uint64_t>(static_cast<double>(listing_.wal_bytes) * part);
  uint64_t before = record_.wal.bytes_read;
  for (const auto& [label, coverage] : record_.backups) before += coverage.bytes_read;
  begun_bytes_ = std::min(before, total);
  progress_.bytes_done.store(begun_bytes_);
  progress_.bytes_total.store(total);
  if (request_.scope != VerifyScope::kWal) PITR_TRY(CheckPackData(shared, table_));
  const BackupManifest* one = request_.scope == VerifyScope::kBackup && !backups_.empty() ? backups_[0] : nullptr;
  if (request_.scope == VerifyScope::kBackup && one == nullptr) return Status::Ok();
  PITR_TRY(CheckWalObjects(shared, wal_, one));
  return one == nullptr ? CheckChangeMaps(shared) : Status::Ok();
}

// Retention may have deleted backups meanwhile; what they no longer have is no damage.
Status Verification::LookForDeleted() {
  std::set<std::string> manifests;
  PITR_TRY(ListAll(repository_.store(), std::string(layout::kBackupPrefix), ctx_, [&](const ObjectInfo& object) {
    const auto parts = layout::ParseBackupKey(object.key);
    if (parts && parts->object == layout::BackupObject::kManifest) manifests.insert(parts->label);
    return Status::Ok();
  }));
  current_ = catalog_;
  std::set<std::string> gone;
  std::erase_if(current_.backups, [&](const BackupManifest& backup) {
    if (manifests.contains(backup.label)) return false;
    if (deleted_.insert(backup.label).second) gone.insert(backup.label);
    return true;
  });
  for (const std::string& label : gone) {
    notes_.push_back("Backup " + label + " was deleted meanwhile.");
    journal_->Update([&](VerifyRecord& record) { record.backups.erase(label); });
  }
  return Status::Ok();
}

void Verification::DropDeleted(std::vector<Finding>& findings) {
  std::erase_if(findings, [&](Finding& finding) {
    if (finding.labels.empty()) return false;
    std::erase_if(finding.labels, [&](const std::string& label) { return deleted_.contains(label); });
    return finding.labels.empty();
  });
}

// What to recover from while there is damage: a sentence.
std::string Verification::Meanwhile(const std::vector<Finding>& findings) const {
  std::set<std::string> read_whole;
  if (request_.mode == VerifyMode::kFull)
    for (const BackupManifest* backup : backups_) read_whole.insert(backup->label);
  // Of damage that was not kept for the report nobody knows whose it is.
  const BackupManifest* sound = findings_.dropped().damage > 0
                                    ? nullptr
                                    : FindUndamaged(current_.backups, findings, read_whole, earlier_.results);
  if (sound == nullptr) return "No backup is known to be undamaged.";
  return "Until then recover from another backup: no damage of " + sound->label + " is known.";
}

// What the findings about packs and WAL mean for a recovery.
void Verification::DescribeHarm(std::vector<Finding>& findings) {
  const std::string meanwhile = Meanwhile(findings);
  for (Finding& finding : findings) {
    const bool is_wal = layout::WalNameOfKey(finding.object) || layout::ParsePartialSegmentKey(finding.object);
    if (is_wal && finding.severity != Severity::kWarning && finding.hurts.empty())
      DescribeWalHarm(current_, wal_, going_on_, repository_.segment_size(), finding);
    const auto page = layout::ParseMapPageKey(finding.object);
    const bool is_page = page && table_.FindPage(page->label, page->number) != nullptr;
    if ((!is_page && table_.Find(finding.object) == nullptr) || finding.severity == Severity::kWarning) continue;
    if (finding.labels.empty()) {
      finding.hurts = "Nothing: no file of a backup lies there. A restore over existing files may fetch more.";
      continue;
    }
    finding.hurts = finding.file_count == 0 ? "The backups that list it cannot be restored."
                                            : "These files cannot be restored, and so neither can the backups.";
    finding.hint = "Put the object back from a copy of the repository, or take a new full backup. " + meanwhile;
  }
}

// The archive has gone on, or was thinned out, while the data was read, and may be changing now. A listing that is made
// while WAL is being deleted shows gaps that never were: only what two of them show alike is damage.
Status Verification::CheckChains() {
  const bool one = request_.scope == VerifyScope::kBackup;
  std::optional<std::set<std::string>> seen;
  for (;;) {
    PITR_TRY(LookForDeleted());
    PITR_TRY(LoadWal());
    if (one && (backups_.empty() || deleted_.contains(request_.label))) return Status::Ok();
    FindingList found;
    PITR_ASSIGN(going_on_, TimelinesThatGoOn(repository_, current_, wal_, ctx_));
    CheckWalChains(repository_, current_, wal_, going_on_, one ? backups_[0] : nullptr, earlier_.results, found);
    std::set<std::string> damaged;
    for (const Finding& finding : found.Copy())
      if (finding.severity == Severity::kDamage) damaged.insert(finding.object);
    if (!seen && !damaged.empty()) {
      seen = std::move(damaged);
      continue;
    }
    for (Finding& finding : found.Copy())
      if (finding.severity != Severity::kDamage || seen->contains(finding.object)) findings_.Add(std::move(finding));
    return Status::Ok();
  }
}

Status Verification::Settle() {
  PITR_TRY(CheckChains());
  std::vector<Finding> findings = findings_.Copy();
  const auto order = [](const Finding& finding) {
    return std::tuple(static_cast<int>(finding.severity), finding.object, finding.begin, finding.end, finding.problem);
  };
  std::stable_sort(findings.begin(), findings.end(), [&](const Finding& a, const Finding& b) {
    return std::pair(order(a), a.hurts.empty()) < std::pair(order(b), b.hurts.empty());
  });
  // A run that was continued finds some things twice, and so do different ways of looking.
  findings.erase(std::unique(findings.begin(), findings.end(),
                             [&](const Finding& a, const Finding& b) { return order(a) == order(b); }),
                 findings.end());
  PITR_TRY(NameFiles(repository_, table_, findings, ctx_));
  DropDeleted(findings);
  DescribeHarm(findings);
  findings_.Replace(std::move(findings));
  return Status::Ok();
}

Result<VerifyReport> Verification::Report() {
  VerifyReport report;
  report.repository = repository_.store().Describe();
  report.continued = continued_;
  report.millis = ctx_.clock->SteadyMillis() - begun_steady_millis_;
  report.bytes_read = progress_.bytes_done - begun_bytes_;
  report.record = journal_->Snapshot();
  VerifyRecord& record = report.record;
  record.finished = true;
  record.ended_micros = ctx_.clock->WallMicros();
  record.findings = findings_.Copy();
  record.counts = CountFindings(record.findings);
  const FindingCounts dropped = findings_.dropped();
  record.counts.damage += dropped.damage;
  record.counts.unchecked += dropped.unchecked;
  record.counts.warnings += dropped.warnings;
  std::vector<std::string> labels;
  for (const BackupManifest& backup : current_.backups) labels.push_back(backup.label);
  Status kept = journal_->Finish(record, labels, ctx_);
  PITR_TRY(ctx_.Check());
  if (!kept.ok()) notes_.push_back("The result could not be kept in the repository: " + kept.ToString() + ".");
  report.notes = notes_;
  return report;
}

Result<VerifyReport> Verification::Run() {
  PITR_TRY(CheckOptions(options_));
  begun_steady_millis_ = ctx_.clock->SteadyMillis();
  progress_.phase = "looking at lists and file maps";
  PITR_TRY(Begin());
  for (Finding& finding : record_.findings) findings_.Add(std::move(finding));
  PITR_TRY(LookAround());
  const bool reads = request_.mode != VerifyMode::kQuick;
  journal_ = std::make_unique<VerifyJournal>(repository_, record_, findings_, reads ? options_.checkpoint_millis : -1);
  VerifyShared shared{repository_, options_, request_, record_, findings_, *journal_, rate_, progress_, ctx_};
  progress_.phase = "reading";
  Status status = ReadData(shared);
  progress_.phase = "following WAL";
  if (status.ok()) status = Settle();
  if (!status.ok()) {
    journal_->Stop();
    return status;
  }
  return Report();
}

}  // namespace

std::string_view VerifyOutcomeName(VerifyOutcome outcome) {
  return outcome == VerifyOutcome::kGood ? "good" : outcome == VerifyOutcome::kDamage ? "damage" : "unchecked";
}

VerifyOutcome OutcomeOf(const FindingCounts& counts) {
  if (counts.damage > 0) return VerifyOutcome::kDamage;
  return counts.unchecked > 0 ? VerifyOutcome::kUnchecked : VerifyOutcome::kGood;
}

VerifyOutcome VerifyReport::outcome() const { return OutcomeOf(record.counts); }

Result<VerifyReport> VerifyRepository(const Repository& repository, const VerifyOptions& options, FindingList& findings,
                                      Progress& progress, const OpContext& ctx) {
  return Verification(repository, options, findings, progress, ctx).Run();
}

Result<VerifyReport> RunVerify(const Config& config, const VerifyOptions& options, Progress& progress, Log& log,
                               const OpContext& ctx) {
  PITR_TRY(CheckOptions(options));
  FindingList findings;
  const int64_t begun = ctx.clock->WallMicros();
  PITR_ASSIGN(const std::unique_ptr<Repository> repository, OpenToVerify(config, findings, log, ctx));
  if (repository) return VerifyRepository(*repository, options, findings, progress, ctx);
  // Too damaged to be opened: that is the result, and it cannot be kept.
  VerifyReport report;
  report.repository = config.repository;
  report.record.request = options.request;
  report.record.by = ProcessName();
  report.record.started_micros = begun;
  report.record.ended_micros = ctx.clock->WallMicros();
  report.record.finished = true;
  report.record.findings = findings.Copy();
  report.record.counts = CountFindings(report.record.findings);
  report.notes.push_back("The repository could not be opened; nothing else in it was looked at.");
  return report;
}

}  // namespace pitr
