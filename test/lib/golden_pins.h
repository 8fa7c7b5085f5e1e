// The pins of backups of test/golden/repo-v1, the hold of one that was being restored, the mark of one that is being
// expired (its manifest is still there, so that it must restore all the same), and that of one without the WAL after
// it; and what was said of a timeline. What is there never changes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/repo/backups/backup_failure.h"
#include "core/verify/record.h"

namespace pitr::test {

struct GoldenPin {
  std::string label;
  std::string reason;
  std::string pinned_by;
  int64_t pinned_micros = 0;
  int64_t until_micros = 0;
};

inline std::vector<GoldenPin> GoldenPins() {
  return {{"20260522-100000F", "not \"UTF-8\": \xE9", "golden \xE9", 1779460000000001, 0},
          {"20260522-123000I", "until the day after \u00e9", "golden", 1779460000000002, 1779546400000003}};
}

inline const std::string kGoldenMarkedLabel = "20260522-090014F";
inline const std::string kGoldenMarkedBy = "golden \xE9";
inline constexpr int64_t kGoldenMarkedMicros = 1779460000000004;

inline const std::string kGoldenAloneLabel = "20260522-100000F";
inline constexpr int64_t kGoldenAloneMicros = 1779460000000005;

inline const std::string kGoldenHeldLabel = "20260522-120000D";
inline constexpr Timeline kGoldenTakenAfter{9};  // so 10 is taken
inline const std::string kGoldenHeldBy = "golden \xE9";
inline constexpr int64_t kGoldenHoldMicros = 86400000006;

// A timeline that was set aside and taken back.
inline constexpr uint32_t kGoldenAsideTimeline = 2;
inline const std::string kGoldenAsideReason = "a test copy \xE9";
inline const std::string kGoldenAsideBy = "golden \xE9";
inline constexpr int64_t kGoldenAsideMicros = 1779460000000007, kGoldenBackMicros = 1779460000000008;

// A backup that failed, and what verifications found and how far one had got.
inline BackupFailure GoldenFailure() {
  return {"20260522-140000F",
          "full",
          1779458400000000,
          1779458460000009,
          "copying files",
          "53100",
          "could not write: No space left on device",
          "not \"UTF-8\": \xE9",
          "Free some space.",
          "golden \xE9",
          "host, process 7"};
}
inline VerifyRecord GoldenResult() {
  VerifyRecord record;
  record.run = 1;
  record.request.mode = VerifyMode::kSample;
  record.request.sample_percent = 12.5;
  record.request.seed = UINT64_MAX;
  record.by = "host, process 8";
  record.started_micros = 1779460000000010;
  record.ended_micros = 1779460000000011;
  record.finished = true;
  record.backups["20260522-090014F"] = {2, 1, 30000, 10000};
  record.wal = {7, 6, 70000, 60000};
  record.extents = 12;
  record.unreferenced_bytes = 99;
  record.newest_wal = {{1, "000000010000000000000004"}, {2, "000000020000000000000006"}};
  Finding finding;
  finding.problem = "checksum";
  finding.object = "data/20260522-090014F/000001";
  finding.begin = 64;
  finding.end = 3236;
  finding.detail = "Bytes are not those that were stored.";
  finding.files = {"base/5/16384", "caf\xE9/\xFF\xFE"};
  finding.file_count = 2;
  finding.labels = {"20260522-090014F"};
  finding.hurts = "Two files.";
  finding.hint = "Take a full backup.";
  record.findings = {finding};
  record.counts = CountFindings(record.findings);
  return record;
}
inline VerifyRecord GoldenProgress() {
  VerifyRecord record;
  record.run = 2;
  record.request.scope = VerifyScope::kBackup;
  record.request.label = "20260522-100000F";
  record.by = "host, process 9";
  record.started_micros = 1779460000000012;
  record.ended_micros = 1779460000000013;
  record.stopped = true;
  record.backups["20260522-100000F"] = {1, 1, 65704, 65704};
  record.pack_done = "data/20260522-100000F/000001";
  record.pack_done_end = 4096;
  return record;
}

}  // namespace pitr::test
