// Three layouts are in use: 15 to 17 (17's wal_level in the checkpoint copy fills a hole), 18 with a byte
// before the nonce, which moves the CRC, and 19 with a larger checkpoint copy and two more fields.
#include "core/pg/control.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

#include <cerrno>
#include <cstring>

#include "core/base/error_text.h"
#include "core/base/unreadable_file.h"
#include "core/pg/crc32c.h"

namespace pitr {
namespace {

// Offsets at which the layouts differ; fields in between follow from them.
struct Layout {
  size_t next_xid;  // in the checkpoint copy
  size_t checkpoint_time;
  size_t after_checkpoint;  // unlogged LSN, the first field after the checkpoint copy
  size_t wal_block_size;
  size_t data_checksums;
  size_t crc;
};
constexpr Layout kLayout15 = {64, 104, 128, 224, 252, 288};
constexpr Layout kLayout18 = {64, 104, 128, 224, 252, 292};
constexpr Layout kLayout19 = {72, 112, 136, 236, 268, 308};

constexpr size_t kStateOffset = 16, kTimeOffset = 24, kCheckpointOffset = 32, kRedoOffset = 40;
constexpr size_t kTimelineOffset = 48, kPreviousTimelineOffset = 52;
// Relative to Layout::after_checkpoint.
constexpr size_t kMinRecoveryPoint = 8, kMinRecoveryTimeline = 16, kBackupStart = 24, kBackupEnd = 32;
constexpr size_t kBackupEndRequired = 40, kWalLevel = 44, kWalLogHints = 48, kMaxConnections = 52;
constexpr size_t kTrackCommitTimestamp = 72, kFloatFormat = 80, kBlockSize = 88, kRelationSegmentBlocks = 92;
constexpr double kFloatFormatValue = 1234567.0;

constexpr size_t kMinimumSize = 16;  // up to and including the versions
constexpr int kMaxReads = 40;
constexpr int64_t kReadPauseMillis = 25;

// Stored seconds may be anything; a wrong year is better than undefined behaviour.
int64_t MicrosFromSeconds(int64_t seconds) { return static_cast<int64_t>(static_cast<uint64_t>(seconds) * 1'000'000); }

struct Version {
  int major;
  const Layout* layout;
};

Result<Version> VersionOf(uint32_t control_version, uint32_t catalog_version) {
  switch (control_version) {
    case 1300:  // 13 to 16; only the catalog version tells them apart
      if (catalog_version == 202209061) return Version{15, &kLayout15};
      if (catalog_version == 202307071) return Version{16, &kLayout15};
      break;
    case 1700:
      return Version{17, &kLayout15};
    case 1800:
      return Version{18, &kLayout18};
    case 1905:
      return Version{19, &kLayout19};
    default:
      break;
  }
  return Status(Code::kInvalidArgument, "pg_control version " + std::to_string(control_version) +
                                            " with catalog version " + std::to_string(catalog_version) +
                                            " is not supported")
      .WithDetail("Released versions of PostgreSQL 15 to 19 on little-endian machines are supported.");
}

Status CheckSupported(const ControlData& control) {
  if (control.block_size != 8192 || control.blocks_per_segment != 131072 || control.wal_block_size != 8192)
    return Status(Code::kInvalidArgument, "cluster uses blocks of " + std::to_string(control.block_size) +
                                              " bytes in files of " + std::to_string(control.blocks_per_segment) +
                                              " blocks and WAL blocks of " + std::to_string(control.wal_block_size) +
                                              " bytes")
        .WithDetail("Only PostgreSQL's standard build is supported: blocks of 8192 bytes in files of 131072 blocks.");
  if (!IsValidSegmentSize(control.segment_size))
    return Status(Code::kCorruption,
                  "pg_control has an impossible WAL segment size: " + std::to_string(control.segment_size));
  if (!control.system_id.valid() || !control.timeline.valid())
    return Status(Code::kCorruption, "pg_control has no system identifier or no timeline");
  return Status::Ok();
}

void LoadRest(const uint8_t* p, const Layout& layout, ControlData* out) {
  const uint8_t* after = p + layout.after_checkpoint;
  out->min_recovery_point = {LoadLe<uint64_t>(after + kMinRecoveryPoint)};
  out->min_recovery_timeline = {LoadLe<uint32_t>(after + kMinRecoveryTimeline)};
  out->backup_start = {LoadLe<uint64_t>(after + kBackupStart)};
  out->backup_end = {LoadLe<uint64_t>(after + kBackupEnd)};
  out->backup_end_required = after[kBackupEndRequired] != 0;
  out->wal_level = static_cast<WalLevel>(LoadLe<int32_t>(after + kWalLevel));
  out->wal_log_hints = after[kWalLogHints] != 0;
  int32_t limits[5];
  std::memcpy(limits, after + kMaxConnections, sizeof limits);
  out->limits = {limits[0], limits[1], limits[2], limits[3], limits[4]};
  out->track_commit_timestamp = after[kTrackCommitTimestamp] != 0;
  out->block_size = LoadLe<uint32_t>(after + kBlockSize);
  out->blocks_per_segment = LoadLe<uint32_t>(after + kRelationSegmentBlocks);
  out->wal_block_size = LoadLe<uint32_t>(p + layout.wal_block_size);
  out->segment_size = LoadLe<uint32_t>(p + layout.wal_block_size + 4);
  out->data_checksums = static_cast<DataChecksums>(LoadLe<uint32_t>(p + layout.data_checksums));
}

Status TooShort(size_t size) {
  return {Code::kCorruption, "pg_control is too short: " + std::to_string(size) + " bytes"};
}

// Up to kControlFileSize bytes from the start of the file.
Result<Bytes> ReadOnce(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const int error = errno;
    if (error == EACCES || error == EPERM) return UnreadableFile("file", path, error);
    const Code code = error == ENOENT ? Code::kNotFound : Code::kUnavailable;
    return Status(code, "could not open file \"" + path + "\": " + ErrorText(error));
  }
  Bytes bytes(kControlFileSize);
  size_t size = 0;
  ssize_t got = 0;
  while (size < bytes.size()) {
    got = pread(fd, bytes.data() + size, bytes.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  const int error = errno;
  close(fd);
  if (got < 0) return Status(Code::kUnavailable, "could not read file \"" + path + "\": " + ErrorText(error));
  bytes.resize(size);
  return bytes;
}

}  // namespace

std::string_view ClusterStateName(ClusterState state) {
  switch (state) {
    case ClusterState::kStartingUp:
      return "starting up";
    case ClusterState::kShutDown:
      return "shut down";
    case ClusterState::kShutDownInRecovery:
      return "shut down in recovery";
    case ClusterState::kShuttingDown:
      return "shutting down";
    case ClusterState::kInCrashRecovery:
      return "in crash recovery";
    case ClusterState::kInArchiveRecovery:
      return "in archive recovery";
    case ClusterState::kInProduction:
      return "in production";
  }
  return "unrecognized";
}

Result<ControlData> ParseControlFile(ByteView bytes) {
  if (bytes.size() < kMinimumSize) return TooShort(bytes.size());
  const uint8_t* p = bytes.data();
  ControlData control;
  control.system_id = {LoadLe<uint64_t>(p)};
  control.control_version = LoadLe<uint32_t>(p + 8);
  control.catalog_version = LoadLe<uint32_t>(p + 12);
  PITR_ASSIGN(const Version version, VersionOf(control.control_version, control.catalog_version));
  const Layout& layout = *version.layout;
  if (bytes.size() < layout.crc + sizeof(uint32_t)) return TooShort(bytes.size());
  if (ComputeCrc32c(bytes.first(layout.crc)) != LoadLe<uint32_t>(p + layout.crc))
    return Status(Code::kCorruption, "pg_control has a wrong checksum");
  control.pg_major = version.major;
  control.state = static_cast<ClusterState>(LoadLe<int32_t>(p + kStateOffset));
  control.updated_micros = MicrosFromSeconds(LoadLe<int64_t>(p + kTimeOffset));
  control.checkpoint = {LoadLe<uint64_t>(p + kCheckpointOffset)};
  control.redo = {LoadLe<uint64_t>(p + kRedoOffset)};
  control.timeline = {LoadLe<uint32_t>(p + kTimelineOffset)};
  control.previous_timeline = {LoadLe<uint32_t>(p + kPreviousTimelineOffset)};
  control.next_xid = LoadLe<uint64_t>(p + layout.next_xid);
  control.checkpoint_micros = MicrosFromSeconds(LoadLe<int64_t>(p + layout.checkpoint_time));
  if (LoadLe<double>(p + layout.after_checkpoint + kFloatFormat) != kFloatFormatValue)
    return Status(Code::kCorruption, "pg_control was written on a machine with another floating-point format");
  LoadRest(p, layout, &control);
  PITR_TRY(CheckSupported(control));
  return control;
}

Result<ControlFile> ReadControlFile(const std::string& path, const Clock& clock) {
  for (int reads = 1;; ++reads) {
    PITR_ASSIGN(Bytes raw, ReadOnce(path));
    Result<ControlData> data = ParseControlFile(raw);
    if (data.ok()) return ControlFile{std::move(data).value(), std::move(raw)};
    // A torn read can show as a wrong checksum only: the versions never change while a server runs.
    if (data.code() != Code::kCorruption || reads == kMaxReads)
      return std::move(data).status().Annotate("file \"" + path + "\"");
    clock.SleepMillis(kReadPauseMillis);
  }
}

Status SealControlFile(Bytes& bytes) {
  if (bytes.size() < kMinimumSize) return TooShort(bytes.size());
  PITR_ASSIGN(const Version version, VersionOf(LoadLe<uint32_t>(&bytes[8]), LoadLe<uint32_t>(&bytes[12])));
  const size_t crc = version.layout->crc;
  if (bytes.size() < crc + sizeof(uint32_t)) return TooShort(bytes.size());
  StoreLe(&bytes[crc], ComputeCrc32c(ByteView(bytes).first(crc)));
  return Status::Ok();
}

RecoveryLimits Largest(const RecoveryLimits& a, const RecoveryLimits& b) {
  return {std::max(a.max_connections, b.max_connections), std::max(a.max_worker_processes, b.max_worker_processes),
          std::max(a.max_wal_senders, b.max_wal_senders),
          std::max(a.max_prepared_transactions, b.max_prepared_transactions),
          std::max(a.max_locks_per_transaction, b.max_locks_per_transaction)};
}

std::vector<std::pair<std::string_view, int32_t>> NamedLimits(const RecoveryLimits& limits) {
  return {{"max_connections", limits.max_connections},
          {"max_worker_processes", limits.max_worker_processes},
          {"max_wal_senders", limits.max_wal_senders},
          {"max_prepared_transactions", limits.max_prepared_transactions},
          {"max_locks_per_transaction", limits.max_locks_per_transaction}};
}

}  // namespace pitr
