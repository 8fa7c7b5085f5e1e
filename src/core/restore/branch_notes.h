// What people should know of the branches that a recovery does not take. Pure functions.
#pragma once
#include <string>
#include <vector>

#include "core/restore/branch_choice.h"

namespace pitr {

// The branches that were written beside `reference` although they do not lead to it, after it had begun: as a restored
// copy does that archives into the repository it came from. Not those that were set aside.
std::vector<const Branch*> BranchesBeside(const BranchTree& tree, const Branch& reference);

// Who asks: what decides whether `reference` is what goes on, or what was left.
struct BesideEvidence {
  bool own = false;            // the reference is the timeline that the server which asks writes
  int64_t started_micros = 0;  // when that server was started; 0: not known
};

// Whether `branch`, written beside `reference`, is rather the history that goes on after a failover, and `reference`
// that of an old primary: it left the reference, and a standby's promotion opened it, or the server that asks was not
// running then. A server that ran all along has seen a copy archive that was restored. Backups are no evidence: copies
// and old primaries take theirs by schedule.
bool IsLikelySuccessor(const Branch& branch, const Branch& reference, const BesideEvidence& evidence);

// What such a branch is and what to do about it, sentences.
std::string DescribeBeside(const Branch& branch, const Branch& reference);
std::string HintBeside(const Branch& branch, const Branch& reference, const BesideEvidence& evidence);

// The timelines on the way to `reference` that were written after they had been left there, and by no other branch
// since: their server lived on, or lives. Not those that were set aside, nor one of whose WAL nothing could be read:
// the store's clock alone makes what was pushed late look so. Ascending.
std::vector<const Branch*> GrowingAncestors(const BranchTree& tree, const Branch& reference);

// What is the matter with such a timeline and what to do about it, sentences: both ways out, of an old primary that
// goes on, and of a copy that archived, which comes first unless a standby's promotion opened the branch that left.
std::string DescribeGrowing(const BranchTree& tree, const Branch& ancestor, const Branch& reference,
                            const BesideEvidence& evidence);

// For a plan along `path`: what other branches hold and how to get at it, one sentence or more each: a warning for
// every one of `beside`, written beside `reference`, which may be nullptr, or that goes on on the way to it (without
// one, on `path`); of the others those that were written last, and how many more there are.
std::vector<std::string> DescribeOtherBranches(const BranchTree& tree, const WalPath& path, const Branch* reference,
                                               const std::vector<const Branch*>& beside,
                                               const BesideEvidence& evidence);

}  // namespace pitr
