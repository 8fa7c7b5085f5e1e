// Segments fetched ahead of the server, in pg_wal/pg_pitr.spool. wal-get takes them by a rename; one prefetcher
// process, the holder of the spool's lock, puts them there.
//
// Files: "source" (settings file and boot of the machine that the content belongs to), "lock", "request" (the name
// asked for last),
// "outage" (a standby could not reach the archive a moment ago),
// "<segment>.fetching" while it is being fetched, "<segment>" when it is whole and verified. Content is not synced:
// after a crash of the machine the boot differs and nothing in it is used. An absent segment leaves no trace, so
// absence is always confirmed by the one who asks.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/base/unique_fd.h"

namespace pitr {

// Whether `name` can be in a spool: the name of a segment. Other files are never fetched ahead.
bool IsSpooledName(std::string_view name);

// The data directory that the %p of a restore_command belongs to; empty when it does not look like one.
std::string DataDirectoryOf(const std::string& destination);

class WalSpool {
 public:
  // For the %p of a restore_command. nullopt when it does not lie in the pg_wal of a server that is recovering: then
  // nothing is to be fetched ahead. `config_path` is absolute. Touches nothing.
  static std::optional<WalSpool> For(const std::string& destination, const std::string& config_path);
  WalSpool(std::string data_directory, std::string directory, std::string config_path);

  const std::string& directory() const { return directory_; }
  const std::string& data_directory() const { return data_directory_; }
  const std::string& config_path() const { return config_path_; }

  // For wal-get. All fail softly: then the file is fetched directly.
  bool Take(const std::string& name, const std::string& destination) const;  // renamed into place
  bool IsBeingFetched(const std::string& name) const;
  void Request(const std::string& name) const;  // makes the spool if need be
  bool HasPrefetcher() const;
  // For a standby, which goes on without an archive that does not answer. True when the last attempt failed, a moment
  // ago.
  bool HasOutage() const;
  // False when the same was noted within the last minute: then it has been said.
  bool NoteOutage() const;
  void ForgetOutage() const;

 private:
  friend class HeldSpool;
  std::string SourceText() const;
  bool IsOurs() const;
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string data_directory_;
  std::string directory_;
  std::string config_path_;
};

// For the prefetcher: the spool that was there when its lock was taken. A later recovery in the same place has another
// one, of the same name; nothing of this one gets into it.
class HeldSpool {
 public:
  // kAlreadyExists when another process holds it; kNotFound when there is none.
  static Result<HeldSpool> Take(const WalSpool& spool);

  const std::string& data_directory() const { return spool_.data_directory(); }
  // Removes everything but the lock and the request; afterwards the spool belongs to this source.
  Status Begin() const;
  std::string LastRequest() const;            // empty when there is none
  std::vector<std::string> Segments() const;  // names of whole files, in no order
  Status Store(const std::string& name, std::string_view content) const;
  Status MarkFetching(const std::string& name) const;
  void Forget(const std::string& name) const;  // the file and its mark
  bool Exists() const;                         // false when it was removed or replaced
  void Remove() const;

 private:
  HeldSpool(WalSpool spool, UniqueFd directory, UniqueFd lock)
      : spool_(std::move(spool)), directory_(std::move(directory)), lock_(std::move(lock)) {}
  std::vector<std::string> Names() const;

  WalSpool spool_;
  UniqueFd directory_;
  UniqueFd lock_;
};

}  // namespace pitr
