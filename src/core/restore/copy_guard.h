// Keeps a restored server from archiving into the repository that it was restored from while the server that archives
// there lives: then it is a copy, whatever it was meant to be (docs/design/009-restored-servers.md). Whether it lives
// is told by the timeline that was left, which goes on growing, and by its process, where that is on this machine.
#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "core/repo/repository.h"
#include "core/restore/live_servers.h"
#include "core/restore/restore_mark.h"

namespace pitr {

// The server that the restored `data_directory` was made from, or another that writes where it did, if one is seen to
// run on this machine.
std::optional<LiveServer> OriginalOnThisMachine(const std::string& data_directory, const RestoreMark& mark);

struct TimelineGrowth {
  Timeline timeline;
  std::string evidence;  // a sentence without its full stop
};
// A timeline that the restored server has left, of which somebody has stored WAL since the restore.
Result<std::optional<TimelineGrowth>> GrowthSinceRestore(const Repository& repository,
                                                         const std::string& data_directory, const RestoreMark& mark,
                                                         const OpContext& ctx);

// What speaks against archiving to `repository` from the restored `data_directory`: ArchivingHeld
// (repo/opening/archive_hold.h) with the evidence and the ways out, or what the store says. Ok for a server that was
// not restored, was restored from another repository, or has taken over.
Status CheckRestoredServer(const Repository& repository, const std::string& data_directory, const RestoreMark& mark,
                           const OpContext& ctx);

// What speaks against the server's own hand on `repository` otherwise than by archiving: expiries, pins, timelines set
// aside are the original's to decide as long as a copy has not taken over. kConflict, with the ways out. A mark that
// cannot be read is an error.
Status CheckMayChange(const Repository& repository, const std::string& data_directory, const OpContext& ctx);
// The same of a backup of a copy (--as-copy) that has not taken over, without a look at the repository. Only a server
// takes backups, so there is no other way to do it.
Status CheckBackupOfNoCopy(const std::string& data_directory);

// Asks that before files are pushed: each time while archiving is held; for an hour after it was first found to be
// right each second for processes on this machine and every ten for the timeline's growth; then each minute for a day,
// and then no more. Safe from several threads.
class CopyGuard {
 public:
  explicit CopyGuard(std::string data_directory) : data_directory_(std::move(data_directory)) {}
  // Ok: files may be pushed.
  Status Check(const Repository& repository, const OpContext& ctx);

 private:
  Status Look(const Repository& repository, const OpContext& ctx);

  const std::string data_directory_;
  std::mutex mutex_;
  bool settled_ = false;          // protected by mutex_, as what follows
  int64_t next_look_millis_ = 0;  // steady
  int64_t next_processes_millis_ = 0;
  std::optional<RestoreMark> young_;  // while processes are looked for between two looks
  Status last_;
};

}  // namespace pitr
