// What the store lists against what the manifests and the rules of the format say should be there: missing objects,
// wrong sizes, leftovers, unknown keys. Memory: a page of the listing and a few words for each backup.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/repo/archive/wal_seal.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/verify/checked_packs.h"
#include "core/verify/record.h"

namespace pitr {

// A pin, a hold, a mark, a partial map, or the result or progress of a verification: what no recovery reads.
struct SideObject {
  ObjectKind kind = ObjectKind::kBackupPin;
  std::string key;
};

struct VerifyListing {
  std::map<std::string, uint64_t> file_maps;  // stored size by label
  std::vector<SideObject> aside;
  uint64_t objects = 0;  // that were listed
  uint64_t wal_objects = 0;
  uint64_t wal_bytes = 0;
};

// Lists what `request` is about, sets the stored sizes in `table`, and adds findings: packs that are missing or of
// another size (which files that hurts is looked up later), start objects and manifests that are missing, and
// (everything is verified) what belongs to nothing. `earlier`: results of earlier verifications, by which a backup that
// has lost its manifest is known. WAL of the groups in `sealed`, and its change maps, are not looked at; without any,
// the seals are compared with what is there.
Result<VerifyListing> TakeListing(const Repository& repository, const VerifyRequest& request,
                                  const BackupCatalog& catalog, const std::vector<VerifyRecord>& earlier,
                                  const std::map<WalGroup, WalSeal>& sealed, CheckedPacks& table, FindingList& findings,
                                  const OpContext& ctx);

}  // namespace pitr
