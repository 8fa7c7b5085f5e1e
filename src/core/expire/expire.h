// Expiry: deletes what a retention policy does not keep, WAL that nobody can use any more, and what died half-way.
//
// It fails closed: an inventory that is not complete, or a manifest that cannot be read, stops it before anything is
// deleted that could depend on it. Each backup is marked before it is deleted, and everything is looked at again after
// that (repo/backups/expire_mark.h), so backups, restores, pins and other expiries may run at the same time, on other
// machines too. Manifests go first, then file maps and packs that no other manifest lists, start objects and marks
// last: whoever is killed half-way is finished by the next run. One thread, a few more for the marks.
#pragma once
#include <vector>

#include "core/expire/expire_plan.h"

namespace pitr {

struct ExpireReport {
  std::vector<ExpireRow> rows;  // what blocks, what stays, what was (or would be) deleted, what the store refused
  bool Complete() const;        // nothing was refused and nothing blocked
};

// Errors: those of the store, and of Decide() for request.labels. What was deleted before stays deleted; running it
// again goes on.
Result<ExpireReport> Expire(const Repository& repository, const ExpireRequest& request, const OpContext& ctx);

}  // namespace pitr
