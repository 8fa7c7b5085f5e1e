#include "core/restore/content_notes.h"

#include <unistd.h>

#include "core/repo/backups/backup_remarks.h"
#include "core/restore/mount_point.h"

namespace pitr {
namespace {

// The same with those outside files alone that this machine does not have.
BackupManifest MissingHere(const BackupManifest& backup) {
  BackupManifest missing;
  for (const OutsideFile& file : backup.outside)
    if (access(file.path.c_str(), F_OK) != 0) missing.outside.push_back(file);
  return missing;
}

// A restore to such a place is refused; whoever reads the plan on this machine can mount it before.
void AddMountNote(uint32_t oid, const std::string& directory, RestorePlan& plan) {
  const auto absent = AbsentMountAbove(directory);
  if (!absent) return;
  plan.notes.push_back("On this machine nothing is mounted at \"" + *absent + "\", where " + MountListPath() +
                       " says that a file system belongs: a restore of tablespace " + std::to_string(oid) + " to \"" +
                       directory + "\" is refused until it is mounted. --tablespace puts it elsewhere.");
}

}  // namespace

void AddContentNotes(const BackupCatalog& backups, const std::vector<Candidate>& candidates, const TablespaceMap& map,
                     RestorePlan& plan) {
  const BackupManifest& backup = plan.backup;
  if (!backup.page_errors.empty())
    plan.notes.push_back("The backup holds damaged pages: " + DescribePageErrors(backup) +
                         ". They come back with it, and no undamaged backup leads to the target.");
  if (const std::string doubt = DescribePageLsnDoubt(backups, backup); !doubt.empty())
    plan.notes.push_back(
        "The backup may be wrong: " + doubt +
        ". A full backup with the WAL since then is not (--backup LABEL); otherwise run pg_check_visible "
        "and pg_check_frozen (pg_visibility) on its tables, and VACUUM (DISABLE_PAGE_SKIPPING).");
  for (const Candidate& candidate : candidates) {
    if (candidate.damage.empty()) continue;
    const std::string& label = candidate.backup->label;
    if (label == backup.label) {
      plan.notes.push_back(
          "The backup is damaged: " + candidate.damage +
          ". A restore of it may fail, and no undamaged one was found that leads to the target. If the "
          "damage has been mended, pg_pitr verify --label " +
          label + " finds that out.");
    } else if (candidate.backup->stop_lsn > backup.stop_lsn && candidate.backup->stop_lsn <= plan.stop.lsn) {
      plan.notes.push_back("The newer backup " + label + " was passed over, because it is damaged: " +
                           candidate.damage + ". --backup " + label + " takes it all the same.");
    }
  }
  for (const Candidate& candidate : candidates) {
    const BackupManifest& other = *candidate.backup;
    if (other.page_errors.empty() || !backup.page_errors.empty() || other.stop_lsn <= backup.stop_lsn ||
        other.stop_lsn > plan.stop.lsn)
      continue;
    plan.notes.push_back("The newer backup " + other.label +
                         " was passed over, because it holds damaged pages; from this one the WAL makes them anew. "
                         "--backup " +
                         other.label + " takes it all the same.");
  }
  if (const std::string skipped = DescribeSkipped(backup); !skipped.empty())
    plan.notes.push_back("Not in the backup: " + skipped + ".");
  if (const std::string followed = DescribeFollowed(backup); !followed.empty())
    plan.notes.push_back("These were symbolic links; the restored directory holds what they led to: " + followed + ".");
  if (const std::string file = OutsideConfigFile(backup); !file.empty())
    plan.notes.push_back("The server's postgresql.conf was " + file +
                         ", outside of its data directory, and is not in the backup: the restored directory will have "
                         "none. The restore ends with how to start the server.");
  if (const std::string missing = DescribeOutside(MissingHere(backup)); !missing.empty())
    plan.notes.push_back("Configuration that the server read is neither in the backup nor on this machine: " + missing +
                         ". Put it in place before the server is started.");
  for (const TablespaceEntry& entry : backup.tablespaces)
    if (!entry.in_place) AddMountNote(entry.oid, PlaceOf(map, entry.oid, entry.path), plan);
  for (const ReplayEffects::NewTablespace& made : plan.replay.tablespaces)
    if (!made.path.empty()) AddMountNote(made.oid, PlaceOf(map, made.oid, made.path), plan);
}

}  // namespace pitr
