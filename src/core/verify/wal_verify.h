// WAL: every object read and checked, and the chains that backups and recoveries follow.
//
// Memory: jobs * two frames of a segment, and a batch of names.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/repo/backups/backup_catalog.h"
#include "core/restore/wal_path.h"
#include "core/verify/shared.h"

namespace pitr {

// Reads every file under wal/, or (scope: one backup) those that the backup needs. Adds a finding for each that is not
// what was archived. Errors as CheckPackData.
Status CheckWalObjects(VerifyShared& shared, const WalCatalog& wal, const BackupManifest* backup);

// Reads every change map, several at a time, and adds a finding for each that is not right. Errors as CheckPackData.
Status CheckChangeMaps(VerifyShared& shared);

// The WAL a backup needs to become consistent, along its timelines; alone on its timeline when the history file is
// missing.
WalPath PathOfBackup(const WalCatalog& wal, const BackupManifest& backup, uint32_t segment_size);

// The timelines that recoveries to the end of the archive follow: one, or several between which nothing decides
// (branch_choice.h); not what was left or set aside, whatever its number. Empty: the archive is. Errors of the store.
Result<std::vector<Timeline>> TimelinesThatGoOn(const Repository& repository, const BackupCatalog& backups,
                                                const WalCatalog& wal, const OpContext& ctx);

// Missing segments and history files: what backups need is damage, and so is a gap in what lies between the oldest
// backup of a timeline that goes on and the end of its WAL; gaps elsewhere are warnings. What retention leaves between
// a backup that it keeps alone and the next one is no gap (a warning, when some of it is still there). `earlier`: by
// which WAL is known that was there before. `backup` null: all.
void CheckWalChains(const Repository& repository, const BackupCatalog& backups, const WalCatalog& wal,
                    const std::vector<Timeline>& going_on, const BackupManifest* backup,
                    const std::vector<VerifyRecord>& earlier, FindingList& findings);

// Says which backups need the segment that a finding is about, or one of those up to `last`, and how far recovery still
// goes. A finding about anything else is left as it is.
void DescribeWalHarm(const BackupCatalog& backups, const WalCatalog& wal, const std::vector<Timeline>& going_on,
                     uint32_t segment_size, Finding& finding, std::optional<SegmentNo> last = std::nullopt);

}  // namespace pitr
