#include "core/backup/map_pages.h"

#include "core/repo/file_map_writer.h"

namespace pitr {
namespace {

constexpr size_t kSmallPart = 4;  // a page that is less than this part of a full one is small

// Below base and pg_tblspc, where most files are and most of these stay as they are. The others are few, and something
// of them changes from backup to backup: they have pages of their own.
bool IsDatabaseFile(const std::string& path) { return path.starts_with("base/") || path.starts_with("pg_tblspc/"); }

class PageCutter {
 public:
  PageCutter(const CopiedFiles& copied, FileMapStore& store) : copied_(copied), store_(store) {}

  // The files from `first` to `end` of the listing, in pages of about `files` and `extents`.
  Status AddRange(uint32_t first, uint32_t end, size_t files, size_t extents) {
    for (uint32_t i = first; i < end; i++) {
      if (copied_.vanished[i]) continue;
      const MappedFile& listed = copied_.directory.files[i];
      if (IsDatabaseFile(listed.path) != of_databases_ || store_.page_files() >= files ||
          store_.page_extents() >= extents)
        PITR_TRY(store_.EndPage());
      of_databases_ = IsDatabaseFile(listed.path);
      MappedFile file = listed;
      file.extents = copied_.extents.Of(i, listed.size_bytes);
      store_.Add(std::move(file));
    }
    return Status::Ok();
  }

  Status AddParentRange(uint32_t first, uint32_t end) {
    const bool small =
        store_.page_files() < kPageFiles / kSmallPart && store_.page_extents() < kPageExtents / kSmallPart;
    if (!small) PITR_TRY(store_.EndPage());
    // Room for what comes between the files that are there, before all of them are cut anew.
    return AddRange(first, end, end - first <= 2 * kPageFiles ? 3 * kPageFiles : kPageFiles, 2 * kPageExtents);
  }

 private:
  const CopiedFiles& copied_;
  FileMapStore& store_;
  bool of_databases_ = false;
};

}  // namespace

Result<StoredFileMap> StoreFileMap(const Repository& repository, const std::string& label, const CopiedFiles& copied,
                                   const OpContext& ctx) {
  FileMapStore store(repository, label, copied.packs, copied.frames, ctx);
  PageCutter cutter(copied, store);
  const PagePlan& pages = copied.pages;
  if (pages.kept.empty())
    PITR_TRY(cutter.AddRange(0, static_cast<uint32_t>(copied.directory.files.size()), kPageFiles, kPageExtents));
  size_t kept = 0;
  for (size_t i = 0; i < pages.kept.size(); i++) {
    if (pages.kept[i]) {
      PITR_TRY(store.EndPage());
      store.Keep(copied.kept[kept++]);
    } else {
      PITR_TRY(cutter.AddParentRange(pages.first[i], pages.first[i + 1]));
    }
  }
  return store.Finish(copied.directory.directories, copied.directory.links);
}

}  // namespace pitr
