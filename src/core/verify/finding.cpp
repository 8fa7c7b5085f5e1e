#include "core/verify/finding.h"

#include <algorithm>

#include "core/repo/layout.h"

namespace pitr {

namespace {

// In the order of Severity, the worst first.
bool IsWorse(const Finding& a, const Finding& b) { return a.severity < b.severity; }

}  // namespace

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kDamage:
      return "damage";
    case Severity::kUnchecked:
      return "unchecked";
    case Severity::kWarning:
      return "warning";
  }
  return "?";
}

void FindingCounts::Add(Severity severity) {
  if (severity == Severity::kDamage) ++damage;
  if (severity == Severity::kUnchecked) ++unchecked;
  if (severity == Severity::kWarning) ++warnings;
}

void FindingList::Add(Finding finding) {
  std::lock_guard lock(mutex_);
  if (findings_.size() < kMaxFindings) {
    findings_.push_back(std::move(finding));
    return;
  }
  const auto least = std::max_element(findings_.begin(), findings_.end(), IsWorse);
  if (IsWorse(finding, *least)) std::swap(finding, *least);
  dropped_.Add(finding.severity);
}

void FindingList::Replace(std::vector<Finding> findings) {
  std::lock_guard lock(mutex_);
  findings_ = std::move(findings);
}

std::vector<Finding> FindingList::Copy() const {
  std::lock_guard lock(mutex_);
  return findings_;
}

FindingCounts FindingList::dropped() const {
  std::lock_guard lock(mutex_);
  return dropped_;
}

FindingCounts CountFindings(const std::vector<Finding>& findings) {
  FindingCounts counts;
  for (const Finding& finding : findings) counts.Add(finding.severity);
  return counts;
}

Finding ChangeMapFinding(Finding finding) {
  finding.severity = Severity::kWarning;
  finding.hurts = "No recovery. Incremental backups that would use it find changed blocks in another way.";
  finding.hint = "Delete the object, or put it back from a copy of the repository.";
  return finding;
}

Result<Finding> FindingOf(ObjectStore& store, const std::string& key, Status status, const OpContext& ctx) {
  Finding finding;
  finding.object = key;
  finding.detail = status.message() + ".";
  if (!status.detail().empty()) finding.detail += " " + status.detail();
  finding.hint = "Put the object back from a copy of the repository, if there is one.";
  switch (status.code()) {
    case Code::kNotFound:
      finding.problem = "missing";
      finding.detail = "The object does not exist.";
      return finding;
    case Code::kCorruption:
    case Code::kConflict:
      finding.problem = "corrupt";
      return finding;
    case Code::kInvalidArgument:  // written by a newer version, or with a key that is not known
      finding.severity = Severity::kUnchecked;
      finding.problem = "unreadable";
      finding.hint = status.hint();
      return finding;
    case Code::kPermission:
    case Code::kUnavailable:
      break;
    default:
      return status;
  }
  PITR_TRY(ctx.Check());
  // One object that cannot be read is not a store that is down.
  if (!store.Stat(std::string(layout::kMarkerKey), ctx).ok() ||
      !GetRange(store, std::string(layout::kMarkerKey), 0, 1, ctx).ok())
    return status;
  finding.severity = Severity::kUnchecked;
  finding.problem = "unreadable";
  finding.hint = status.hint().empty() ? "The store answers for other objects; look at why it does not for this one."
                                       : status.hint();
  return finding;
}

}  // namespace pitr
