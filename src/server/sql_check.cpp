// pitr_check(): every setting, the store, the repository, and then the proof: a WAL segment switched, archived and
// found.
#include <algorithm>

#include "core/config/settings.h"
#include "core/repo/layout.h"
#include "core/repo/opening/archive_hold.h"
#include "core/repo/opening/known_repository.h"
#include "core/repo/opening/open_repository.h"
#include "core/restore/restore_mark.h"
#include "core/survey/repository_check.h"
#include "server/archive_settings.h"
#include "server/on_repository.h"
#include "server/ready_files.h"
#include "server/rows.h"
#include "server/server_state.h"
#include "server/shmem.h"

extern "C" {
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "utils/guc.h"
}

namespace pitr::server {
namespace {

constexpr int64_t kArchiveLimitMs = 60000;
constexpr int kProofPollMs = 100;
constexpr char kProofItem[] = "archive: a segment switched, archived and found";
constexpr int kLongArchiveTimeoutS = 3600;

using Rows = std::vector<CheckRow>;

void Add(Rows& rows, std::string item, bool good, std::string detail, std::string hint,
         CheckState bad = CheckState::kFailed) {
  rows.push_back({std::move(item), good ? CheckState::kOk : bad, std::move(detail), good ? "" : std::move(hint)});
}

void Add(Rows& rows, std::string item, const Status& status, std::string if_ok) {
  if (status.ok()) {
    rows.push_back({std::move(item), CheckState::kOk, std::move(if_ok), ""});
  } else {
    rows.push_back({std::move(item), CheckState::kFailed, status.WithoutHint(), status.hint()});
  }
}

std::string Setting(const char* name) {
  const char* value = PgCall([name] { return GetConfigOption(name, true, false); });
  return value ? value : "";
}

bool ServerCanArchive() {
  return XLogArchiveMode != ARCHIVE_MODE_OFF && XLogArchiveLibrary != nullptr &&
         std::string(XLogArchiveLibrary).find("pg_pitr") != std::string::npos;
}

Result<std::optional<RestoreMark>> ServerRestoreMark() {
  PITR_ASSIGN(const ClusterTree tree, ClusterTree::Open(kDataDirectory));
  return ReadRestoreMark(tree);
}

// As pg_pitr restore --as-copy made it, and nobody has said since that it takes over.
bool IsCopy(const Result<std::optional<RestoreMark>>& mark) {
  return mark.ok() && mark.value() && mark.value()->as_copy;
}

void CheckArchiveMode(Rows& rows, bool is_copy) {
  const std::string item = "server: archive_mode";
  if (!is_copy || XLogArchiveMode != ARCHIVE_MODE_OFF) {
    Add(rows, item, XLogArchiveMode != ARCHIVE_MODE_OFF, Setting("archive_mode"),
        "Set archive_mode = on and restart the server.");
    return;
  }
  Add(rows, item, true,
      "off, on purpose: this is a copy, made with pg_pitr restore --as-copy. Should it become the production server: "
      "pg_pitr take-over",
      "");
}

void CheckServerSettings(Rows& rows, bool is_copy) {
  Add(rows, "server: shared_preload_libraries", Shared() != nullptr,
      Shared() ? "pg_pitr is preloaded" : "pg_pitr is not preloaded",
      "Add pg_pitr to shared_preload_libraries and restart the server; backups and pitr_status need it.");
  Add(rows, "server: wal_level", wal_level >= WAL_LEVEL_REPLICA, Setting("wal_level"),
      "Set wal_level = replica and restart the server.");
  CheckArchiveMode(rows, is_copy);
  const std::string library = Setting("archive_library");
  Add(rows, "server: archive_library", library.find("pg_pitr") != library.npos, library.empty() ? "empty" : library,
      "Set archive_library = 'pg_pitr' and archive_command = '', and reload the server.");
  if (ArchiveCommandIsSet())
    Add(rows, "server: archive_command", false,
        ArchiveCommandHinders() ? "set besides archive_library: nothing is archived"
                                : "set besides archive_library: not used, and an error since PostgreSQL 16",
        "Set archive_command = '' and reload the server.",
        ArchiveCommandHinders() ? CheckState::kFailed : CheckState::kWarning);
  const int timeout = XLogArchiveTimeout;
  if (timeout == 0) {
    Add(rows, "server: archive_timeout", false, "off",
        "A quiet server keeps changes in an unfinished segment; set archive_timeout = 60 to bound how much can be "
        "lost.",
        CheckState::kWarning);
  } else {
    Add(rows, "server: archive_timeout", timeout <= kLongArchiveTimeoutS, std::to_string(timeout) + " s",
        "Up to this much of a quiet server's changes can be lost; a smaller value bounds it better.",
        CheckState::kWarning);
  }
  Add(rows, "server: full_page_writes", Setting("full_page_writes") == "on", Setting("full_page_writes"),
      "Without full_page_writes a torn page of a backup or a crash cannot be repaired; set it to on.",
      CheckState::kWarning);
  Add(rows, "server: data_checksums", Setting("data_checksums") == "on", Setting("data_checksums"),
      "Without data checksums a backup cannot notice damaged pages; pg_checksums --enable turns them on.",
      CheckState::kWarning);
}

// Starts a segment's way into the archive and returns its name.
std::string SwitchSegment() {
  const Lsn end{PgCall([]() -> uint64 {
    // A record first: a switch at the very start of a segment does nothing.
    XLogRestorePoint("pitr_check");
    return RequestXLogSwitch(false);
  })};
  const auto segment_size = static_cast<uint32_t>(wal_segment_size);
  return SegmentFileName({GetWALInsertionTimeLine()}, SegmentBefore(end, segment_size), segment_size);
}

// What the archiver has failed with since `micros`, with what to do about that.
Status ArchiverErrorSince(int64_t micros) {
  PlainError plain;
  char file[kFileNameBytes] = "";
  WithShared(LW_SHARED, [&](SharedState& shared) {
    if (shared.archiver.failures == 0 || shared.archiver.error_micros < micros) return;
    plain = shared.archiver.error;
    CopyText(file, shared.archiver.error_file);
  });
  if (plain.sqlstate == 0) return Status::Ok();
  return Status(Code::kUnavailable, std::string("the archiver failed with ") + file + ": " + plain.message)
      .WithDetail(plain.detail)
      .WithHint(plain.hint);
}

// Waits until the archiver has done with `segment`.
Status AwaitArchived(const std::string& segment, int64_t began_micros) {
  const int64_t began = SystemClock().SteadyMillis();
  while (MarkOf(segment) != ArchiveMark::kDone) {
    PITR_TRY(ArchiverErrorSince(began_micros));
    if (SystemClock().SteadyMillis() - began > kArchiveLimitMs)
      return {Code::kUnavailable, "not archived within " + std::to_string(kArchiveLimitMs / 1000) + " s"};
    WaitInterruptibly(-1, kProofPollMs);
  }
  return Status::Ok();
}

// What is true of a server that was restored, and of no other, and why the archiver holds archiving, unless `opened`
// says that already.
void CheckRestored(Rows& rows, const Result<std::optional<RestoreMark>>& mark, const Status& opened) {
  if (!mark.ok()) {
    Add(rows, "restore: the mark in the data directory", mark.status(), "");
  } else if (mark.value() && mark.value()->outcome) {
    Add(rows, "restore: recovery ended where planned", mark.value()->outcome->as_planned, mark.value()->outcome->text,
        "See the server log; nothing in the archive has changed, so it can be restored again.", CheckState::kWarning);
  }
  const PlainError hold = HoldOfArchiving();
  if (hold.sqlstate != 0 && !IsArchivingHeld(opened))
    Add(rows, "archive: not held", false, std::string(hold.message) + " (" + hold.detail + ")", hold.hint);
}

// Whether a segment was archived and found.
bool ProveArchiving(Rows& rows, bool is_copy) {
  const char* item = kProofItem;
  const auto skip = [&](const char* why, const char* hint) {
    rows.push_back({item, CheckState::kSkipped, why, hint});
    return false;
  };
  if (PgCall([] { return RecoveryInProgress(); }))
    return skip("recovery is in progress", "Run pitr_check() on the primary.");
  if (is_copy && XLogArchiveMode == ARCHIVE_MODE_OFF) return skip("a copy does not archive", "Nothing has to be done.");
  if (!ServerCanArchive()) return skip("the server does not archive with pg_pitr", "Mend what is said above first.");
  const int64_t began_micros = SystemClock().WallMicros();
  const std::string segment = SwitchSegment();
  const Status archived = AwaitArchived(segment, began_micros);
  if (!archived.ok()) {
    Add(rows, item, false, segment + ": " + archived.WithoutHint(),
        archived.hint().empty() ? "See pitr_status and the server log." : archived.hint());
    return false;
  }
  const int64_t archived_micros = SystemClock().WallMicros();
  const auto found = OnRepository<ObjectInfo>(
      segment, [](const Repository& repository, const std::string& name, const OpContext& ctx) {
        return repository.store().Stat(layout::WalKey(name), ctx);
      });
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.2f", static_cast<double>(archived_micros - began_micros) / 1e6);
  Add(rows, item, found.status(), segment + " was stored " + seconds + " s after the switch");
  return found.ok();
}

// What the threads of a check are given.
struct Asked {
  Config config;
  ClusterIdentity cluster;
  InfoOptions own;
};

// Without its server a repository that holds no backup is a failure; a running server has only not taken its first one
// yet.
void AllowNoBackupYet(Rows& rows) {
  bool none = false;
  for (CheckRow& row : rows) {
    if (row.state != CheckState::kFailed) continue;
    none = none || row.item == "backups";
    if (row.item == "backups" || (none && row.item == kRecoveryWindowItem)) row.state = CheckState::kWarning;
  }
}

// Rows about the repository, and whether it is this cluster's.
Result<Rows> CheckStoreAndRepository(const Config& config, const std::shared_ptr<QueuedLog>& log) {
  const auto check = [](Asked& asked, Log& thread_log, const OpContext& ctx) -> Result<Rows> {
    Rows rows = CheckRepository(asked.config, asked.own, thread_log, ctx);
    auto repository = OpenRepository(asked.config, thread_log, ctx);
    if (repository.ok())
      Add(rows, "repository: belongs to this cluster", repository.value()->CheckCluster(asked.cluster),
          "the same system identifier");
    PITR_TRY(ctx.Check());
    return rows;
  };
  PITR_ASSIGN(Rows rows, ComputeInterruptibly<Rows>(log,
                                                    Asked{config, ServerIdentity(),
                                                          InfoOptions{.own_timeline = OwnTimeline(),
                                                                      .own_started_micros = WriterStartMicros()}},
                                                    check));
  AllowNoBackupYet(rows);
  return rows;
}

// Archiving creates the repository; right after the first start there may be none yet. Why it cannot be opened is told
// by the rows that follow. But whether it is the repository that the cluster archives to is told here: the rows that
// follow look at the one that is set.
Status OpenOrCreateIt(const Config& config, const std::shared_ptr<QueuedLog>& log, Rows& rows) {
  const std::string item = "repository: the one this cluster archives to";
  if (PgCall([] { return RecoveryInProgress(); })) {
    const Status known = CheckKnownRepository(config.repository, kDataDirectory);
    Add(rows, item, known, config.repository);
    // A promotion may come; until then nothing is archived, and the new one may well have what the primary archived.
    if (rows.back().state == CheckState::kFailed) rows.back().state = CheckState::kWarning;
    return Status::Ok();
  }
  if (!ServerCanArchive()) return Status::Ok();
  const Status opened = RunInterruptibly(
      log, Asked{config, ServerIdentity(), {}}, [](Asked& asked, Log& thread_log, const OpContext& ctx) {
        return OpenClusterRepository(asked.config, asked.cluster, kDataDirectory, thread_log, ctx).status();
      });
  if (opened.ok() || IsArchivingHeld(opened)) Add(rows, item, opened, config.repository);
  return opened;
}

// A repository that is not there after OpenOrCreateIt: why not, instead of when a server makes it.
void ExplainAbsence(Rows& rows, const Status& opened) {
  for (CheckRow& row : rows) {
    if (row.state != CheckState::kAbsent) continue;
    if (IsArchivingHeld(opened)) {
      row.hint = "None is made there while archiving is held.";
    } else if (!opened.ok()) {
      row = {row.item, CheckState::kFailed, opened.WithoutHint(), opened.hint()};
    } else {
      row.hint = "The server that archives there makes it. If there was one here before, everything in it is gone.";
    }
  }
}

// Of what was stored before. Nothing of it keeps a new segment from being archived; and right after a recovery it is
// that segment which mends it: until then backups that end where the new timeline began have not all their WAL.
bool IsOfThePast(const CheckRow& row) {
  return row.item == kTimelinesItem || row.item == kPlanItem || row.item == kRecoveryWindowItem ||
         row.item.starts_with("archive") || row.item.starts_with("backup");
}

// The rows for which it is not worth while to prove that archiving works.
std::string WhatHindersProof(const Rows& rows) {
  std::string names;
  for (const CheckRow& row : rows) {
    if (row.state != CheckState::kFailed || IsOfThePast(row)) continue;
    names += (names.empty() ? "\"" : ", \"") + row.item + "\"";
  }
  return names;
}

bool HasFailed(const Rows& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const CheckRow& row) { return row.state == CheckState::kFailed; });
}

// The rows about the repository and the proof.
Result<Rows> CheckArchive(const Config& config, const std::shared_ptr<QueuedLog>& log, bool is_copy,
                          const Status& opened) {
  const bool held = IsArchivingHeld(opened) || HoldOfArchiving().sqlstate != 0;
  PITR_ASSIGN(Rows rows, CheckStoreAndRepository(config, log));
  ExplainAbsence(rows, opened);
  const std::string hindering = WhatHindersProof(rows);
  Rows proof;
  if (held || !hindering.empty()) {
    proof.push_back({kProofItem, CheckState::kSkipped,
                     "not tried: " + (held ? std::string("archiving is held") : hindering + " failed"),
                     "Mend what is said above first."});
  } else if (ProveArchiving(proof, is_copy) && HasFailed(rows)) {
    // After a promotion the end of the archive is judged with the first segment of the new timeline, which is there
    // now.
    PITR_ASSIGN(rows, CheckStoreAndRepository(config, log));
  }
  rows.insert(rows.end(), proof.begin(), proof.end());
  return rows;
}

}  // namespace

PITR_FUNCTION(pitr_check) {
  const Config config = CurrentConfig();
  const auto log = std::make_shared<QueuedLog>();
  Rows rows;
  const auto mark = ServerRestoreMark();
  const bool is_copy = IsCopy(mark);
  CheckServerSettings(rows, is_copy);
  for (CheckRow& row : CheckSettingsFile(ConfigFileName)) rows.push_back(std::move(row));
  Rows its;
  const Status opened = ValidateConfig(config).ok() ? OpenOrCreateIt(config, log, its) : Status::Ok();
  CheckRestored(rows, mark, opened);
  PITR_ASSIGN(const Rows archive, CheckArchive(config, log, is_copy, opened));
  rows.insert(rows.end(), its.begin(), its.end());
  rows.insert(rows.end(), archive.begin(), archive.end());
  std::vector<Row> cells;
  for (const CheckRow& row : rows) {
    const bool good = row.state == CheckState::kOk || row.state == CheckState::kWarning;
    cells.push_back({row.item, row.state == CheckState::kSkipped ? Cell() : BoolCell(good), TextOrNull(row.detail),
                     TextOrNull(row.hint)});
  }
  ReturnRows(fcinfo, cells);
  return Status::Ok();
}

}  // namespace pitr::server
