// A synthetic data directory with everything a base backup must decide about, and a repository to back it up to. For
// tests.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/backup/backup_session.h"
#include "core/base/bytes.h"
#include "core/base/log.h"
#include "core/repo/repository.h"
#include "core/store/object_store.h"

namespace pitr::test {

inline constexpr Lsn kTreeStartLsn{0x5000028};
inline constexpr Lsn kTreeStopLsn{0x7000100};

// A directory that is removed, with everything in it, on destruction.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Collects what is logged. Any thread.
class LogKeeper final : public Log {
 public:
  void Write(LogLevel level, const std::string& message) override;
  bool Has(const std::string& text) const;
  size_t warnings() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

// `count` pages with right checksums and this LSN, the first of them block `block` of its relation.
Bytes MakePages(uint32_t block, size_t count, uint32_t seed, Lsn lsn = Lsn{0x4000000});
// Bytes that do not compress well, or do.
Bytes MakeBytes(size_t size, uint32_t seed, bool random = false);
std::string ToText(ByteView bytes);

// The machine's clock, put forward: files that were just written look settled.
class LateClock final : public Clock {
 public:
  int64_t WallMicros() const override { return SystemClock().WallMicros() + 3600 * int64_t{1000000}; }
  int64_t SteadyMillis() const override { return SystemClock().SteadyMillis(); }
  void SleepMillis(int64_t millis) const override { SystemClock().SleepMillis(millis); }
};

// Gives backup `number` of a test, from 1, positions and times of its own: it begins after the one before has ended.
void PlaceBackup(uint64_t number, BackupStart& start, BackupStop& stop);

class DataTree {
 public:
  DataTree();  // an almost empty data directory: control file, PG_VERSION, the usual directories

  // Adds every kind of file; `with_large` adds those that take time (100 MiB sparse, a relation of several slices).
  void AddEverything(bool with_large);
  // Writes a file (its directories too) and expects it in a backup, or not.
  void Add(const std::string& path, ByteView bytes, bool expected = true);
  void AddSparse(const std::string& path, uint64_t size, uint64_t data_at, ByteView data);
  void Directory(const std::string& path);

  std::string root() const { return scratch_.path() + "/data"; }
  std::string outside() const { return scratch_.path(); }
  // What a restore must bring back. A sparse file is known by its size and its only data.
  struct Expected {
    uint64_t size = 0;
    uint64_t data_at = 0;
    Bytes data;
  };
  std::map<std::string, Expected>& expected() { return expected_; }
  const std::string& tablespace_directory() const { return tablespace_directory_; }
  ClusterIdentity identity() const { return identity_; }
  BackupStart Start(bool checksums = true) const;
  BackupStop Stop() const;

 private:
  void AddRelations();
  void AddTablespaces();
  void AddExcluded();
  ScratchDirectory scratch_;
  std::map<std::string, Expected> expected_;
  std::string tablespace_directory_;
  ClusterIdentity identity_;
};

struct TestRepository {
  std::unique_ptr<Repository> repository;
  ScratchDirectory scratch;
  LogKeeper log;
};
// A new repository on `store` for the tree's cluster; encrypted when asked for.
void OpenTestRepository(std::unique_ptr<ObjectStore> store, const DataTree& tree, bool encrypted, Config config,
                        TestRepository& out);

// Copies the files of a session's backup, number `number` of the test (PlaceBackup); what Finish() is to be given.
Result<BackupStop> CopyPlaced(BackupSession& session, const DataTree& tree, uint64_t number, Progress& progress,
                              const OpContext& ctx, bool checksums = true);

// Expects a backup of this type that equals the tree, and returns its manifest; an empty one when it failed.
BackupManifest ExpectTaken(const Repository& repository, Result<BackupManifest> taken, BackupType type, DataTree& tree);
// The list of its map's pages, which can be read; an empty one when not.
MapPageList ExpectPageList(const Repository& repository, const BackupManifest& manifest);

// Checks everything a backup's objects say against the tree, with a plain reader of its own.
void ExpectBackupEquals(const Repository& repository, const BackupManifest& manifest, DataTree& tree);

}  // namespace pitr::test
