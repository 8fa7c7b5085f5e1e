// The options that name a recovery target, which plan and restore share.
#pragma once
#include <memory>

#include "cli/verbs.h"
#include "core/restore/planner.h"

namespace pitr::cli {

struct TargetOptions {
  TargetText text;
  bool latest = false;
  std::string backup;
};

void AddTargetOptions(CLI::App& verb, TargetOptions& options);
// kInvalidArgument, naming the options as they are written here.
Result<PlanRequest> MakePlanRequest(const TargetOptions& options);

// MakeRestorePlan with what verifications have found; `show`: how far it is, on a terminal.
Result<RestorePlan> MakePlan(const Repository& repository, PlanRequest request, bool show, const OpContext& ctx);

}  // namespace pitr::cli
