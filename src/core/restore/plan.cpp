#include "core/restore/plan.h"

#include <algorithm>

namespace pitr {

bool RestorePlan::NeedsInPlaceTablespaces() const {
  return std::any_of(backup.tablespaces.begin(), backup.tablespaces.end(),
                     [](const TablespaceEntry& entry) { return entry.in_place; }) ||
         std::any_of(replay.tablespaces.begin(), replay.tablespaces.end(),
                     [](const ReplayEffects::NewTablespace& made) { return made.path.empty(); });
}

}  // namespace pitr
