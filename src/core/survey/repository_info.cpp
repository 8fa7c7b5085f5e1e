#include "core/survey/repository_info.h"

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/base/letter_case.h"
#include "core/pg/timestamp.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/restore/branch_notes.h"
#include "core/restore/plan_proof.h"
#include "core/restore/wal_gaps.h"
#include "core/restore/wal_scan.h"
#include "core/verify/known_damage.h"
#include "core/verify/verify.h"

namespace pitr {
namespace {

// How many of the last segments are read to find the last commit. An idle server that switches segments has none in
// them.
constexpr int kMaxSegmentsForLastCommit = 8;

BackupRow RowOf(const BackupCatalog& catalog, const BackupManifest& backup, const WalCatalog& wal) {
  const uint32_t segment_size = backup.cluster.segment_size_bytes;
  BackupRow row;
  row.label = backup.label;
  row.type = BackupTypeName(backup.type);
  row.status = "ok";
  row.parent_label = backup.parent_label;
  if (backup.change_origin) {
    row.change_source = ChangeKindName(backup.change_origin->kind);
    row.change_reason = backup.change_origin->why;
  }
  row.server_version = backup.server_version;
  row.start_micros = backup.start_micros;
  row.stop_micros = backup.stop_micros;
  row.timeline = backup.timeline;
  row.start_lsn = backup.start_lsn;
  row.stop_lsn = backup.stop_lsn;
  row.first_segment = SegmentFileName(backup.timeline, FirstSegment(backup), segment_size);
  row.last_segment = SegmentFileName(StopTimeline(backup), LastSegment(backup), segment_size);
  row.database_bytes = backup.database_bytes;
  row.stored_bytes = backup.stored_bytes;
  row.file_count = backup.file_count;
  row.encrypted = backup.encrypted;
  row.data_checksums = backup.data_checksums;
  row.page_errors = backup.page_errors.size();
  row.annotations = backup.annotations;
  row.not_stored = DescribeSkipped(backup);
  row.followed_links = DescribeFollowed(backup);
  row.outside_files = DescribeOutside(backup);
  // The status is the worst of them; each is told.
  const auto add = [&](const char* status, const std::string& problem) {
    if (row.problem.empty()) row.status = status;
    row.problem += (row.problem.empty() ? "" : " ") + problem;
  };
  if (!wal.Completes(backup))
    add("wal missing", "Not every segment from " + row.first_segment + " to " + row.last_segment +
                           " is in the archive; without them it cannot be restored.");
  if (!backup.page_errors.empty())
    add("page errors",
        DescribePageErrors(backup) + ". It does not count in retention, and increments are not built on it.");
  if (const std::string doubt = DescribePageLsnDoubt(catalog, backup); !doubt.empty())
    add("page LSN", "Possibly wrong: " + doubt + ". Increments are not built on it; take a full backup.");
  if (catalog.expiring.contains(backup.label))
    add("expiring",
        "Marked to be deleted: an expiry is at work on it, or was killed. Then pg_pitr expire finishes that, or takes "
        "the mark back where the settings keep the backup.");
  return row;
}

void AddBackups(const BackupCatalog& catalog, const WalCatalog& wal, std::vector<BackupRow>& rows) {
  for (const BackupManifest& backup : catalog.backups) {
    rows.push_back(RowOf(catalog, backup, wal));
    if (const RestoreHold* hold = catalog.FindHold(backup.label, 0)) {
      rows.back().held_until_micros = hold->EndMicros();
      rows.back().held_by = hold->held_by;
    }
    const auto pin = catalog.pins.find(backup.label);
    if (pin == catalog.pins.end()) continue;
    rows.back().pinned = true;
    rows.back().pinned_until_micros = pin->second.until_micros;
    rows.back().pin_reason = pin->second.reason;
  }
  const ResumeCandidates resumable = FindResumeCandidates(catalog);
  for (const UnfinishedBackup& unfinished : catalog.unfinished) {
    const UnfinishedRemark remark = DescribeUnfinished(resumable, unfinished);
    BackupRow row;
    row.label = unfinished.label;
    row.status = "unfinished";
    row.start_micros = unfinished.started_micros;
    row.problem = remark.state +
                  (unfinished.started_by.empty() ? ". " : "; started by " + unfinished.started_by + ". ") +
                  remark.advice;
    row.problem[0] = UpperCase(row.problem[0]);
    row.advice = remark.advice;
    if (const RestoreHold* sign = catalog.FindHold(unfinished.label, 0))
      row.problem += " Its last sign of life was at " + FormatTimestamp(sign->created_micros) + ".";
    if (catalog.expiring.contains(unfinished.label)) {
      row.status = "expiring";
      row.problem = "It was deleted; what is left of it belongs to later backups, or goes with the next expiry.";
    }
    rows.push_back(std::move(row));
  }
  for (const DamagedBackup& damaged : catalog.damaged) {
    BackupRow row;
    row.label = damaged.label;
    row.status = "damaged";
    row.problem = "Its manifest cannot be read: " + damaged.status.ToString() + ".";
    rows.push_back(std::move(row));
  }
}

// Whether the record is of a backup that is complete, and whose own restore could not be planned when it was.
bool IsOfProof(const BackupFailure& failure, const BackupRow& row) {
  return row.label == failure.label && row.stop_micros != 0 && failure.started_micros <= row.start_micros &&
         row.stop_micros <= failure.ended_micros;
}

// One that left packs behind has a row already; so has one that is complete, of which ReportProofs() tells.
void AddFailures(const std::vector<BackupFailure>& failures, std::vector<BackupRow>& rows) {
  for (const BackupFailure& failure : failures) {
    if (std::any_of(rows.begin(), rows.end(), [&](const BackupRow& row) { return IsOfProof(failure, row); })) continue;
    auto row = std::find_if(rows.begin(), rows.end(), [&](const BackupRow& each) {
      return each.status == "unfinished" && each.label == failure.label && each.start_micros <= failure.ended_micros;
    });
    std::string after;
    if (row == rows.end()) {
      row = rows.insert(rows.end(), BackupRow());
      row->label = failure.label;
      row->start_micros = failure.started_micros;
    } else {
      after = " " + row->advice;
    }
    row->type = failure.type;
    row->status = "failed";
    row->stop_micros = failure.ended_micros;
    row->problem = DescribeFailure(failure) + after;
    row->sqlstate = failure.sqlstate;
    row->requested_by = failure.requested_by;
  }
}

ArchiveRow RangeRow(Timeline timeline, SegmentNo first, SegmentNo last, uint32_t segment_size) {
  ArchiveRow row;
  row.timeline = timeline;
  row.first_segment = SegmentFileName(timeline, first, segment_size);
  row.last_segment = SegmentFileName(timeline, last, segment_size);
  row.first_lsn = SegmentStart(first, segment_size);
  row.end_lsn = SegmentStart(SegmentNo{last.value + 1}, segment_size);
  row.segments = last.value - first.value + 1;
  return row;
}

bool Overlap(const WalSpan& a, const WalSpan& b) {
  return a.timeline == b.timeline && a.first <= b.last && b.first <= a.last;
}

// Runs and gaps of one timeline, by position.
void AddArchiveRows(const TimelineWal& held, const std::vector<WalSpan>& missing, const std::vector<WalSpan>& crossed,
                    uint32_t segment_size, std::vector<ArchiveRow>& rows) {
  const auto begin = static_cast<std::ptrdiff_t>(rows.size());
  for (const WalRange& range : held.ranges) {
    rows.push_back(RangeRow(held.timeline, range.first, range.last, segment_size));
    rows.back().stored_bytes = range.stored_bytes;
  }
  for (const WalSpan& span : missing) {
    if (span.timeline != held.timeline) continue;
    rows.push_back(RangeRow(span.timeline, span.first, span.last, segment_size));
    rows.back().gap = true;
    rows.back().crossed =
        std::any_of(crossed.begin(), crossed.end(), [&](const WalSpan& each) { return Overlap(each, span); });
  }
  std::sort(rows.begin() + begin, rows.end(),
            [](const ArchiveRow& a, const ArchiveRow& b) { return a.first_lsn < b.first_lsn; });
}

// The gaps that stand in the way of a recovery along any timeline. Not what retention deleted between two backups, or
// before the first, of which leftovers of an older timeline may tell.
std::vector<WalSpan> CrossedGaps(const BackupCatalog& backups, const WalCatalog& wal, uint32_t segment_size) {
  std::vector<WalSpan> crossed;
  for (const auto& [timeline, held] : wal.timelines()) {
    const auto path = WalPath::Make(wal, timeline, segment_size);
    if (!path.ok()) continue;
    for (const WalGap& gap : FindGaps(path.value(), backups))
      if (gap.expired != Expired::kWhole) crossed.push_back(gap.span);
  }
  return crossed;
}

void AddArchive(const BackupCatalog& backups, const WalCatalog& wal, uint32_t segment_size, RepositoryInfo& report) {
  const std::vector<WalSpan> crossed = CrossedGaps(backups, wal, segment_size);
  const std::vector<WalSpan> missing = MissingFromArchive(wal, segment_size);
  std::map<Timeline, TimelineWal> timelines = wal.timelines();
  // One of which everything is missing, and a younger one's history file tells.
  for (const WalSpan& span : missing) timelines[span.timeline].timeline = span.timeline;
  for (const auto& [timeline, held] : timelines) {
    AddArchiveRows(held, missing, crossed, segment_size, report.archive);
    TimelineRow row;
    row.timeline = timeline;
    row.newest_micros = held.newest_micros;
    row.history_missing = timeline.value > 1 && (!held.history || !held.history_of_backup.empty());
    row.followed = held.history.has_value();
    if (held.history && held.history->entries().size() > 1) {
      const TimelineEntry& parent = held.history->entries()[held.history->entries().size() - 2];
      row.parent = parent.timeline;
      row.switch_lsn = parent.end;
      row.reason = parent.reason;
    }
    if (const auto path = WalPath::Make(wal, timeline, segment_size); path.ok())
      row.missing_segments = CountSegments(MissingAlong(path.value(), wal));
    for (const auto& [partial, end] : held.partials)
      if (!wal.Has(timeline, partial))
        row.partials.push_back(SegmentFileName(timeline, partial, segment_size) + ".partial, up to " + end.ToString());
    report.timelines.push_back(std::move(row));
  }
}

RecoveryWindow WindowOf(const BackupCatalog& backups, const WalCatalog& wal, const BranchTree& branches,
                        std::optional<Timeline> own, uint32_t segment_size) {
  RecoveryWindow window;
  if (branches.empty()) {
    window.problem = "The archive is empty.";
    return window;
  }
  const RecoveryTarget latest;
  const auto choice = BranchChooser(branches, backups, {&latest, nullptr, own}).Choose();
  if (!choice.ok()) {
    window.problem = choice.status().message() + ". " + choice.status().detail();
    window.remedy = choice.status().hint();
    return window;
  }
  window.latest_timeline = choice.value().timeline;
  window.timeline_why = choice.value().why;
  auto path = WalPath::Make(wal, window.latest_timeline, segment_size);
  if (!path.ok()) {
    window.problem = path.status().WithoutHint() + ".";
    window.remedy = path.status().hint();
    return window;
  }
  for (const BackupManifest& backup : backups.backups) {
    if (!path.value().LeadsFrom(backup) || !path.value().HasWalOf(backup)) continue;
    if (!window.possible) {
      window.possible = true;
      window.earliest_backup = backup.label;
      window.earliest_micros = backup.stop_micros;
      window.earliest_lsn = backup.stop_lsn;
    }
    window.latest_backup = backup.label;
    const SegmentNo last = path.value().ReadableUntil(FirstSegment(backup)).value_or(LastSegment(backup));
    window.latest_segment = path.value().FileOf(last);
    window.latest_lsn = path.value().PartialEnd(last).value_or(SegmentStart(SegmentNo{last.value + 1}, segment_size));
  }
  if (!window.possible)
    window.problem = backups.backups.empty()
                         ? "There is no finished backup."
                         : "No backup on the way to timeline " + std::to_string(window.latest_timeline.value) +
                               " has all the WAL it needs.";
  return window;
}

// What is missing on the way along the window's timeline, and what of it keeps the newest backup from its end.
void AddGaps(const BackupCatalog& backups, const WalCatalog& wal, uint32_t segment_size, RepositoryInfo& report) {
  const auto path = WalPath::Make(wal, report.window.latest_timeline, segment_size);
  if (!path.ok()) return;
  for (const WalGap& gap : FindGaps(path.value(), backups)) {
    if (gap.expired == Expired::kWhole) continue;
    GapRow row;
    row.missing = DescribeSpan(gap.span, segment_size);
    row.from_lsn = SegmentStart(gap.span.first, segment_size);
    row.behind_newest = report.window.possible && row.from_lsn >= report.window.latest_lsn;
    row.expiring = gap.expired == Expired::kPartly;
    row.remedy = HowToCloseGap({gap.span}, segment_size);
    if (row.behind_newest) report.window.missing_wal += (report.window.missing_wal.empty() ? "" : ", ") + row.missing;
    report.gaps.push_back(std::move(row));
  }
}

// How a recovery to the newest state that no running server plans goes astray, a sentence; empty: it comes to
// `reference`.
std::string DescribeAstray(const BranchTree& branches, const BackupCatalog& backups, const Branch& reference) {
  const RecoveryTarget latest;
  const auto choice = BranchChooser(branches, backups, {&latest, nullptr, std::nullopt}).Choose();
  if (choice.ok() && choice.value().timeline == reference.timeline) return "";
  return " Until then a recovery to the newest state that is planned without this server " +
         (choice.ok() ? "follows timeline " + std::to_string(choice.value().timeline.value) + "."
                      : "is refused: nothing tells which timeline is the real one.");
}

// The timelines that were left on the way to one that goes on, and go on, too.
void AddGrowing(const BranchTree& branches, const BackupCatalog& backups, const BesideEvidence& evidence,
                RepositoryInfo& report) {
  const Branch* reference = branches.Find(report.window.latest_timeline);
  const RecoveryTarget latest;
  // Without a window there are several.
  const auto ends = reference != nullptr ? std::vector<const Branch*>{reference}
                                         : BranchChooser(branches, backups, {&latest, nullptr, std::nullopt}).Latest();
  for (const Branch* end : ends) {
    for (const Branch* growing : GrowingAncestors(branches, *end)) {
      const auto row = std::find_if(report.timelines.begin(), report.timelines.end(),
                                    [&](const TimelineRow& each) { return each.timeline == growing->timeline; });
      if (row == report.timelines.end() || !row->note.empty()) continue;
      const std::string astray = evidence.own ? DescribeAstray(branches, backups, *end) : "";
      row->endangers = !astray.empty();
      row->note = "Warning: " + DescribeGrowing(branches, *growing, *end, evidence) + astray;
    }
  }
}

// What the branches' WAL tells of the timelines.
void AddBranches(const BranchTree& branches, const BackupCatalog& backups, const BesideEvidence& evidence,
                 RepositoryInfo& report) {
  const auto is_aside = [](const Branch& branch) { return branch.set_aside; };
  if (branches.branches().size() < 2 && std::none_of(branches.branches().begin(), branches.branches().end(), is_aside))
    return;
  const Branch* reference = branches.Find(report.window.latest_timeline);
  const auto beside = reference == nullptr ? std::vector<const Branch*>() : BranchesBeside(branches, *reference);
  const std::string astray = evidence.own && reference != nullptr ? DescribeAstray(branches, backups, *reference) : "";
  for (TimelineRow& row : report.timelines) {
    const Branch* branch = branches.Find(row.timeline);
    if (branch == nullptr) continue;
    row.began_micros = branch->life.begin_micros;
    row.last_commit_micros = branch->life.last_commit_micros;
    row.set_aside = branch->set_aside;
    if (branch->set_aside) row.note = "Set aside " + branch->aside_why + ".";
    if (branch->set_aside && branch == reference && evidence.own) {
      row.endangers = true;
      row.note = "Warning: this server writes it, and it was set aside " + branch->aside_why +
                 ": no plan, window or standby made elsewhere follows it. If this is the server that lives, take it "
                 "back: pg_pitr timeline take-back " +
                 std::to_string(row.timeline.value) + ". If not, stop it.";
    }
    if (std::find(beside.begin(), beside.end(), branch) == beside.end()) continue;
    row.endangers = evidence.own && IsLikelySuccessor(*branch, *reference, evidence);
    row.note = "Warning: it does not lead to timeline " + std::to_string(reference->timeline.value) +
               " and was written beside it. " + HintBeside(*branch, *reference, evidence) +
               (astray.empty() ? "" : "." + astray);
  }
  AddGrowing(branches, backups, evidence, report);
}

// What the newest verification that covers the backup said about it. Damage that any found and nothing has refuted
// since is the backup's status.
void AddVerification(const std::vector<VerifyRecord>& results, const BackupCatalog& backups, BackupRow& row) {
  if (row.label.empty() || row.stop_micros == 0) return;  // a failure that left nothing behind, or no more than packs
  const BackupManifest* backup = backups.Find(row.label);
  const std::string damage = backup == nullptr ? "" : DescribeKnownDamage(results, *backup, DamageOf::kAnything);
  if (!damage.empty() && (row.status == "ok" || row.status == "page errors")) {
    row.status = "damaged";
    row.problem = damage + "; pg_pitr verify --label " + row.label + " looks again and says what.";
    row.problem[0] = UpperCase(row.problem[0]);
  }
  const VerifyRecord* newest = NewestResult(results, row.label);
  // One from before the backup began is about another of the same name.
  if (newest == nullptr || newest->ended_micros < row.start_micros) return;
  row.verified_micros = newest->ended_micros;
  row.verify_mode = VerifyModeName(newest->request.mode);
  FindingCounts counts;
  for (const Finding& finding : newest->findings)
    if (std::find(finding.labels.begin(), finding.labels.end(), row.label) != finding.labels.end())
      counts.Add(finding.severity);
  row.verify_result = VerifyOutcomeName(OutcomeOf(counts));
}

// A backup whose own restore could not be planned when it was taken, as `failures` tells, is planned again: what was
// missing may be there by now; else its status is "not restorable". What cannot be found out stays as it was found
// then. Only kCancelled and a passed deadline.
Status ReportProofs(const Repository& repository, const std::vector<BackupFailure>& failures,
                    const InfoOptions& options, std::vector<BackupRow>& rows, const OpContext& ctx) {
  for (BackupRow& row : rows) {
    const auto failure =
        std::find_if(failures.begin(), failures.end(), [&](const BackupFailure& each) { return IsOfProof(each, row); });
    if (row.status != "ok" || failure == failures.end()) continue;
    const Status proof = ProveBackup(repository, row.label, options.own_timeline, ctx);
    PITR_TRY(ctx.Check());
    if (proof.ok()) continue;
    row.status = "not restorable";
    const bool says = SaysNotRestorable(proof);
    const std::string& detail = says ? proof.detail() : failure->detail;
    row.problem = "It is complete, but could not be restored: " + (says ? proof.message() : failure->message) + "." +
                  (detail.empty() ? "" : " " + detail);
  }
  return Status::Ok();
}

}  // namespace

RepositoryInfo MakeRepositoryInfo(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
                                  const BranchTree& branches, const InfoOptions& options,
                                  std::vector<VerifyRecord> verifications, const std::vector<BackupFailure>& failures) {
  RepositoryInfo report;
  report.repository = repository.store().Describe();
  report.marker = repository.marker();
  AddBackups(backups, wal, report.backups);
  AddFailures(failures, report.backups);
  AddArchive(backups, wal, repository.segment_size(), report);
  report.window = WindowOf(backups, wal, branches, options.own_timeline, repository.segment_size());
  AddBranches(branches, backups,
              {options.own_started_micros != 0 && options.own_timeline == report.window.latest_timeline,
               options.own_started_micros},
              report);
  AddGaps(backups, wal, repository.segment_size(), report);
  report.verifications = std::move(verifications);
  for (BackupRow& row : report.backups) AddVerification(report.verifications, backups, row);
  return report;
}

Result<RepositoryInfo> LoadRepositoryInfo(const Repository& repository, const InfoOptions& options,
                                          const OpContext& ctx) {
  PITR_ASSIGN(const BackupCatalog backups, BackupCatalog::Load(repository, ctx));
  PITR_ASSIGN(WalCatalog wal, WalCatalog::LoadFor(repository, backups.backups, ctx));
  wal.AddHistories(backups.backups);
  PITR_ASSIGN(const BranchTree branches, BranchTree::Load(repository, backups, wal, ctx));
  PITR_ASSIGN(VerifyRecords verified, LoadVerifyRecords(repository, ctx));
  PITR_ASSIGN(std::vector<BackupFailure> failures, LoadBackupFailures(repository, ctx));
  if (!options.data_directory.empty()) {
    PITR_ASSIGN(const std::vector<BackupFailure> kept, KeptBackupFailures(options.data_directory));
    failures.insert(failures.end(), kept.begin(), kept.end());
  }
  RepositoryInfo report =
      MakeRepositoryInfo(repository, backups, wal, branches, options, std::move(verified.results), failures);
  PITR_TRY(ReportProofs(repository, failures, options, report.backups, ctx));
  if (!options.read_last_commit || !report.window.possible) return report;
  auto path = WalPath::Make(wal, report.window.latest_timeline, repository.segment_size());
  if (!path.ok()) return report;
  const SegmentNo last = SegmentBefore(report.window.latest_lsn, repository.segment_size());
  const BackupManifest* backup = backups.Find(report.window.latest_backup);
  const SegmentNo first = backup != nullptr ? FirstSegment(*backup) : last;
  auto commit = FindLastCommit(repository, path.value(), first, last, kMaxSegmentsForLastCommit, ctx);
  if (commit.ok() && commit.value()) report.window.latest_commit_micros = commit.value()->time_micros;
  if (commit.code() == Code::kCancelled) return commit.status();
  return report;
}

}  // namespace pitr
