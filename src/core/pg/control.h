// The control file, global/pg_control, of PostgreSQL 15 to 19: what a backup and a restore need to know
// of a cluster. Format: catalog/pg_control.h of each version, on 64-bit little-endian machines.
// Plain values; any thread.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/pg/lsn.h"

namespace pitr {

enum class ClusterState {  // values as stored
  kStartingUp = 0,
  kShutDown = 1,
  kShutDownInRecovery = 2,
  kShuttingDown = 3,
  kInCrashRecovery = 4,
  kInArchiveRecovery = 5,
  kInProduction = 6
};
std::string_view ClusterStateName(ClusterState state);  // as pg_controldata prints it

enum class DataChecksums {  // values as stored; the last two since 19
  kOff = 0,
  kOn = 1,
  kTurningOff = 2,
  kTurningOn = 3
};

enum class WalLevel { kMinimal = 0, kReplica = 1, kLogical = 2 };  // values as stored

// Sizes whose standby value must not be less than the primary's, or recovery stops.
struct RecoveryLimits {
  int32_t max_connections = 0;
  int32_t max_worker_processes = 0;
  int32_t max_wal_senders = 0;
  int32_t max_prepared_transactions = 0;
  int32_t max_locks_per_transaction = 0;
  bool operator==(const RecoveryLimits&) const = default;
};
RecoveryLimits Largest(const RecoveryLimits& a, const RecoveryLimits& b);  // of each
// Their names as settings, in the order of the members.
std::vector<std::pair<std::string_view, int32_t>> NamedLimits(const RecoveryLimits& limits);

struct ControlData {
  SystemId system_id;
  uint32_t control_version = 0;
  uint32_t catalog_version = 0;
  int pg_major = 0;  // 15 to 19, from the two versions
  ClusterState state = ClusterState::kStartingUp;
  int64_t updated_micros = 0;  // since 1970 UTC; the file has seconds
  Lsn checkpoint;              // start of the last checkpoint record
  Lsn redo;                    // where recovery from that checkpoint starts
  Timeline timeline;           // of that checkpoint
  Timeline previous_timeline;
  int64_t checkpoint_micros = 0;
  uint64_t next_xid = 0;   // with epoch
  Lsn min_recovery_point;  // 0/0 outside archive recovery
  Timeline min_recovery_timeline;
  Lsn backup_start, backup_end;
  bool backup_end_required = false;
  WalLevel wal_level = WalLevel::kMinimal;
  bool wal_log_hints = false;
  bool track_commit_timestamp = false;
  RecoveryLimits limits;
  uint32_t block_size = 0;
  uint32_t blocks_per_segment = 0;
  uint32_t wal_block_size = 0;
  uint32_t segment_size = 0;
  DataChecksums data_checksums = DataChecksums::kOff;
  // Stopped by itself, on the primary or in recovery: its files are complete without WAL.
  bool CleanlyShutDown() const {
    return state == ClusterState::kShutDown || state == ClusterState::kShutDownInRecovery;
  }
};

inline constexpr size_t kControlFileSize = 8192;  // as stored; the data takes about 300 bytes
inline constexpr const char* kControlFilePath = "global/pg_control";

// kCorruption: too short, or its CRC is wrong. kInvalidArgument: a version, block size or segment size
// that is not supported (with the reason).
Result<ControlData> ParseControlFile(ByteView bytes);

struct ControlFile {
  ControlData data;
  Bytes raw;  // the bytes `data` was read from
};
// Reads the file at `path`, again and again for about a second while its CRC is wrong, because the
// server may be writing it at that moment. kNotFound, kPermission, kUnavailable (I/O), or as above.
Result<ControlFile> ReadControlFile(const std::string& path, const Clock& clock = SystemClock());

// Recomputes the CRC over changed bytes; for making tests and for writing a changed control file.
// kInvalidArgument for an unsupported version.
Status SealControlFile(Bytes& bytes);

}  // namespace pitr
