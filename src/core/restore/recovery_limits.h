// Settings that replay needs at least as large as the server had them that wrote the WAL. With a smaller one recovery
// ends with an error, or pauses for good. Source: CheckRequiredParameterValues() in access/transam/xlogrecovery.c of 15
// to 19.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/pg/control.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/recovery_settings.h"

namespace pitr {

// What the configuration files in a data directory say.
struct OwnConfiguration {
  bool whole = false;                         // postgresql.conf was found and all that it includes could be read
  std::map<std::string, std::string> values;  // by name in lower case; what a server started from here would use
};
// Files that postgresql.conf includes from elsewhere are read, too, as the server would. Where the directory has none,
// `outside` is read, the file that the server of the backup had, which may be empty or not on this machine.
OwnConfiguration ReadOwnConfiguration(const ClusterTree& tree, const std::string& outside);

// Name and value of what has to be written so that recovery has `needed`: those that the configuration gives a smaller
// value. Where it is not whole, all but those that postgresql.auto.conf, which wins, gives enough: PostgreSQL's
// defaults may have been lowered. Pure.
std::vector<std::pair<std::string, std::string>> NeededSettings(const RecoveryLimits& needed,
                                                                const OwnConfiguration& configured, int pg_major);

// Adds that in-place tablespaces are allowed until recovery has ended, where the configuration does not allow
// them; CheckTablespaceDirectory() in xlogrecovery.c ends recovery otherwise when it becomes consistent.
void AllowInPlaceTablespaces(const OwnConfiguration& configured, RecoverySettings& settings,
                             std::vector<std::string>* notes);

// Then a server that pauses shuts down instead, and nobody can read while it recovers.
bool IsHotStandbyOff(const OwnConfiguration& configured);

// What the operator should know: what was written and why, and that a target action will not be what it says.
void AddSettingNotes(const RecoverySettings& settings, const OwnConfiguration& configured,
                     std::vector<std::string>* notes);

}  // namespace pitr
