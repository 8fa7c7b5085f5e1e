#include "unit/backup/data_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "core/base/hash.h"
#include "core/pg/control.h"
#include "core/pg/page.h"
#include "core/pg/relation_file.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/opening/open_repository.h"
#include "lib/golden.h"

namespace pitr::test {

namespace fs = std::filesystem;

ScratchDirectory::ScratchDirectory() {
  path_ = (fs::temp_directory_path() / "pitr-backup-test-XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << path_;
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void LogKeeper::Write(LogLevel level, const std::string& message) {
  std::lock_guard lock(mutex_);
  lines_.emplace_back(level, message);
}

bool LogKeeper::Has(const std::string& text) const {
  std::lock_guard lock(mutex_);
  for (const auto& [level, line] : lines_)
    if (line.find(text) != std::string::npos) return true;
  return false;
}

size_t LogKeeper::warnings() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [level, line] : lines_) count += level == LogLevel::kWarning ? 1 : 0;
  return count;
}

std::string ToText(ByteView bytes) { return std::string(AsText(bytes)); }

Bytes MakeBytes(size_t size, uint32_t seed, bool random) {
  Bytes bytes(size);
  std::mt19937 generator(seed);
  if (random) {
    for (size_t i = 0; i + 4 <= size; i += 4) StoreLe<uint32_t>(&bytes[i], generator());
    return bytes;
  }
  for (size_t i = 0; i < size; i++) bytes[i] = static_cast<uint8_t>(1 + (i / 16 + seed) % 200);
  return bytes;
}

Bytes MakePages(uint32_t block, size_t count, uint32_t seed, Lsn lsn) {
  Bytes bytes(count * kPageSize);
  for (size_t i = 0; i < count; i++) {
    uint8_t* page = &bytes[i * kPageSize];
    std::mt19937 generator(seed * 7919 + static_cast<uint32_t>(i));
    for (size_t at = 24; at < kPageSize / 2; at += 4) StoreLe<uint32_t>(page + at, generator());
    StoreLe<uint32_t>(page, static_cast<uint32_t>(lsn.value >> 32));
    StoreLe<uint32_t>(page + 4, static_cast<uint32_t>(lsn.value));
    StoreLe<uint16_t>(page + 12, 24);             // lower
    StoreLe<uint16_t>(page + 14, kPageSize);      // upper
    StoreLe<uint16_t>(page + 16, kPageSize);      // special
    StoreLe<uint16_t>(page + 18, kPageSize | 4);  // size and version of the layout
    StoreLe<uint16_t>(page + 8, ComputePageChecksum({page, kPageSize}, block + static_cast<uint32_t>(i)));
  }
  return bytes;
}

DataTree::DataTree() {
  Bytes raw = LoadGolden("pg/pg15_pg_control.zst");
  const auto control = ParseControlFile(raw);
  if (!control.ok()) {
    ADD_FAILURE() << control.status().ToString();
    return;
  }
  identity_ = {control.value().system_id, control.value().segment_size, control.value().pg_major};
  tablespace_directory_ = TablespaceVersionDirectory(control.value().pg_major, control.value().catalog_version);
  fs::create_directory(root());
  for (const std::string& directory : RequiredDirectories(15)) Directory(directory);
  Add("global/pg_control", raw);
  Add("PG_VERSION", AsBytes("15\n"));
  Add("global/pg_filenode.map", AsBytes("map"));
  Add("postgresql.conf", AsBytes("shared_buffers = 128MB\n"));
}

void DataTree::Directory(const std::string& path) { fs::create_directories(root() + "/" + path); }

void DataTree::Add(const std::string& path, ByteView bytes, bool expected) {
  fs::create_directories(fs::path(root() + "/" + path).parent_path());
  std::ofstream file(root() + "/" + path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(file.good()) << path;
  if (expected) expected_[path] = {bytes.size(), 0, Bytes(bytes.begin(), bytes.end())};
}

void DataTree::AddSparse(const std::string& path, uint64_t size, uint64_t data_at, ByteView data) {
  Add(path, {});
  const std::string absolute = root() + "/" + path;
  const int fd = open(absolute.c_str(), O_WRONLY);
  EXPECT_EQ(pwrite(fd, data.data(), data.size(), static_cast<off_t>(data_at)), static_cast<ssize_t>(data.size()));
  EXPECT_EQ(ftruncate(fd, static_cast<off_t>(size)), 0);
  close(fd);
  expected_[path] = {size, data_at, Bytes(data.begin(), data.end())};
}

void DataTree::AddRelations() {
  constexpr size_t kMiB = size_t{1} << 20;
  Add("base/5/PG_VERSION", AsBytes("15\n"));
  Add("base/5/16384", MakePages(0, 1, 1));
  Add("base/5/16385", MakePages(0, kMiB / kPageSize, 2));
  Add("base/5/16386", MakePages(0, kMiB / kPageSize + 1, 3));
  Add("base/5/16386_fsm", MakePages(0, 3, 4));
  Add("base/5/16387.2", MakePages(2 * kBlocksPerSegment, 2, 5));
  Bytes torn = MakePages(0, 2, 6);
  torn.resize(torn.size() - 100);
  Add("base/5/16388", torn);  // a page that is only partly there
  Add("base/5/16389", Bytes(3 * kPageSize, 0));
  // Unlogged relation: only its init fork.
  Add("base/5/20000", MakePages(0, 2, 7), false);
  Add("base/5/20000.1", MakePages(kBlocksPerSegment, 2, 7), false);
  Add("base/5/20000_fsm", MakePages(0, 2, 8), false);
  Add("base/5/20000_init", MakePages(0, 1, 9));
  Add("base/5/t3_20001", MakePages(0, 2, 10), false);
  Add("base/pgsql_tmp/pgsql_tmp4711.0", AsBytes("sort"), false);
}

void DataTree::AddTablespaces() {
  fs::create_directories(outside() + "/ts one/" + tablespace_directory_ + "/5");
  fs::create_directories(outside() + "/ts one/PG_14_202107181/5");
  std::ofstream(outside() + "/ts one/PG_14_202107181/5/1") << "another cluster's";
  fs::create_symlink(outside() + "/ts one", root() + "/pg_tblspc/16400");
  Add("pg_tblspc/16400/" + tablespace_directory_ + "/5/30000", MakePages(0, 4, 11));
  Add("pg_tblspc/16401/" + tablespace_directory_ + "/5/30001", MakePages(0, 5, 12));
  Add("pg_tblspc/16401/PG_14_202107181/5/1", AsBytes("old"), false);
}

void DataTree::AddExcluded() {
  for (const char* path : {"postmaster.pid", "postmaster.opts", "backup_label", "backup_manifest",
                           "pg_replslot/a/state", "pg_stat_tmp/db_5.stat", "pg_notify/0000", "pg_subtrans/0000",
                           "base/5/pg_internal.init", "global/pg_internal.init.77", "recovery.signal",
                           "pg_wal.before-restore-20260522T090014Z/000000010000000000000004", "pg_pitr.restore",
                           "postgresql.auto.conf.pg_pitr.tmp", ".s.PGSQL.5432.lock"})
    Add(path, AsBytes("not to be stored"), false);
  // pg_wal lies elsewhere.
  fs::rename(root() + "/pg_wal", outside() + "/wal");
  fs::create_symlink(outside() + "/wal", root() + "/pg_wal");
  Add("pg_wal/000000010000000000000005", AsBytes("WAL"), false);
  fs::create_directories(outside() + "/logs/old");
  fs::create_symlink(outside() + "/logs", root() + "/link");
  EXPECT_EQ(mkfifo((root() + "/pipe").c_str(), 0600), 0);
}

void DataTree::AddEverything(bool with_large) {
  constexpr size_t kMiB = size_t{1} << 20;
  Add("empty", {});
  Add("one", AsBytes("x"));
  Add("pg_xact/0000", MakeBytes(8192, 21));
  Add("below", MakeBytes(kMiB - 1, 22, true));
  Add("exact", MakeBytes(kMiB, 23, true));
  Add("above", MakeBytes(kMiB + 1, 24));
  Add("name with\nnewline \"quotes\" \\", MakeBytes(10, 25));
  Add("caf\xE9/\xFF\xFE", MakeBytes(11, 26));
  Directory("pg_custom/empty");
  AddRelations();
  AddTablespaces();
  AddExcluded();
  for (int i = 0; i < 3000; i++)
    Add("base/4/" + std::to_string(100000 + i), MakePages(0, 1, 1000 + static_cast<uint32_t>(i)));
  if (!with_large) return;
  AddSparse("base/5/40000", 100 * kMiB, 50 * kMiB + kPageSize, MakePages(50 * kMiB / kPageSize + 1, 2, 31));
  Add("base/5/40001", MakePages(0, 20 * kMiB / kPageSize + 3, 32));
}

BackupStart DataTree::Start(bool checksums) const {
  BackupStart start;
  start.data_directory = root() + "/";
  start.start_lsn = kTreeStartLsn;
  start.timeline = Timeline{1};
  start.server_version = "15.18";
  start.data_checksums = checksums;
  start.start_micros = 1779440414000000;
  return start;
}

BackupStop DataTree::Stop() const {
  BackupStop stop;
  stop.stop_lsn = kTreeStopLsn;
  stop.stop_timeline = Timeline{1};
  stop.stop_micros = 1779440514000000;
  stop.backup_label = "START WAL LOCATION: 0/5000028 (file 000000010000000000000005)\nCHECKPOINT LOCATION: 0/5000060\n";
  return stop;
}

void PlaceBackup(uint64_t number, BackupStart& start, BackupStop& stop) {
  const uint64_t base = number * 0x4000000;
  start.start_lsn = Lsn{base + 0x28};
  stop.stop_lsn = Lsn{base + 0x100000};
  stop.stop_micros += static_cast<int64_t>(number) * 1000000;
}

void OpenTestRepository(std::unique_ptr<ObjectStore> store, const DataTree& tree, bool encrypted, Config config,
                        TestRepository& out) {
  if (encrypted) {
    config.passphrase_file = out.scratch.path() + "/passphrase";
    std::ofstream(config.passphrase_file) << "correct horse battery staple\n";
    chmod(config.passphrase_file.c_str(), 0600);
  }
  auto opened = OpenOrCreateRepositoryOn(std::move(store), config, tree.identity(), out.log, OpContext());
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  out.repository = std::move(opened).value();
}

namespace {

// Reads every frame of a backup into memory, by the map alone.
std::vector<Bytes> ReadFrames(const Repository& repository, const BackupManifest& manifest, const FileMap& map) {
  std::vector<Bytes> packs;
  for (const PackEntry& pack : manifest.packs) {
    auto stored = GetAll(repository.store(), pack.key, SIZE_MAX, OpContext());
    EXPECT_TRUE(stored.ok()) << stored.status().ToString();
    packs.push_back(stored.ok() ? std::move(stored).value() : Bytes());
    EXPECT_EQ(packs.back().size(), pack.size_bytes);
  }
  std::vector<Bytes> frames;
  ObjectDecoder decoder(repository.key());
  size_t open_pack = SIZE_MAX;
  for (const MappedFrame& frame : map.frames) {
    Bytes plain(frame.ref.plain_bytes);
    if (frame.pack >= packs.size() || frame.ref.offset + frame.ref.stored_bytes > packs[frame.pack].size()) {
      ADD_FAILURE() << "frame " << frames.size() << " lies outside the packs";
      return frames;
    }
    const ByteView pack = packs[frame.pack];
    if (frame.pack != open_pack) {
      EXPECT_TRUE(decoder.Open(ObjectKind::kPack, manifest.packs[frame.pack].key, pack.first(kObjectHeaderBytes)).ok());
    }
    open_pack = frame.pack;
    const Status decoded =
        decoder.DecodeFrame(frame.ref.offset, pack.subspan(frame.ref.offset, frame.ref.stored_bytes), plain);
    EXPECT_TRUE(decoded.ok()) << decoded.ToString();
    frames.push_back(std::move(plain));
  }
  return frames;
}

void ExpectFileEquals(const MappedFile& file, const std::vector<Bytes>& frames, const DataTree::Expected& expected) {
  ASSERT_EQ(file.size_bytes, expected.size) << file.path;
  Bytes content(file.size_bytes, 0);
  for (const Extent& extent : file.extents) {
    const ByteView piece = ByteView(frames.at(extent.frame)).subspan(extent.frame_offset, extent.length);
    if (extent.checked) { EXPECT_EQ(Xxh3Of(piece), extent.check) << file.path; }
    std::copy(piece.begin(), piece.end(), content.begin() + static_cast<ptrdiff_t>(extent.file_offset));
  }
  Bytes wanted(expected.size, 0);
  std::copy(expected.data.begin(), expected.data.end(), wanted.begin() + static_cast<ptrdiff_t>(expected.data_at));
  EXPECT_TRUE(content == wanted) << file.path << " differs";
}

}  // namespace

Result<BackupStop> CopyPlaced(BackupSession& session, const DataTree& tree, uint64_t number, Progress& progress,
                              const OpContext& ctx, bool checksums) {
  BackupStart start = tree.Start(checksums);
  BackupStop stop = tree.Stop();
  PlaceBackup(number, start, stop);
  PITR_TRY(session.CopyFiles(start, progress, ctx));
  return stop;
}

BackupManifest ExpectTaken(const Repository& repository, Result<BackupManifest> taken, BackupType type,
                           DataTree& tree) {
  EXPECT_TRUE(taken.ok()) << taken.status().ToString();
  if (!taken.ok()) return {};
  EXPECT_EQ(taken.value().type, type);
  ExpectBackupEquals(repository, taken.value(), tree);
  return std::move(taken).value();
}

MapPageList ExpectPageList(const Repository& repository, const BackupManifest& manifest) {
  auto list = ReadMapPages(repository, manifest, OpContext());
  EXPECT_TRUE(list.ok()) << list.status().ToString();
  return list.ok() ? std::move(list).value() : MapPageList();
}

void ExpectBackupEquals(const Repository& repository, const BackupManifest& manifest, DataTree& tree) {
  auto read = ReadFileMap(repository, manifest, OpContext());
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const FileMap& map = read.value();
  const std::vector<Bytes> frames = ReadFrames(repository, manifest, map);
  ASSERT_EQ(frames.size(), map.frames.size());
  std::set<std::string> seen;
  uint64_t bytes = 0;
  for (const MappedFile& file : map.files) {
    seen.insert(file.path);
    bytes += file.size_bytes;
    const auto at = tree.expected().find(file.path);
    ASSERT_NE(at, tree.expected().end()) << file.path << " should not be in the backup";
    ExpectFileEquals(file, frames, at->second);
  }
  for (const auto& [path, expected] : tree.expected()) EXPECT_TRUE(seen.contains(path)) << path << " is missing";
  EXPECT_EQ(manifest.database_bytes, bytes);
  EXPECT_EQ(manifest.file_count, map.files.size());
}

}  // namespace pitr::test
