// What a repository holds, as expiry has to know it: catalogues, and every object but WAL and its change maps, of which
// only what nobody needs is listed (expire/wal_expiry.h).
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/expire/retention.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/damage_finder.h"

namespace pitr {

struct Inventory {
  BackupCatalog backups;
  std::set<std::string> vanished;          // labels whose manifest an earlier look saw and a later one did not
  std::vector<ObjectInfo> backup_objects;  // under backup/ whose keys are known
  // And pages of file maps. Listed after the manifests: what these name and is not here does not exist.
  std::vector<ObjectInfo> packs;
  WalCatalog wal;
  std::vector<ObjectInfo> probes;
  std::vector<PendingUpload> uploads;
  Status uploads_refused;  // why the store did not list all of them; ok when it did

  // kUnavailable, kPermission and so on as the store says: an inventory is complete or an error, but
  // for uploads.
  static Result<Inventory> Load(const Repository& repository, const OpContext& ctx);
  // Looks again for what concerns backups and leaves the rest as it was listed. Absence takes two looks: what protects
  // something (a start object, a pin, a hold) and was there before is still believed in; a manifest that is gone
  // without a mark is one of `vanished`.
  Status ReloadBackups(const Repository& repository, const OpContext& ctx);

  // Looks for what, not being listed, makes a backup one that cannot be restored, and so one in whose place another is
  // kept. kUnavailable when the store has it: such a listing is nothing to delete on.
  Status CheckAbsences(const Repository& repository, const OpContext& ctx) const;

  // What the policy is decided on. A backup that is known to be damaged counts as one that cannot be restored.
  RetentionFacts Facts(int64_t now_micros, const DamageFinder& damage_of = {}) const;
  void KeepFrom(const BackupCatalog& before);
  // The newest change of anything that belongs to a backup that has not finished; INT64_MAX where the store does not
  // date it.
  int64_t LastActivity(const UnfinishedBackup& backup) const;
};

}  // namespace pitr
