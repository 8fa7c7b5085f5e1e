// What people should know of the branches that a recovery does not take. Pure functions.
#pragma once
#include <string>
#include <vector>

#include "core/restore/branch_choice.h"

namespace pitr {

// The branches that were written beside `reference` although they do not lead to it, after it had begun: as a restored
// copy does that archives into the repository it came from. Not those that were set aside.
std::vector<const Branch*> BranchesBeside(const BranchTree& tree, const Branch& reference);

// What such a branch is and what to do about it, sentences.
std::string DescribeBeside(const Branch& branch, const Branch& reference);
std::string HintBeside(const Branch& branch);

// For a plan along `path`: what other branches hold and how to get at it, one sentence or more each: a warning for
// every one that was written beside `reference`, which may be nullptr; of the others those that were written last, and
// how many more there are.
std::vector<std::string> DescribeOtherBranches(const BranchTree& tree, const WalPath& path, const Branch* reference);

}  // namespace pitr
