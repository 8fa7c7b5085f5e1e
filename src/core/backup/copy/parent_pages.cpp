#include "core/backup/copy/parent_pages.h"

#include <cassert>

#include "core/repo/maps/file_map_parser.h"

namespace pitr {

Status ParentPages::Read(uint32_t page, const OpContext& ctx) {
  if (unreadable_.contains(page)) return Status::Ok();
  Status read = map_.Add(repository_, parent_.list.pages[page], ctx);
  if (!IsDamageOfPage(read)) return read;
  NoteUnreadable(page, read);
  return Status::Ok();
}

void ParentPages::NoteUnreadable(uint32_t page, const Status& why) {
  unreadable_.insert(page);
  damage_.pages = unreadable_.size();
  if (damage_.pages > 1) return;
  damage_.why = why.ToString();
  repository_.log().Warning(
      "of backup \"" + parent_.manifest.label +
      "\" a page of its file map cannot be read; what it was to tell of is stored anew: " + damage_.why);
}

Result<std::vector<uint32_t>> ParentPages::ReadKept(const OpContext& ctx) {
  assert(!kept_read_);
  kept_read_ = true;
  std::vector<uint32_t> unreadable;
  for (uint32_t page = 0; page < plan_.kept.size(); page++) {
    if (!plan_.kept[page]) continue;
    Status read = StreamMapPage(repository_, parent_.manifest.packs, parent_.list.pages[page], {}, ctx);
    if (read.ok()) continue;
    if (!IsDamageOfPage(read)) return read;
    NoteUnreadable(page, read);
    plan_.kept[page] = false;
    unreadable.push_back(page);
  }
  return unreadable;
}

void ParentPages::TakeKept(ParentPacks& packs, std::vector<MapPage>& pages) const {
  for (size_t i = 0; i < plan_.kept.size(); i++) {
    if (!plan_.kept[i]) continue;
    MapPage& page = pages.emplace_back(parent_.list.pages[i]);
    for (uint32_t& pack : page.packs) pack = packs.Take(pack);
  }
}

}  // namespace pitr
