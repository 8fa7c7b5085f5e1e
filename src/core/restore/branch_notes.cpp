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

// The branch on the way to `reference` that left `ancestor`.
const Branch& NextOnWay(const BranchTree& tree, const Branch& ancestor, const Branch& reference) {
  const Branch* next = &reference;
  for (const Branch& branch : tree.branches())
    if (branch.parent == ancestor.timeline && reference.Includes(branch.timeline)) next = &branch;
  return *next;
}

// What leaves out `branch` and all that came from it.
std::string SetAsideCommands(const BranchTree& tree, const Branch& branch) {
  std::string commands;
  for (const Branch& each : tree.branches())
    if (!each.set_aside && each.Includes(branch.timeline))
      commands +=
          (commands.empty() ? "" : ", ") + ("pg_pitr timeline set-aside " + std::to_string(each.timeline.value));
  return commands;
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

bool IsLikelySuccessor(const Branch& branch, const Branch& reference, const BesideEvidence& evidence) {
  if (!branch.Includes(reference.timeline)) return false;
  return branch.life.promoted || (evidence.own && evidence.started_micros > branch.life.begin_micros);
}

std::string HintBeside(const Branch& branch, const Branch& reference, const BesideEvidence& evidence) {
  const std::string number = std::to_string(branch.timeline.value), left = std::to_string(reference.timeline.value);
  const std::string set_aside = "set it aside: pg_pitr timeline set-aside " + number;
  const std::string rewind =
      "make it a standby of the new one (pg_rewind, or a new copy), and leave out what it has "
      "written since: pg_pitr timeline set-aside " +
      left;
  if (!branch.Includes(reference.timeline))
    return "If a test copy or a server that was given up wrote it, " + set_aside;
  if (!IsLikelySuccessor(branch, reference, evidence))
    return "If a test copy or a server that was given up wrote it, " + set_aside +
           ". If it is that of a new primary after a failover, stop the old primary, which writes timeline " + left +
           ", " + rewind;
  const std::string until = branch.life.last_micros == 0
                                ? ""
                                : " It has been written since, until " + FormatToSecond(branch.life.last_micros) + ".";
  return (evidence.own ? "Is this server the old primary of a failover?"
                       : "Did the old primary of a failover come back and write timeline " + left + "?") +
         until + " Then stop it, " + rewind + ". Only if a test copy wrote timeline " + number + ", " + set_aside;
}

std::vector<const Branch*> GrowingAncestors(const BranchTree& tree, const Branch& reference) {
  std::vector<const Branch*> growing;
  for (const Branch& branch : tree.branches()) {
    if (branch.timeline == reference.timeline || branch.set_aside || !branch.life.read) continue;
    if (!reference.Includes(branch.timeline) || tree.WasLeftBy(branch, INT64_MAX)) continue;
    if (!branch.life.MayGoOnAfter(reference.LeavesAt(branch.timeline).value_or(Lsn()))) continue;
    if (branch.life.last_micros > NextOnWay(tree, branch, reference).life.begin_micros) growing.push_back(&branch);
  }
  return growing;
}

std::string DescribeGrowing(const BranchTree& tree, const Branch& ancestor, const Branch& reference,
                            const BesideEvidence& evidence) {
  const Branch& next = NextOnWay(tree, ancestor, reference);
  const std::string number = std::to_string(ancestor.timeline.value), left = std::to_string(next.timeline.value);
  std::string text = "Timeline " + number + " was written until " + FormatToSecond(ancestor.life.last_micros) +
                     ", after timeline " + left + " had left it";
  if (next.life.begin_micros != 0) text += " on " + FormatToSecond(next.life.begin_micros);
  text += ancestor.life.MayEndAfter(next.fork) ? ", and may have transactions that timeline " + left + " lacks. "
                                               : ", without a transaction that timeline " + left + " lacks. ";
  const std::string primary = "stop it, make it a standby of the new one (pg_rewind, or a new copy), and leave out " +
                              std::string("what it has written since: pg_pitr timeline set-aside ") + number + ".";
  const std::string copy = (evidence.own ? "it should not archive here: set archive_mode = off, or give it a "
                                           "repository of its own, and leave its timeline out: "
                                         : "leave it out: ") +
                           SetAsideCommands(tree, next) + ".";
  // Only a promotion says that it is no copy; a recovery in place begins as a copy does.
  if (next.life.promoted)
    return text + "Does an old primary still run? Then " + primary + " Only if " +
           (evidence.own ? "this server is a copy of one that lives, " : "a test copy wrote timeline " + left + ", ") +
           copy;
  return text +
         (evidence.own ? "Is this server a copy of one that lives? Then "
                       : "Did a test copy write timeline " + left + "? Then ") +
         copy + " If timeline " + left + " is that of the server that goes on, and the old one still runs, " + primary;
}

std::vector<std::string> DescribeOtherBranches(const BranchTree& tree, const WalPath& path, const Branch* reference,
                                               const std::vector<const Branch*>& beside,
                                               const BesideEvidence& evidence) {
  std::vector<std::string> notes;
  const Branch* goal = reference != nullptr ? reference : tree.Find(path.target());
  const auto growing = goal == nullptr ? std::vector<const Branch*>() : GrowingAncestors(tree, *goal);
  std::vector<std::pair<int64_t, std::string>> harmless;
  for (const Branch& branch : tree.branches()) {
    if (branch.timeline == path.target() || branch.segments + branch.unfinished == 0) continue;
    const auto add = [&](std::string text) { harmless.emplace_back(branch.life.last_micros, std::move(text)); };
    const std::string reached =
        " Its transactions are reached with --target-timeline " + std::to_string(branch.timeline.value) + ".";
    const auto leaves = path.history().SwitchPoint(branch.timeline);
    if (branch.set_aside) {
      add(Capitalized(DescribeBranch(branch)) + "." + reached);
    } else if (std::find(beside.begin(), beside.end(), &branch) != beside.end()) {
      notes.push_back("Warning: " + DescribeBeside(branch, *reference) + reached + " " +
                      HintBeside(branch, *reference, evidence));
    } else if (std::find(growing.begin(), growing.end(), &branch) != growing.end()) {
      notes.push_back("Warning: " + DescribeGrowing(tree, branch, *goal, evidence) + reached);
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
