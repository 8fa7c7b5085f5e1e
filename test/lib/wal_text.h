// A WAL record as one line of text; waldump_lines.pl makes the same lines of pg_waldump's output:
// "<rmgr> <size without images>/<size> <xid> <lsn> <prev>[ #<id> <ts>/<db>/<rel> <fork> <block>[ FPW]]...[ <event>]"
#pragma once
#include <string>

#include "core/pg/timestamp.h"
#include "core/pg/wal_event.h"

namespace pitr {

inline std::string ForkText(Fork fork) {
  constexpr const char* kNames[] = {"main", "fsm", "vm", "init"};
  const auto n = static_cast<size_t>(fork);
  return n < std::size(kNames) ? kNames[n] : "?";
}

struct WalEventText {
  std::string operator()(const TransactionEnd& end) const {
    return std::string(end.committed ? "COMMIT" : "ABORT") + (end.prepared ? "_PREPARED " : " ") +
           std::to_string(end.xid) + " " + FormatIso8601(end.micros) +
           (end.dropped.empty() ? "" : " drops " + std::to_string(end.dropped.size())) +
           (end.subtransactions.empty() ? "" : " subxacts " + std::to_string(end.subtransactions.size()));
  }
  std::string operator()(const RestorePoint& point) const { return "RESTORE_POINT " + point.name; }
  std::string operator()(const Checkpoint& checkpoint) const {
    return std::string(checkpoint.shutdown ? "CHECKPOINT_SHUTDOWN" : "CHECKPOINT_ONLINE") + " redo " +
           checkpoint.redo.ToString() + " tli " + std::to_string(checkpoint.timeline.value);
  }
  std::string operator()(const EndOfRecovery& end) const {
    return "END_OF_RECOVERY tli " + std::to_string(end.timeline.value) + " after " +
           std::to_string(end.previous_timeline.value);
  }
  std::string operator()(const BackupEnd& end) const { return "BACKUP_END " + end.start.ToString(); }
  std::string operator()(const SegmentSwitch&) const { return "SWITCH"; }
  std::string operator()(const RelationCreated& created) const {
    return "CREATE " + std::to_string(created.relation.number) + " " + ForkText(created.fork);
  }
  std::string operator()(const RelationTruncated& truncated) const {
    return "TRUNCATE " + std::to_string(truncated.relation.number) + " to " + std::to_string(truncated.blocks);
  }
  std::string operator()(const DatabaseCreated& created) const {
    return std::string(created.copied ? "CREATE_FILE_COPY " : "CREATE_WAL_LOG ") + std::to_string(created.tablespace) +
           "/" + std::to_string(created.database);
  }
  std::string operator()(const DatabaseDropped& dropped) const { return "DROP_DB " + std::to_string(dropped.database); }
  template <class Other>
  std::string operator()(const Other&) const {
    return {};
  }  // not compared
};

// `event` may be nullptr.
inline std::string WalRecordText(const WalRecord& record, const WalEvent* event) {
  std::string text = std::string(RmgrName(record.rmgr)) + " " + std::to_string(record.size - record.ImageSize()) + "/" +
                     std::to_string(record.size) + " " + std::to_string(record.xid) + " " + record.start.ToString() +
                     " " + record.previous.ToString();
  for (const BlockReference& block : record.blocks)
    text += " #" + std::to_string(block.id) + " " + std::to_string(block.relation.tablespace) + "/" +
            std::to_string(block.relation.database) + "/" + std::to_string(block.relation.number) + " " +
            ForkText(block.fork) + " " + std::to_string(block.block) + (block.apply_image ? " FPW" : "");
  const std::string what = event != nullptr ? std::visit(WalEventText(), event->what) : "";
  return what.empty() ? text : text + " " + what;
}

}  // namespace pitr
