// The files that turn a copied data directory into one that recovers by itself: backup_label, tablespace_map, recovery
// settings.
#pragma once
#include <map>
#include <string>

#include "core/repo/manifest.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/plan.h"
#include "core/restore/recovery_settings.h"
#include "core/restore/restore_mark.h"

namespace pitr {

inline constexpr std::string_view kBackupLabelPath = "backup_label";
inline constexpr std::string_view kTablespaceMapPath = "tablespace_map";

// `text` (lines "oid path", as pg_backup_stop gave it) with the directory of every tablespace in `mapped` (OID ->
// directory) replaced, and without the others: PostgreSQL would link to wherever they lead, which may be a tablespace
// that another server has there by now. One that was dropped between the backup's start and its listing is such, and
// replay needs no link of it: it makes a directory, and drops that. Pure. kCorruption for a text that does not parse.
Result<std::string> AdjustTablespaceMap(std::string_view text, const std::map<std::string, std::string>& mapped);

// Whether WriteBackupFiles can. Pure.
Status CheckBackupFiles(const BackupManifest& backup, const std::map<std::string, std::string>& mapped);

// Writes both from the manifest. Without backup_label the server would start from the wrong checkpoint, so one that
// does not parse is kCorruption.
Status WriteBackupFiles(const ClusterTree& tree, const BackupManifest& backup,
                        const std::map<std::string, std::string>& mapped, mode_t mode);

// The repositories that the cluster of the backup has archived to, as known_repository.h remembers them in a restored
// server.
Status LeaveKnownRepositories(const ClusterTree& tree, mode_t mode);

// What a restore knows before it begins. Pure.
RestoreMark MarkOfPlan(const Repository& repository, const RestorePlan& plan, int64_t now_micros);

// WAL that was set aside here may be pushed by its owner later: that is no sign of another server. Raises mark.newest.
Status NoteWalAside(const ClusterTree& tree, RestoreMark& mark);

// postgresql.auto.conf and the signal file, others' removed, and `mark`, which is told what was written. For kNone only
// the mark. `settings.recovery_end_command` is a word that stands for the program; what the user wants done at the end
// of a recovery is kept behind it, unless this is a copy.
Status WriteRecoveryFiles(const ClusterTree& tree, RecoverySettings settings, RestoreMark mark, mode_t mode);

}  // namespace pitr
