// The pages of its parent's file map while an increment is taken: those that it takes over unread, those that it reads,
// and those that turn out to be damaged. One thread.
#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/backup/changes/page_plan.h"
#include "core/backup/extents/parent_map.h"
#include "core/backup/extents/stored_extents.h"

namespace pitr {

// What an increment found of its parent's file map.
struct ParentDamage {
  uint64_t pages = 0;  // that cannot be read; what they were to tell of is stored anew
  std::string why;     // the first of them cannot
};

class ParentPages {
 public:
  // Repository and parent are borrowed; `plan` is of this parent.
  ParentPages(const Repository& repository, const ParentBackup& parent, PagePlan plan)
      : repository_(repository), parent_(parent), plan_(std::move(plan)), map_(parent.manifest) {}
  ParentPages(const ParentPages&) = delete;
  ParentPages& operator=(const ParentPages&) = delete;

  const PagePlan& plan() const { return plan_; }
  // What was read and is not forgotten yet. It stays where it is.
  const ParentMap& map() const { return map_; }
  void Forget() { map_.Clear(); }

  // Adds a page to the map, or nothing: of a damaged one nothing is known, which is told in the log once and is no
  // error. Errors are the store's.
  Status Read(uint32_t page, const OpContext& ctx);
  // Whether pages that were to be taken over unread are to be read after all: where one page is damaged others may be,
  // and a backup that refers to one of these cannot be restored.
  bool doubts_kept() const { return !unreadable_.empty() && !kept_read_; }
  // Reads them, without adding them to the map. Result: those that cannot be, ascending, which are taken over no more.
  // Errors are the store's.
  Result<std::vector<uint32_t>> ReadKept(const OpContext& ctx);

  // Appends the pages that are taken over, with the numbers that their packs have in the new backup.
  void TakeKept(ParentPacks& packs, std::vector<MapPage>& pages) const;
  const ParentDamage& damage() const { return damage_; }

 private:
  void NoteUnreadable(uint32_t page, const Status& why);

  const Repository& repository_;
  const ParentBackup& parent_;
  PagePlan plan_;
  ParentMap map_;
  std::set<uint32_t> unreadable_;
  bool kept_read_ = false;
  ParentDamage damage_;
};

}  // namespace pitr
