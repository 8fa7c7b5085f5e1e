// Resolves a target to an exact stop point and proves that it can be reached, before anything is written.
#pragma once
#include <optional>
#include <string>

#include "core/base/progress.h"
#include "core/repo/backups/damage_finder.h"
#include "core/repo/repository.h"
#include "core/restore/branch_choice.h"
#include "core/restore/plan.h"
#include "core/restore/tablespace_map.h"

namespace pitr {

struct PlanRequest {
  RecoveryTarget target;
  std::string backup_label;  // empty: chosen
  // The timeline that the running server writes or follows, when there is one: its branch is the default.
  std::optional<Timeline> own_timeline;
  OwnPosition own_position;
  int64_t own_started_micros = 0;  // when a server that writes it was started; 0: not known
  TablespaceMap tablespaces;       // where they are wanted, for notes about these places
  DamageFinder damage_of;          // what verifications have found; may be empty
  // Where segments that are looked at are counted, as files, for somebody who waits; borrowed, may be nullptr.
  Progress* progress = nullptr;
};

// kInvalidArgument: the request contradicts itself, or belongs to several branches of the archive's history; kNotFound:
// there is no such backup, or the target cannot be reached. Then the message says why, and the detail gives the nearest
// reachable points (earliest, latest commit time, gaps). kCorruption, kUnavailable as read.
Result<RestorePlan> MakeRestorePlan(const Repository& repository, const PlanRequest& request, const OpContext& ctx);

}  // namespace pitr
