#include "core/restore/branch_notes.h"

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

// Of the branches that do no harm so many are described, those that were written last.
constexpr size_t kDescribedBranches = 3;

std::string Capitalized(std::string text) {
  text[0] = 'T';
  return text;
}

}  // namespace

std::vector<const Branch*> BranchesBeside(const BranchTree& tree, const Branch& reference) {
  std::vector<const Branch*> beside;
  for (const Branch& branch : tree.branches()) {
    if (branch.set_aside || reference.Includes(branch.timeline)) continue;
    if (branch.life.last_micros > reference.life.begin_micros) beside.push_back(&branch);
  }
  return beside;
}

std::string DescribeBeside(const Branch& branch, const Branch& reference) {
  return Capitalized(DescribeBranch(branch)) + ", does not lead to timeline " +
         std::to_string(reference.timeline.value) + " and was written beside it.";
}

std::string HintBeside(const Branch& branch) {
  return "If a test copy or a server that was given up wrote it, set it aside: pg_pitr timeline set-aside " +
         std::to_string(branch.timeline.value);
}

std::vector<std::string> DescribeOtherBranches(const BranchTree& tree, const WalPath& path, const Branch* reference) {
  std::vector<std::string> notes;
  const auto beside = reference == nullptr ? std::vector<const Branch*>() : BranchesBeside(tree, *reference);
  std::vector<std::pair<int64_t, std::string>> harmless;
  for (const Branch& branch : tree.branches()) {
    if (branch.timeline == path.target() || branch.segments == 0) continue;
    const auto add = [&](std::string text) { harmless.emplace_back(branch.life.last_micros, std::move(text)); };
    const std::string reached =
        " Its transactions are reached with --target-timeline " + std::to_string(branch.timeline.value) + ".";
    const auto leaves = path.history().SwitchPoint(branch.timeline);
    if (branch.set_aside) {
      add(Capitalized(DescribeBranch(branch)) + ".");
    } else if (std::find(beside.begin(), beside.end(), &branch) != beside.end()) {
      notes.push_back("Warning: " + DescribeBeside(branch, *reference) + reached + " " + HintBeside(branch));
    } else if (!leaves) {
      add("Another branch is " + DescribeBranch(branch) + "." + reached);
    } else if (branch.life.MayEndAfter(*leaves)) {
      std::string text = Capitalized("timeline " + std::to_string(branch.timeline.value)) + " goes on after " +
                         leaves->ToString() + ", where this path leaves it";
      if (branch.life.last_end.valid())
        text += ": its last transaction ended " + FormatTimestamp(branch.life.last_end_micros);
      add(text + "." + reached);
    }
  }
  std::stable_sort(harmless.begin(), harmless.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (size_t i = 0; i < harmless.size() && i < kDescribedBranches; ++i) notes.push_back(harmless[i].second);
  if (harmless.size() > kDescribedBranches)
    notes.push_back(DescribeCount(harmless.size() - kDescribedBranches, "more branch", "more branches") +
                    " of the archive's history, written earlier, went another way than this recovery: pg_pitr info "
                    "shows them.");
  return notes;
}

}  // namespace pitr
