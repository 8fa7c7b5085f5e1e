#include "core/restore/plan_proof.h"

#include "core/restore/planner.h"

namespace pitr {

Status ProveBackup(const Repository& repository, const std::string& label, std::optional<Timeline> own_timeline,
                   const OpContext& ctx) {
  for (const TargetKind kind : {TargetKind::kImmediate, TargetKind::kLatest}) {
    PlanRequest request;
    request.target.kind = kind;
    request.backup_label = label;
    request.own_timeline = own_timeline;
    PITR_TRY(MakeRestorePlan(repository, request, ctx).status());
  }
  return Status::Ok();
}

bool SaysNotRestorable(const Status& status) {
  switch (status.code()) {
    case Code::kOk:
    case Code::kUnavailable:
    case Code::kPermission:
    case Code::kCancelled:
      return false;
    default:
      return true;
  }
}

}  // namespace pitr
