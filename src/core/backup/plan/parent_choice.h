// Which earlier backup an increment builds on. An operator who asked for an increment and cannot have one gets a full
// backup and is told why: having a backup matters more than having a small one.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/backup/changes/page_plan.h"
#include "core/pg/history.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/damage_finder.h"

namespace pitr {

struct ParentRequest {
  BackupType type = BackupType::kFull;
  Timeline timeline;           // that the server writes now
  std::string data_directory;  // whose pg_wal has the timeline's history
  uint32_t max_chain_length = 1;
  DamageFinder damage_of;          // what a backup has lost an increment on it would lack, too; may be empty
  bool allow_page_errors = false;  // also on a backup whose pages failed their checksum
};

struct ParentChoice {
  BackupType type = BackupType::kFull;  // what is to be taken
  std::optional<ParentBackup> parent;   // null exactly for a full backup
  // What the operator should know, in the grammar of a message; empty when all is as expected.
  std::string note;
  std::string note_detail;
  bool warning = false;  // something is wrong that should be looked at
};

// `history` from behind the newest timeline of whose number the archive has another one, on which another server wrote:
// so a staging server's own repository has timelines of several nights, which production numbered alike. Only timelines
// on which a backup ended are looked at; without a stored history file nothing is known. Errors are the store's.
Result<TimelineHistory> WithoutForeign(const Repository& repository, TimelineHistory history,
                                       const BackupCatalog& catalog, const OpContext& ctx);

// Pure. The backups that can be built on, as far as manifests tell: newest first. `passed_over` gets a clause for each
// that cannot. A full backup for kDiff; any for kIncr.
std::vector<const BackupManifest*> ParentCandidates(const BackupCatalog& catalog, BackupType type,
                                                    const TimelineHistory& history,
                                                    std::vector<std::string>& passed_over);

// Takes the newest candidate that is not known to be damaged and holds no damaged pages, whose objects are all there
// and whose file map's list can be read. An increment beyond the longest chain becomes a full backup. Errors are the
// store's; a damaged backup is none.
Result<ParentChoice> ChooseParent(const Repository& repository, const ParentRequest& request, const OpContext& ctx);

}  // namespace pitr
