// Where a recovery is to end, in PostgreSQL's terms.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "core/pg/lsn.h"

namespace pitr {

enum class TargetKind { kLatest, kImmediate, kTime, kXid, kName, kLsn };
enum class TargetAction { kPromote, kPause, kShutdown };
std::string_view TargetActionName(TargetAction action);  // as recovery_target_action says it
enum class RecoveryMode { kRecover, kStandby, kNone };   // recovery.signal, standby.signal, neither (files only)

struct RecoveryTarget {
  TargetKind kind = TargetKind::kLatest;
  int64_t time_micros = 0;        // kTime, since 1970 UTC
  std::string time_text;          // as the user wrote it
  uint32_t xid = 0;               // kXid, the 32 bits that WAL has and PostgreSQL compares
  std::optional<uint32_t> epoch;  // kXid: of the number as it was given, if that had one; else any will do
  std::string name;               // kName
  Lsn lsn;                        // kLsn
  bool inclusive = true;
  TargetAction action = TargetAction::kPromote;
  // nullopt: the latest timeline known to the archive; "current" is resolved to the backup's.
  std::optional<Timeline> timeline;
  bool timeline_current = false;
  bool allow_gap = false;  // kLatest: the end before WAL that is missing will do
};

// At most one of the texts may be non-empty; none means latest. kInvalidArgument says which and how to write it.
struct TargetText {
  std::string time, xid, name, lsn;
  bool immediate = false;
  bool exclusive = false;
  std::string timeline;  // "" | "latest" | "current" | number | 0xhex
  std::string action;    // "" | promote | pause | shutdown
  bool allow_gap = false;
};
Result<RecoveryTarget> ParseTarget(const TargetText& text);
// kXid: the number as it was given.
uint64_t FullXid(const RecoveryTarget& target);
std::string DescribeTarget(const RecoveryTarget& target);  // "time 2026-05-22 14:29:00+00 (inclusive)"

}  // namespace pitr
