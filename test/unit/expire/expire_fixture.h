// A repository in memory with backups and WAL of any age, for tests of expiry. Packs and segments are what they are
// called, no more: expiry looks at keys, sizes and times. Manifests, start objects, history files and pins are real.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/expire/expire.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "lib/repository_fixture.h"
#include "lib/test_clock.h"

namespace pitr::test {

inline constexpr int64_t kHourMillis = 3600000;
inline constexpr int64_t kDayMillis = 24 * kHourMillis;

struct BackupSpec {
  std::string label;
  BackupType type = BackupType::kFull;
  std::string parent;
  uint32_t timeline = 1;
  uint64_t first = 1;  // segments it needs
  uint64_t last = 1;
  std::vector<std::string> borrowed;  // packs and pages of file maps of other labels
  uint32_t pages = 0;                 // of its own
};

class ExpireTest : public RepositoryTest {
 protected:
  ExpireTest() {
    ctx_.clock = &clock_;
    repository_ = MustOpenOrCreate(config_);
    request_.by = "test";
  }

  Bytes Blob(size_t size) const { return Bytes(size, 'x'); }
  void PutRaw(const std::string& key, size_t size) { ASSERT_TRUE(memory_.Create(key, Blob(size), ctx_).ok()) << key; }

  Status CreateStart(const std::string& label, const std::string& parent = "",
                     const std::vector<std::string>& resumes = {}) {
    Json start = {{"pg_pitr_start", 1}, {"label", label}, {"started_micros", clock_.WallMicros()}};
    if (!parent.empty()) start["parent"] = parent;
    if (!resumes.empty()) start["resumes"] = resumes;
    return repository_->CreateObject(ObjectKind::kBackupStart, layout::BackupKey(label, layout::BackupObject::kStart),
                                     AsBytes(JsonText(start)), ctx_);
  }
  // A full backup that was interrupted with `packs` recorded.
  void Interrupt(const std::string& label, uint32_t packs, const std::vector<std::string>& resumes = {}) {
    ASSERT_TRUE(CreateStart(label, "", resumes).ok());
    for (uint32_t number = 1; number <= packs; number++) {
      PutRaw(layout::PackKey(label, number), 1000);
      PutRaw(layout::PartialKey(label, number), 10);
    }
  }
  void AddWal(uint32_t timeline, uint64_t first, uint64_t last) {
    for (uint64_t at = first; at <= last; at++)
      PutRaw(layout::WalKey(SegmentFileName({timeline}, {at}, kCluster.segment_size_bytes)), 100);
  }
  void AddChangeMaps(uint32_t timeline, uint64_t first, uint64_t last) {
    for (uint64_t at = first; at <= last; at++)
      PutRaw(layout::ChangeMapKey(SegmentFileName({timeline}, {at}, kCluster.segment_size_bytes)), 50);
  }
  void AddHistory(uint32_t timeline, const std::string& text) {
    const std::string key = layout::WalKey(HistoryFileName({timeline}));
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, key, AsBytes(text), ctx_).ok());
  }
  BackupManifest Manifest(const BackupSpec& spec) const {
    BackupManifest m;
    m.label = spec.label;
    m.type = spec.type;
    m.parent_label = spec.parent;
    m.cluster = kCluster;
    m.timeline = m.stop_timeline = {spec.timeline};
    m.start_lsn = m.checkpoint_lsn = {spec.first * kCluster.segment_size_bytes + 40};
    m.stop_lsn = {spec.last * kCluster.segment_size_bytes + 4000};
    m.start_micros = m.stop_micros = clock_.WallMicros();
    m.file_map_key = layout::BackupKey(spec.label, layout::BackupObject::kFiles);
    m.file_map_bytes = 500;
    m.file_map_sha256 = std::string(64, '0');
    for (const std::string& key : spec.borrowed) {
      if (const auto page = layout::ParseMapPageKey(key)) {
        m.map_pages.push_back({page->label, page->number, page->number});
      } else {
        m.packs.push_back({key, 1000});
      }
    }
    if (spec.pages > 0) m.map_pages.push_back({spec.label, 1, spec.pages});
    for (uint32_t number : {1, 2}) m.packs.push_back({layout::PackKey(spec.label, number), 1000});
    return m;
  }
  // Everything but the manifest.
  void BeginBackup(const BackupSpec& spec) {
    ASSERT_TRUE(CreateStart(spec.label, spec.parent).ok());
    for (uint32_t number : {1, 2}) PutRaw(layout::PackKey(spec.label, number), 1000);
    for (uint32_t number = 1; number <= spec.pages; number++) PutRaw(layout::MapPageKey(spec.label, number), 300);
    PutRaw(layout::BackupKey(spec.label, layout::BackupObject::kFiles), 500);
  }
  Status CreateManifest(const BackupSpec& spec) {
    return repository_->CreateObject(ObjectKind::kManifest,
                                     layout::BackupKey(spec.label, layout::BackupObject::kManifest),
                                     AsBytes(EncodeManifest(Manifest(spec))), ctx_);
  }
  void AddBackup(const BackupSpec& spec) {
    BeginBackup(spec);
    ASSERT_TRUE(CreateManifest(spec).ok());
  }
  // One full backup a day, each in its own ten segments, and the WAL between.
  void AddDays(const std::vector<std::string>& labels, uint64_t first = 10, uint32_t pages = 0) {
    for (const std::string& label : labels) {
      clock_.Advance(kDayMillis);
      AddBackup({.label = label, .first = first, .last = first + 1, .pages = pages});
      AddWal(1, first, first + 9);
      first += 10;
    }
  }

  Result<ExpireReport> Run() { return Expire(*repository_, request_, ctx_); }
  ExpireReport MustRun() {
    auto report = Run();
    EXPECT_TRUE(report.ok()) << TextOf(report);
    return report.ok() ? std::move(report).value() : ExpireReport{};
  }
  std::string Labels() {
    std::string text;
    const auto catalog = BackupCatalog::Load(*repository_, ctx_);
    for (const BackupManifest& backup : catalog.value().backups) text += (text.empty() ? "" : " ") + backup.label;
    return text;
  }
  bool Has(const std::string& key) { return memory_.Stat(key, ctx_).ok(); }
  bool HasSegment(uint32_t timeline, uint64_t segment) {
    return Has(layout::WalKey(SegmentFileName({timeline}, {segment}, kCluster.segment_size_bytes)));
  }
  bool HasChangeMap(uint32_t timeline, uint64_t segment) {
    return Has(layout::ChangeMapKey(SegmentFileName({timeline}, {segment}, kCluster.segment_size_bytes)));
  }
  std::vector<std::string> KeysUnder(const std::string& prefix) {
    std::vector<std::string> keys = memory_.Keys();
    std::erase_if(keys, [&](const std::string& key) { return !key.starts_with(prefix); });
    return keys;
  }
  static const ExpireRow* Find(const ExpireReport& report, ExpireAction action, const std::string& name) {
    for (const ExpireRow& row : report.rows)
      if (row.action == action && row.name == name) return &row;
    return nullptr;
  }

  // What must hold at every moment, whatever was interrupted: a manifest has all its data and its WAL.
  void ExpectWhole(const std::string& when) {
    auto inventory = Inventory::Load(*repository_, ctx_);
    ASSERT_TRUE(inventory.ok()) << when << ": " << TextOf(inventory);
    for (const BackupFacts& fact : inventory.value().Facts(clock_.WallMicros()).backups)
      EXPECT_TRUE(fact.restorable) << when << ": " << fact.label;
  }

  TestClock clock_;
  std::unique_ptr<Repository> repository_;
  ExpireRequest request_;
};

}  // namespace pitr::test
