// What is known of a backup's damage, as those are told who decide about backups: what to build on, what to delete.
#pragma once
#include <functional>
#include <string>

#include "core/repo/manifest.h"

namespace pitr {

// Why a backup is known to be damaged, a clause; empty: it is not, or nobody has looked.
using DamageFinder = std::function<std::string(const BackupManifest&)>;

}  // namespace pitr
