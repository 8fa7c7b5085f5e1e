#include "bench/scale_archive.h"

#include "bench/counted_repository.h"
#include "core/expire/expire.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/repo/wal_group.h"
#include "core/restore/planner.h"
#include "core/survey/repository_info.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kSegmentSize = WalBuilder::kSegmentSize;
constexpr uint64_t kGroup = SegmentsInGroup(kSegmentSize);
const ClusterIdentity kCluster{WalBuilder::kSystem, kSegmentSize, 15};

std::string NameOf(uint64_t segment) { return SegmentFileName({1}, {segment}, kSegmentSize); }

Status AddBackup(const Repository& repository, const std::string& label, uint64_t segment, const OpContext& ctx) {
  BackupManifest manifest;
  manifest.label = label;
  manifest.cluster = kCluster;
  manifest.timeline = manifest.stop_timeline = {1};
  manifest.start_lsn = manifest.checkpoint_lsn = {segment * kSegmentSize + 40};
  manifest.stop_lsn = {(segment + 1) * kSegmentSize + 4000};
  manifest.start_micros = manifest.stop_micros = ctx.clock->WallMicros();
  manifest.file_map_key = layout::BackupKey(label, layout::BackupObject::kFiles);
  manifest.file_map_bytes = 500;
  manifest.file_map_sha256 = std::string(64, '0');
  manifest.packs.push_back({layout::PackKey(label, 1), 1000});
  PITR_TRY(repository.store().Create(layout::PackKey(label, 1), Bytes(1000), ctx));
  PITR_TRY(repository.store().Create(manifest.file_map_key, Bytes(500), ctx));
  return repository.CreateObject(ObjectKind::kManifest, layout::BackupKey(label, layout::BackupObject::kManifest),
                                 AsBytes(EncodeManifest(manifest)), ctx);
}

// Whole groups are sealed; the last segments can be read, and the newest backup needs the first two of them.
Status MakeArchive(const std::string& directory, uint64_t segments) {
  constexpr uint64_t kReal = 8;
  CountedRepository made;
  PITR_TRY(made.Open(directory, kCluster));
  const Repository& repository = *made.repository;
  const uint64_t sealed = segments / kGroup;
  for (uint64_t group = 1; group <= sealed; group++) {
    const Json seal = {
        {"pg_pitr_sealed", 1}, {"segments", kGroup}, {"stored_bytes", 1000 * kGroup}, {"newest_micros", group}};
    const std::string key = layout::SealKey({{1}, static_cast<uint32_t>(group)});
    PITR_TRY(repository.CreateObject(ObjectKind::kWalSeal, key, AsBytes(JsonText(seal)), made.ctx));
  }
  const uint64_t young = (sealed + 1) * kGroup;
  const uint64_t end = young + segments % kGroup;
  for (uint64_t at = young; at < end; at++) {
    if (at + kReal < end) PITR_TRY(made.store->Create(layout::WalKey(NameOf(at)), Bytes(100), made.ctx));
    PITR_TRY(made.store->Create(layout::ChangeMapKey(NameOf(at)), Bytes(50), made.ctx));
  }
  WalBuilder wal(15, {(end - kReal) * kSegmentSize});
  while (wal.at().value < (end - 1) * kSegmentSize) wal.AddFiller(200000);
  wal.Switch();
  for (uint64_t at = end - kReal; at < end; at++)
    PITR_TRY(repository.CreateObject(ObjectKind::kWal, layout::WalKey(NameOf(at)), wal.Segment({at}), made.ctx));
  PITR_TRY(AddBackup(repository, "old", young, made.ctx));
  return AddBackup(repository, "new", end - kReal, made.ctx);
}

}  // namespace

bool BenchArchive(uint64_t segments) {
  const test::ScratchDirectory scratch;
  const std::string directory = scratch.path() + "/repository";
  const Status made = MakeArchive(directory, segments);
  if (!made.ok()) return fprintf(stderr, "%s\n", made.ToString().c_str()), false;
  const std::string size = std::to_string(segments);
  const auto line = [&](const char* what, const std::function<Status(CountedRepository&)>& body) {
    return LineOn(directory, kCluster, size, what, body);
  };
  bool ok = line("info", [](CountedRepository& r) { return LoadRepositoryInfo(*r.repository, {}, r.ctx).status(); });
  ok &= line("plan", [](CountedRepository& r) {
    PlanRequest request;
    request.backup_label = "new";
    request.target.kind = TargetKind::kImmediate;
    return MakeRestorePlan(*r.repository, request, r.ctx).status();
  });
  ok &= line("expire (dry run)", [](CountedRepository& r) {
    ExpireRequest request;
    request.policy.full = 1;
    request.dry_run = true;
    request.by = "bench";
    return Expire(*r.repository, request, r.ctx).status();
  });
  ok &= line("verify --quick", VerifyQuickly);
  return ok;
}

}  // namespace pitr
