// What somebody who relies on a backup should know about it, in words: what it does not hold, what it holds otherwise
// than it was, and pages that were bad. Each text is empty when there is nothing to say. Pure.
#pragma once
#include <string>

#include "core/repo/backups/backup_catalog.h"
#include "core/repo/manifest.h"

namespace pitr {

// "3 pages failed their checksum when it was taken, the first in base/5/16384, block 3": a clause.
std::string DescribePageErrors(const BackupManifest& backup);
// Of an increment that took pages as unchanged by their LSNs although nothing raised these (no data checksums;
// wal_log_hints is not recorded), or that builds on one, by whatever source: a clause on what may be wrong. Newer
// versions make none. `catalog` has the backups that it builds on, as far as they still exist.
std::string DescribePageLsnDoubt(const BackupCatalog& catalog, const BackupManifest& backup);
// "log (symbolic link to "/var/log/pg"; it leads to ...), ... and 3 more": what was in the data directory and is not in
// the backup.
std::string DescribeSkipped(const BackupManifest& backup);
// "base/16400 (to "/elsewhere/16400")": links that became what they led to.
std::string DescribeFollowed(const BackupManifest& backup);
// "/etc/postgresql/15/main/postgresql.conf, ...": configuration that was not in the data directory.
std::string DescribeOutside(const BackupManifest& backup);
// Where the server's own postgresql.conf was, when that is outside of the data directory.
std::string OutsideConfigFile(const BackupManifest& backup);

// Of a backup that has no manifest, for people.
struct UnfinishedRemark {
  std::string state;  // what is known of it: "running, or interrupted", "interrupted; backup "b" has taken packs of it"
  std::string advice;  // sentences: what it is good for, and what becomes of it
};
// `candidates`: FindResumeCandidates() of the catalog that the backup is of.
UnfinishedRemark DescribeUnfinished(const ResumeCandidates& candidates, const UnfinishedBackup& backup);

}  // namespace pitr
