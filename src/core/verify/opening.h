// Opening a repository in order to verify it: what other readers report as an error is a finding here.
#pragma once
#include <memory>

#include "core/repo/repository.h"
#include "core/verify/finding.h"

namespace pitr {

// Checks marker and key slots, then opens the repository. Null when it is too damaged for that: the findings say why.
// An error when it could not be checked: no repository there, another passphrase, a store that does not answer.
Result<std::unique_ptr<Repository>> OpenToVerify(const Config& config, FindingList& findings, Log& log,
                                                 const OpContext& ctx);

// The part before opening, on a store at hand: false when marker or key slots are too damaged to open it.
Result<bool> CheckOpening(ObjectStore& store, FindingList& findings, const OpContext& ctx);

}  // namespace pitr
