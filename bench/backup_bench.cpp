// How fast a backup reads, verifies, compresses and packs, against nothing but zstd over the same bytes, in the same
// run.
//
//   backup_bench DATA_DIRECTORY [JOBS] [REPOSITORY_DIRECTORY]   of a PostgreSQL cluster that is not changing
//   backup_bench --files N                                      a file map of N files: time and memory to write and to
//   read it
//
// Every measurement runs in a process of its own, so that its peak of memory is its own. Without a repository
// directory, packs are thrown away.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "bench/measure.h"
#include "core/backup/backup_session.h"
#include "core/backup/data/data_directory.h"
#include "core/base/unique_fd.h"
#include "core/base/zstd.h"
#include "core/pg/control.h"
#include "core/pg/relation_file.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/maps/file_map_writer.h"
#include "core/repo/opening/open_repository.h"
#include "core/store/directory.h"
#include "core/store/memory.h"

namespace pitr {
namespace {

constexpr double kMiB = 1 << 20;

// Takes packs and forgets them; everything else is kept in memory.
class DiscardingStore final : public ObjectStore {
 public:
  Status Create(const std::string& key, ByteView body, const OpContext& ctx) override {
    return key.starts_with("data/") ? Status::Ok() : kept_.Create(key, body, ctx);
  }
  Status Get(const std::string& key, ByteRange range, const ByteSink& sink, const OpContext& ctx) override {
    return kept_.Get(key, range, sink, ctx);
  }
  Result<ObjectInfo> Stat(const std::string& key, const OpContext& ctx) override { return kept_.Stat(key, ctx); }
  Result<ListPage> List(const std::string& prefix, const std::string& after, const OpContext& ctx) override {
    return kept_.List(prefix, after, ctx);
  }
  Status Delete(const std::vector<std::string>& keys, const OpContext& ctx) override { return kept_.Delete(keys, ctx); }
  Result<std::string> BeginUpload(const std::string&, const OpContext&) override { return std::string("discarded"); }
  Result<UploadPart> PutPart(const std::string&, const std::string&, int number, uint64_t, ByteView,
                             const OpContext&) override {
    return UploadPart{number, "discarded"};
  }
  Status CompleteUpload(const std::string&, const std::string&, const std::vector<UploadPart>&,
                        const OpContext&) override {
    return Status::Ok();
  }
  Status AbortUpload(const std::string&, const std::string&, const OpContext&) override { return Status::Ok(); }
  Result<std::vector<PendingUpload>> ListUploads(const std::string&, const OpContext&) override {
    return std::vector<PendingUpload>();
  }
  Status Settle(const std::vector<std::string>&, const OpContext&) override { return Status::Ok(); }
  Result<std::optional<ObjectLock>> GetLock(const std::string&, const OpContext&) override {
    return std::optional<ObjectLock>();
  }
  Status ExtendLock(const std::string&, const ObjectLock&, const OpContext&) override {
    return {Code::kInvalidArgument, "no locks"};
  }
  StoreCapabilities capabilities() const override { return {.conditional_create = true}; }
  std::string Describe() const override { return "discard:"; }

 private:
  MemoryStore kept_;
};

// The least any backup of these bytes can do on one core: read and compress.
Status CompressAll(const DataDirectory& directory, int level) {
  ZstdCompressor zstd(level);
  Bytes plain(kDataFramePlainBytes);
  Bytes packed(kDataFramePlainBytes);
  for (const MappedFile& file : directory.files) {
    const UniqueFd fd(open((directory.root + "/" + file.path).c_str(), O_RDONLY));
    for (;;) {
      const ssize_t got = read(fd.get(), plain.data(), plain.size());
      if (got <= 0) break;
      PITR_TRY(zstd.Compress({plain.data(), static_cast<size_t>(got)}, packed).status());
    }
  }
  return Status::Ok();
}

Status TakeBackup(const std::string& data_directory, const ControlData& control,
                  const std::string& repository_directory, int jobs) {
  std::unique_ptr<ObjectStore> store = std::make_unique<DiscardingStore>();
  if (!repository_directory.empty()) {
    PITR_ASSIGN(store, DirectoryStore::Open(repository_directory, /*create=*/true));
  }
  PITR_ASSIGN(
      const std::unique_ptr<Repository> repository,
      OpenOrCreateRepositoryOn(std::move(store), Config(), {control.system_id, control.segment_size, control.pg_major},
                               NullLog(), OpContext()));
  BackupOptions options;
  options.jobs = jobs;
  PITR_ASSIGN(const std::unique_ptr<BackupSession> session, BackupSession::Begin(*repository, options, OpContext()));
  BackupStart start;
  start.data_directory = data_directory;
  start.start_lsn = control.redo;
  start.timeline = control.timeline;
  start.data_checksums = control.data_checksums == DataChecksums::kOn;
  Progress progress;
  PITR_TRY(session->CopyFiles(start, progress, OpContext()));
  BackupStop stop;
  stop.stop_lsn = control.checkpoint;
  stop.stop_timeline = control.timeline;
  stop.backup_label = "CHECKPOINT LOCATION: " + control.checkpoint.ToString() + "\n";
  PITR_ASSIGN(const BackupManifest manifest, session->Finish(stop, OpContext()));
  printf("  %.0f MiB in %llu files stored as %.0f MiB\n", static_cast<double>(manifest.database_bytes) / kMiB,
         static_cast<unsigned long long>(manifest.file_count), static_cast<double>(manifest.stored_bytes) / kMiB);
  return Status::Ok();
}

int BenchBackup(const std::string& data_directory, int jobs, const std::string& repository_directory) {
  const auto control = ReadControlFile(data_directory + "/" + kControlFilePath);
  if (!control.ok()) return fprintf(stderr, "%s\n", control.status().ToString().c_str()), 1;
  const ControlData& data = control.value().data;
  const auto directory =
      ScanDataDirectory(data_directory, TablespaceVersionDirectory(data.pg_major, data.catalog_version), OpContext());
  if (!directory.ok()) return fprintf(stderr, "%s\n", directory.status().ToString().c_str()), 1;
  const int level = Config().compression_level;
  (void)Measure("reading once to warm up", [&] { return CompressAll(directory.value(), 1); });
  const Measured zstd = Measure("zstd, one thread", [&] { return CompressAll(directory.value(), level); });
  const Measured one = Measure("backup, 1 job", [&] { return TakeBackup(data_directory, data, "", 1); });
  const Measured many =
      Measure("backup, all jobs", [&] { return TakeBackup(data_directory, data, repository_directory, jobs); });
  printf("throughput of 1 job to zstd alone: %.2f; %d jobs: %.2f; cpu of a backup to zstd alone: %.2f\n",
         zstd.seconds / one.seconds, jobs, zstd.seconds / many.seconds, one.cpu_seconds / zstd.cpu_seconds);
  return zstd.ok && one.ok && many.ok ? 0 : 1;
}

FileMap MakeMap(uint32_t files) {
  FileMap map;
  for (uint32_t i = 0; i * 100 < files; i++)
    map.frames.push_back({i / 4096, {64 + uint64_t{i} % 4096 * 300000, 300000, 1 << 20}});
  for (uint32_t i = 0; i < files; i++) {
    char path[64];
    snprintf(path, sizeof path, "base/%u/%u", 10000 + i / 1000, 100000 + i % 1000);
    map.files.push_back({path,
                         8192,
                         0600,
                         1700000000000000 + i,
                         {},
                         {{0, 8192, i / 100, i % 100 * 8192, true, i * 0x9E3779B97F4A7C15ULL}}});
  }
  return map;
}

int BenchFileMap(uint32_t files) {
  char scratch[] = "/tmp/file-map-bench-XXXXXX";
  if (mkdtemp(scratch) == nullptr) return 1;
  const ClusterIdentity cluster{SystemId{1}, 16 << 20, 15};
  const auto with_repository = [&](const std::function<Status(const Repository&)>& body) -> Status {
    PITR_ASSIGN(std::unique_ptr<ObjectStore> store,
                DirectoryStore::Open(std::string(scratch) + "/repo", /*create=*/true));
    PITR_ASSIGN(const auto repository,
                OpenOrCreateRepositoryOn(std::move(store), Config(), cluster, NullLog(), OpContext()));
    return body(*repository);
  };
  (void)Measure("making the map",
                [&] { return MakeMap(files).files.empty() ? Status(Code::kInternal, "empty") : Status::Ok(); });
  BackupManifest manifest;
  manifest.label = "bench";
  for (uint32_t i = 0; i * 409600 < files; i++)
    manifest.packs.push_back({layout::PackKey("bench", i + 1), uint64_t{1} << 31});
  const Measured wrote = Measure("making and writing the map", [&] {
    return with_repository([&](const Repository& r) -> Status {
      PITR_ASSIGN(const StoredFileMap map,
                  WriteFileMap(r, manifest.label, manifest.packs, MakeMap(files), OpContext()));
      map.EnterIn(manifest);
      return Status::Ok();
    });
  });
  const Measured got = Measure("reading the map", [&] {
    return with_repository([&](const Repository& r) { return ReadFileMap(r, manifest, OpContext()).status(); });
  });
  const std::string remove = "rm -rf '" + std::string(scratch) + "'";
  return system(remove.c_str()) == 0 && wrote.ok && got.ok ? 0 : 1;
}

}  // namespace
}  // namespace pitr

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--files" && argc == 3) return pitr::BenchFileMap(static_cast<uint32_t>(strtoul(argv[2], nullptr, 10)));
  if (first.empty() || first.starts_with("-") || argc > 4)
    return fprintf(stderr,
                   "usage: backup_bench DATA_DIRECTORY [JOBS] [REPOSITORY_DIRECTORY]\n       backup_bench --files N\n"),
           2;
  return pitr::BenchBackup(first, argc > 2 ? atoi(argv[2]) : 2, argc > 3 ? argv[3] : "");
}
