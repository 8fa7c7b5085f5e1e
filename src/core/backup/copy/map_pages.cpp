#include "core/backup/copy/map_pages.h"

#include <cassert>

#include "core/repo/maps/file_map_writer.h"

namespace pitr {
namespace {

constexpr size_t kSmallPart = 4;  // a page that is less than this part of a full one is small

class PageCutter {
 public:
  PageCutter(const CompleteFiles& files, MapPageStore& store) : files_(files), store_(store) {}

  Status Add(const FileRange& range) {
    // A page has all files from its first to its last.
    assert(range.first >= end_ && range.first <= range.end);
    if (range.first != end_) PITR_TRY(store_.EndPage());
    const bool goes_on = range.page == page_ && range.first == end_;
    end_ = range.end;
    page_ = range.page;
    if (range.page == FileRange::kNoPage) return AddRange(range, kPageFiles, kPageExtents);
    const bool small =
        store_.page_files() < kPageFiles / kSmallPart && store_.page_extents() < kPageExtents / kSmallPart;
    if (!small && !goes_on) PITR_TRY(store_.EndPage());
    // Room for what comes between the files that are there, before all of them are cut anew.
    return AddRange(range, range.end - range.first <= 2 * kPageFiles ? 3 * kPageFiles : kPageFiles, 2 * kPageExtents);
  }

 private:
  // In pages of about `files` and `extents`.
  Status AddRange(const FileRange& range, size_t files, size_t extents) {
    for (uint32_t i = range.first; i < range.end; i++) {
      if (files_.vanished[i]) continue;
      const MappedFile& listed = files_.listing[i];
      if (IsDatabaseFile(listed.path) != of_databases_ || store_.page_files() >= files ||
          store_.page_extents() >= extents)
        PITR_TRY(store_.EndPage());
      of_databases_ = IsDatabaseFile(listed.path);
      MappedFile file = listed;
      file.extents = files_.extents.Of(i, listed.size_bytes);
      store_.Add(std::move(file));
    }
    return Status::Ok();
  }

  const CompleteFiles& files_;
  MapPageStore& store_;
  bool of_databases_ = false;
  uint32_t end_ = 0;  // of the range before
  uint32_t page_ = FileRange::kNoPage;
};

}  // namespace

Result<std::vector<MapPage>> StoreMapPages(const Repository& repository, const std::string& label, uint32_t first_page,
                                           const CompleteFiles& files, const OpContext& ctx) {
  MapPageStore store(repository, label, files.packs, files.frames, first_page, ctx);
  PageCutter cutter(files, store);
  for (const FileRange& range : files.ranges) PITR_TRY(cutter.Add(range));
  return store.Finish();
}

}  // namespace pitr
