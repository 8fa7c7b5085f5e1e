// Which backups a repository holds. Made by listing backup/ and reading each manifest.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/repo/backups/backup_pin.h"
#include "core/repo/backups/restore_hold.h"
#include "core/repo/manifest.h"

namespace pitr {

// A backup that has a start object but no manifest: running, or left by a crash.
struct UnfinishedBackup {
  std::string label;
  int64_t started_micros = 0;
  std::string started_by;    // host and process, for the operator
  std::string parent_label;  // the backup it builds on; empty for a full one and when the start object is unreadable
  std::vector<std::string> resumes;     // interrupted backups whose packs it takes over
  std::vector<uint32_t> partial_packs;  // numbers of the packs that a later backup can take over
  Status problem;                       // why the start object cannot be read
  bool ended = false;  // started by a process of this host that does not run any more, as far as its number tells

  // Whether it needs the objects of that backup.
  bool Names(std::string_view other) const;
};

struct DamagedBackup {
  std::string label;
  Status status = Status::Ok();  // why its manifest cannot be read
};

struct BackupCatalog {
  std::vector<BackupManifest> backups;       // ascending by stop time
  std::vector<UnfinishedBackup> unfinished;  // ascending by label
  std::vector<DamagedBackup> damaged;
  std::map<std::string, BackupPin> pins;  // by label, the newest of each; also those that no longer hold
  std::vector<RestoreHold> holds;         // also those that have ended
  std::set<std::string> expiring;         // labels with an expire mark: being deleted, or about to be
  std::set<std::string> alone;            // labels of which WAL after their stop has been deleted, or is about to be

  // An unreadable manifest is listed as damaged, not an error; a store that does not answer is.
  // `each`, when given, is told every object of the listing that belongs to a backup.
  using EachObject = std::function<void(const ObjectInfo& object)>;
  static Result<BackupCatalog> Load(const Repository& repository, const OpContext& ctx, const EachObject& each = {});
  const BackupManifest* Find(std::string_view label) const;
  const DamagedBackup* FindDamaged(std::string_view label) const;
  const UnfinishedBackup* FindUnfinished(std::string_view label) const;
  // Of the holds of the backup that hold at that time the one that ends last; nullptr when there is none.
  const RestoreHold* FindHold(std::string_view label, int64_t wall_micros) const;
};

// Which unfinished backups the next full one takes over packs from (docs/design/006-resume.md).
struct ResumeCandidates {
  std::vector<std::string> labels;                 // newest first
  std::map<std::string, std::string> passed_over;  // of the others that recorded packs: label, and why not, a clause
  std::map<std::string, std::string> taken_over;   // label, and the backup that lists packs of it
};
// Pure. Those that recorded packs, and that nothing newer has superseded. Packs that were written with another
// compression_level are found out when they are read.
ResumeCandidates FindResumeCandidates(const BackupCatalog& catalog);

}  // namespace pitr
