// A repository in memory with one backup of a synthetic data directory and the WAL that belongs to it. For tests.
#pragma once
#include <algorithm>

#include "core/pg/wal_page.h"
#include "core/repo/layout.h"
#include "core/verify/opening.h"
#include "core/verify/verify.h"
#include "lib/stored_segment.h"
#include "unit/restore/restore_fixture.h"

namespace pitr::test {

class VerifyFixture : public RestoreFixture {
 protected:
  // The backup needs segments 0x50 to 0x70; the archive goes to 0x72.
  void Make(bool encrypted = false, bool everything = false) {
    Prepare(everything, encrypted);
    label_ = plan_.backup.label;
    for (uint64_t number = 0x50; number <= 0x72; ++number) AddSegment(number);
    const std::string extra = "START WAL LOCATION: 0/5000028\n";
    AddWal("000000010000000000000050.00000028.backup", AsBytes(extra));
  }

  void AddWal(const std::string& name, ByteView bytes) {
    const Status created = repo_.repository->CreateObject(ObjectKind::kWal, layout::WalKey(name), bytes, OpContext());
    ASSERT_TRUE(created.ok()) << created.ToString();
  }
  std::string SegmentName(uint64_t number, uint32_t timeline = 1) const {
    return SegmentFileName(Timeline{timeline}, SegmentNo{number}, repo_.repository->segment_size());
  }
  void AddSegment(uint64_t number, uint32_t timeline = 1) {
    const ClusterIdentity& cluster = repo_.repository->marker().cluster;
    Bytes bytes(cluster.segment_size_bytes);
    for (size_t i = kLongWalPageHeaderSize; i < 65536; ++i) bytes[i] = static_cast<uint8_t>(i * number * 7 >> 3);
    WriteSegmentHeader(bytes, number, timeline, cluster.system_id);
    AddWal(SegmentName(number, timeline), bytes);
  }

  Result<VerifyReport> Verify(const VerifyOptions& options = {}, const OpContext& ctx = OpContext()) {
    FindingList findings;
    auto openable = CheckOpening(*faults_, findings, ctx);
    if (!openable.ok()) return openable.status();
    progress_ = std::make_unique<Progress>();
    return VerifyRepository(*repo_.repository, options, findings, *progress_, ctx);
  }
  VerifyReport MustVerify(const VerifyOptions& options = {}) {
    auto report = Verify(options);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? std::move(report).value() : VerifyReport();
  }
  static VerifyOptions Quick() {
    VerifyOptions options;
    options.request.mode = VerifyMode::kQuick;
    return options;
  }
  static VerifyOptions Sample(double percent, std::optional<uint64_t> seed = std::nullopt) {
    VerifyOptions options;
    options.request.mode = VerifyMode::kSample;
    options.request.sample_percent = percent;
    options.request.seed = seed;
    return options;
  }

  // The first finding about `object`, or null.
  static const Finding* Find(const VerifyReport& report, const std::string& object) {
    for (const Finding& finding : report.record.findings)
      if (finding.object == object) return &finding;
    return nullptr;
  }
  Bytes Content(const std::string& key) {
    auto bytes = GetAll(memory_, key, size_t{1} << 30, OpContext());
    return bytes.ok() ? std::move(bytes).value() : Bytes();
  }
  std::string MapKey() const { return layout::BackupKey(label_, layout::BackupObject::kFiles); }
  std::string ManifestKey() const { return layout::BackupKey(label_, layout::BackupObject::kManifest); }
  std::string StartKey() const { return layout::BackupKey(label_, layout::BackupObject::kStart); }

  std::string label_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace pitr::test
