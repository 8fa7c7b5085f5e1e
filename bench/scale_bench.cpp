// What the size of an archive and of a cluster costs: time, requests of the store and peak memory of what people do
// often, in a directory repository made for it. Segments of sealed groups and old backups are not there: nobody may
// look for them, and who does is told that they are missing.
//
//   scale_bench --segments N...   an archive of N WAL segments of 1 MiB, with change maps
//   scale_bench --files N...      a data directory of N files of one page
//
// Whole groups of 1,048,576 segments cost nothing to make; of what is beyond them every segment and map is a file.
// Files go where TMPDIR says; 1,000,000 files take 4 GB in memory and more on most disks.
#include <fcntl.h>
#include <sys/mman.h>

#include <atomic>
#include <cinttypes>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/measure.h"
#include "core/expire/expire.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/wal_group.h"
#include "core/report/info_report.h"
#include "core/restore/planner.h"
#include "core/restore/restorer.h"
#include "core/store/directory.h"
#include "core/verify/verify.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

// Of a child process, for the one that prints.
std::atomic<uint64_t>& Requests() {
  static void* const shared =
      mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return *static_cast<std::atomic<uint64_t>*>(shared);
}

bool Line(const std::string& size, const char* what, const std::function<Status()>& body) {
  Requests() = 0;
  const Measured m = MeasureQuietly(what, body);
  printf("| %s | %s | %.2f | %.2f | %" PRIu64 " | %.0f |%s\n", size.c_str(), what, m.seconds, m.cpu_seconds,
         Requests().load(), m.peak_mib, m.ok ? "" : " FAILED");
  fflush(stdout);
  return m.ok;
}

// A repository in a directory whose requests are counted. Everything it needs lives as long as it does.
struct CountedRepository {
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<Repository> repository;
  OpContext ctx;
  test::LateClock clock;

  Status Open(const std::string& directory, const ClusterIdentity& cluster) {
    ctx.clock = &clock;
    PITR_ASSIGN(store, DirectoryStore::Open(directory, /*create=*/true));
    auto counting = std::make_unique<test::FaultyStore>(*store);
    counting->OnCall([](test::StoreOp, const std::string&) { Requests()++; });
    PITR_ASSIGN(repository, OpenOrCreateRepositoryOn(std::move(counting), Config(), cluster, NullLog(), ctx));
    Requests() = 0;
    return Status::Ok();
  }
};

Status VerifyQuickly(CountedRepository& r) {
  VerifyOptions options;
  options.request.mode = VerifyMode::kQuick;
  FindingList findings;
  Progress progress;
  return VerifyRepository(*r.repository, options, findings, progress, r.ctx).status();
}

// --- archives -------------------------------------------------------------------------------------------------------

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

bool BenchArchive(uint64_t segments) {
  const test::ScratchDirectory scratch;
  const std::string directory = scratch.path() + "/repository";
  const Status made = MakeArchive(directory, segments);
  if (!made.ok()) return fprintf(stderr, "%s\n", made.ToString().c_str()), false;
  const auto with = [&](const std::function<Status(CountedRepository&)>& body) {
    return [&directory, body]() -> Status {
      CountedRepository opened;
      PITR_TRY(opened.Open(directory, kCluster));
      return body(opened);
    };
  };
  const std::string size = std::to_string(segments);
  bool ok =
      Line(size, "info", with([](CountedRepository& r) { return LoadInfoReport(*r.repository, {}, r.ctx).status(); }));
  ok &= Line(size, "plan", with([](CountedRepository& r) {
               PlanRequest request;
               request.backup_label = "new";
               request.target.kind = TargetKind::kImmediate;
               return MakeRestorePlan(*r.repository, request, r.ctx).status();
             }));
  ok &= Line(size, "expire (dry run)", with([](CountedRepository& r) {
               ExpireRequest request;
               request.policy.full = 1;
               request.dry_run = true;
               request.by = "bench";
               return Expire(*r.repository, request, r.ctx).status();
             }));
  ok &= Line(size, "verify --quick", with(VerifyQuickly));
  return ok;
}

// --- clusters -------------------------------------------------------------------------------------------------------

std::string PathOf(uint64_t file) { return "base/4/" + std::to_string(100000 + file); }

Status WritePage(const std::string& path, uint32_t seed, Lsn lsn) {
  const Bytes page = test::MakePages(0, 1, seed, lsn);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  const bool written = fd >= 0 && write(fd, page.data(), page.size()) == static_cast<ssize_t>(page.size());
  if (fd >= 0) close(fd);
  return written ? Status::Ok() : Status(Code::kInternal, "could not write " + path);
}

Result<BackupManifest> TakeBackup(CountedRepository& r, const test::DataTree& tree, BackupType type, uint64_t number) {
  BackupOptions options;
  options.type = type;
  options.label = "b" + std::to_string(number);
  options.timeline = Timeline{1};
  options.data_directory = tree.root();
  options.change_source = "page_lsn";  // there is no WAL
  PITR_ASSIGN(const auto session, BackupSession::Begin(*r.repository, options, r.ctx));
  Progress progress;
  PITR_ASSIGN(BackupStop stop, test::CopyPlaced(*session, tree, number, progress, r.ctx));
  stop.backup_label += "LABEL: bench\nSTART TIMELINE: 1\n";  // which a restore reads
  return session->Finish(stop, r.ctx);
}

bool BenchFiles(uint64_t files) {
  const test::DataTree tree;
  const std::string directory = tree.outside() + "/repository";
  std::filesystem::create_directories(tree.root() + "/base/4");
  for (uint64_t file = 0; file < files; file++)
    if (!WritePage(tree.root() + "/" + PathOf(file), static_cast<uint32_t>(file), Lsn{0x4000000}).ok()) return false;
  uint64_t number = 0;
  const std::string size = std::to_string(files);
  const auto backup = [&](const char* what, BackupType type) {
    number++;
    return Line(size, what, [&]() -> Status {
      CountedRepository r;
      PITR_TRY(r.Open(directory, tree.identity()));
      PITR_ASSIGN(const BackupManifest manifest, TakeBackup(r, tree, type, number));
      return manifest.type == type ? Status::Ok() : Status(Code::kInternal, "a backup of another type was taken");
    });
  };
  bool ok = backup("full backup", BackupType::kFull);
  ok &= backup("increment, nothing changed", BackupType::kIncr);
  ok &= WritePage(tree.root() + "/" + PathOf(files / 2), 7, Lsn{number * 0x4000000 + 0x200000}).ok();
  ok &= backup("increment, one file changed", BackupType::kIncr);
  const auto restore = [&](bool delta) -> Status {
    CountedRepository r;
    PITR_TRY(r.Open(directory, tree.identity()));
    RestorePlan plan;
    PITR_ASSIGN(plan.backup, ReadManifest(*r.repository, "b" + std::to_string(number), r.ctx));
    plan.target.kind = TargetKind::kImmediate;
    RestoreOptions options;
    options.data_directory = tree.outside() + "/restored";
    options.mode = RecoveryMode::kNone;
    options.delta = delta;
    Progress progress;
    return RunRestore(*r.repository, plan, options, progress, r.ctx).status();
  };
  ok &= Line(size, "restore", [&] { return restore(false); });
  ok &= Line(size, "restore --delta, nothing changed", [&] { return restore(true); });
  ok &= Line(size, "verify --quick", [&]() -> Status {
    CountedRepository r;
    PITR_TRY(r.Open(directory, tree.identity()));
    return VerifyQuickly(r);
  });
  return ok;
}

int Run(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const bool segments = what == "--segments";
  if (argc < 3 || (!segments && what != "--files"))
    return fprintf(stderr, "usage: scale_bench --segments|--files N...\n"), 2;
  Requests() = 0;
  printf("| %s | | s | s of processor | requests | MiB at the most |\n|---|---|---|---|---|---|\n",
         segments ? "segments" : "files");
  bool ok = true;
  for (int i = 2; i < argc; i++) {
    const uint64_t size = strtoull(argv[i], nullptr, 10);
    ok &= size >= 100 && (segments ? BenchArchive(size) : BenchFiles(size));
  }
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace pitr

int main(int argc, char** argv) { return pitr::Run(argc, argv); }
