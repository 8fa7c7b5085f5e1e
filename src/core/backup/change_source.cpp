#include "core/backup/change_source.h"

namespace pitr {
namespace {

class PageLsnSource final : public ChangeSource {
 public:
  explicit PageLsnSource(std::string why) : origin_{ChangeKind::kPageLsn, std::move(why)} {}
  const ChangeOrigin& origin() const override { return origin_; }
  Result<FileChange> Ask(const FileQuestion& question) const override {
    FileChange change;
    change.answer = question.same_file ? FileChange::Answer::kPageLsn : FileChange::Answer::kCompare;
    return change;
  }

 private:
  const ChangeOrigin origin_;
};

class FullReadSource final : public ChangeSource {
 public:
  explicit FullReadSource(std::string why) : origin_{ChangeKind::kFullRead, std::move(why)} {}
  const ChangeOrigin& origin() const override { return origin_; }
  Result<FileChange> Ask(const FileQuestion&) const override { return FileChange{}; }

 private:
  const ChangeOrigin origin_;
};

}  // namespace

std::unique_ptr<ChangeSource> MakePageLsnSource(std::string why) {
  return std::make_unique<PageLsnSource>(std::move(why));
}

std::unique_ptr<ChangeSource> MakeFullReadSource(std::string why) {
  return std::make_unique<FullReadSource>(std::move(why));
}

Result<std::unique_ptr<ChangeSource>> ChooseChangeSource(const ChangeRequest& request) {
  if (request.wanted == "full_read") return MakeFullReadSource("The setting change_source says so.");
  // pg_checksums rewrites pages and leaves their LSNs as they are.
  if (request.data_checksums != request.parent.data_checksums)
    return MakeFullReadSource(std::string("Data checksums were ") + (request.data_checksums ? "enabled" : "disabled") +
                              " since backup " + request.parent.label + ".");
  if (request.wanted == "page_lsn") return MakePageLsnSource("The setting change_source says so.");
  return MakePageLsnSource("No record of changed blocks is kept apart from the pages themselves.");
}

}  // namespace pitr
