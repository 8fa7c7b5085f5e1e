// The repositories a cluster has archived to, remembered in its data directory: an empty mount point or an emptied
// bucket is not taken for a place where a repository is to be made, and a typing error not for a decision to archive
// somewhere else. WAL would be called archived that is far from its predecessors.
//
// The file pg_pitr.repository has a line "<repository id> <URL>" for each, the one in use last; "accepted <URL>" for
// one that the operator has agreed to and that was not opened yet; and "restored" alone when a restore has put the file
// there and the server has not archived since (docs/design/014-gaps.md). It is part of base backups. Functions may be
// called from any thread; the file is replaced whole.
#pragma once
#include <memory>
#include <string>

#include "core/repo/repository.h"

namespace pitr {

inline constexpr const char* kKnownRepositoriesFile = "pg_pitr.repository";

// OpenOrCreateRepository for the server of `data_directory`. The repository in use is never created anew: when it is
// not there the error is kUnavailable, when another stands in its place kConflict; both hints name the file. Another
// than the one in use is opened, or created, when nothing was archived before, when the operator has accepted it, after
// a restore, or when it has WAL that this server's pg_wal shows as archived (a repository that was moved, or that the
// former primary used); otherwise the error is ArchivingHeld (archive_hold.h), and nothing is written anywhere.
Result<std::unique_ptr<Repository>> OpenClusterRepository(const Config& config, const ClusterIdentity& cluster,
                                                          const std::string& data_directory, Log& log,
                                                          const OpContext& ctx);

// What the file alone says: ArchivingHeld when OpenClusterRepository would ask for evidence or an operator. The store
// is not asked.
Status CheckKnownRepository(const std::string& repository, const std::string& data_directory);

// Where the server of `data_directory` archived last, when that is another repository than that of `repository_id`; ""
// when it is that one, when none is known, and while a restored server has not archived.
Result<std::string> ArchivesElsewhere(const std::string& data_directory, const std::string& repository_id);

// Whether the server of `data_directory` archived last to the repository of `repository_id`, as far as its file tells:
// false when none is known, and while a restored server has not archived.
bool ArchivesTo(const std::string& data_directory, const std::string& repository_id);

// Remembers that archiving to this repository is meant. The URL of the one in use before; empty when there was none or
// it is the same.
Result<std::string> AcceptRepository(const std::string& repository, const std::string& data_directory);

// The content that a restore leaves in place of `text`, the file's from the backup: what the server archives to first
// need not be what the server archived to from which the backup is.
std::string RestoredKnownRepositories(const std::string& text);

}  // namespace pitr
