#include "core/backup/data/left_out.h"

#include <algorithm>
#include <cerrno>

#include "core/base/ascii.h"

namespace pitr {
namespace {

constexpr size_t kMaxRefusedNamed = 10;

}  // namespace

void LeftOut::Refuse(const std::string& absolute, const std::string& why, int error) {
  if (!refused_.empty() && refused_.back().absolute == absolute) return;
  ++refused_count_;
  only_rights_ &= error == EACCES || error == EPERM;
  if (refused_.size() < kMaxRefusedNamed) refused_.push_back({absolute, why});
}

void LeftOut::Skip(SkippedEntry entry) {
  ++skipped_count_;
  skipped_.push_back(std::move(entry));
}

Status LeftOut::ToStatus() const {
  if (refused_.empty()) return Status::Ok();
  std::string message = Quoted(refused_.front().absolute) + " cannot be backed up: " + refused_.front().why;
  if (refused_count_ > 1)
    message = std::to_string(refused_count_) + " files or directories cannot be backed up, among them " +
              Quoted(refused_.front().absolute) + ": " + refused_.front().why;
  std::string detail;
  for (size_t i = 1; i < refused_.size(); i++)
    detail += (i == 1 ? "" : "\n") + Quoted(refused_[i].absolute) + ": " + refused_[i].why + ".";
  if (refused_count_ > refused_.size())
    detail += "\nAnd " + std::to_string(refused_count_ - refused_.size()) + " more.";
  return Status(only_rights_ ? Code::kPermission : Code::kInvalidArgument, message)
      .WithDetail(std::move(detail))
      .WithHint(only_rights_ ? "Nothing was copied. Let the server's user read them (chown, chmod), or move what does "
                               "not belong to PostgreSQL out of the data directory; then take the backup again."
                             : "Nothing was copied. Mend these paths (a file system that is not mounted, a link that "
                               "leads nowhere, access rights), or remove what does not belong to PostgreSQL; then "
                               "take the backup again.");
}

void LeftOut::MoveTo(std::vector<SkippedEntry>& skipped, uint64_t& count) {
  std::sort(skipped_.begin(), skipped_.end(),
            [](const SkippedEntry& a, const SkippedEntry& b) { return a.path < b.path; });
  if (skipped_.size() > kMaxSkippedNamed) skipped_.resize(kMaxSkippedNamed);
  skipped = std::move(skipped_);
  count = skipped_count_;
}

}  // namespace pitr
