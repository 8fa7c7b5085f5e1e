#include "core/restore/file_copy.h"

#include <algorithm>
#include <set>

#include "core/pg/control.h"
#include "core/restore/block_proof.h"
#include "core/restore/extent_writer.h"
#include "core/restore/file_prepare.h"
#include "core/restore/frame_fetch.h"

namespace pitr {
namespace {

class FileCopy {
 public:
  FileCopy(const FileCopyRequest& request, WrittenFiles& files)
      : request_(request),
        files_(files),
        checks_(request.repository, request.backup),
        fetcher_(request.repository, request.backup, request.jobs, request.progress) {}

  Status Window(const FileMap& window, const OpContext& ctx) {
    const auto skip = [&](const MappedFile& file) {
      return file.path == kControlFilePath || request_.is_left(file.path);
    };
    PITR_ASSIGN(PreparedFiles prepared,
                PrepareFiles(request_.tree, window, skip, files_, request_.jobs, request_.progress, ctx));
    PITR_TRY(ProveUnchecked(request_.tree, window, request_.jobs, checks_, request_.progress, prepared, ctx));
    std::set<uint32_t> changed(prepared.changed.begin(), prepared.changed.end());
    for (const NeededExtent& needed : prepared.needed) changed.insert(needed.file);
    copied_.files_same += prepared.files - changed.size();
    copied_.bytes_compared += prepared.bytes_compared;
    ExtentWriter writer(request_.tree, window, files_, request_.jobs);
    PITR_TRY(fetcher_.Fetch(
        window, prepared.needed,
        [&](const NeededExtent& which, const Extent& extent, ByteView bytes, int worker) {
          return writer.Write(which, extent, bytes, worker);
        },
        ctx));
    copied_.bytes_written += writer.bytes_written();
    files_.EndNumbers();
    return Control(window, ctx);
  }

  CopiedTree Finish() {
    copied_.bytes_fetched = fetcher_.bytes_fetched() + checks_.bytes_fetched();
    return std::move(copied_);
  }

 private:
  Status Control(const FileMap& window, const OpContext& ctx) {
    const auto control = std::lower_bound(window.files.begin(), window.files.end(), kControlFilePath,
                                          [](const MappedFile& file, const char* path) { return file.path < path; });
    if (control == window.files.end() || control->path != kControlFilePath) return Status::Ok();
    const auto index = static_cast<uint32_t>(control - window.files.begin());
    std::vector<NeededExtent> needed;
    for (uint32_t i = 0; i < control->extents.size(); ++i) needed.push_back({index, i});
    copied_.control.assign(control->size_bytes, 0);
    copied_.control_mode = control->mode;
    return fetcher_.Fetch(
        window, needed,
        [&](const NeededExtent&, const Extent& extent, ByteView bytes, int) {
          std::copy(bytes.begin(), bytes.end(), copied_.control.begin() + static_cast<ptrdiff_t>(extent.file_offset));
          return Status::Ok();
        },
        ctx);
  }

  const FileCopyRequest& request_;
  WrittenFiles& files_;
  KnownChecks checks_;
  FrameFetcher fetcher_;
  CopiedTree copied_;
};

}  // namespace

Result<CopiedTree> CopyMappedFiles(const FileCopyRequest& request, WrittenFiles& files, const OpContext& ctx) {
  FileCopy copy(request, files);
  PITR_TRY(request.map.Visit([&](const FileMap& window) { return copy.Window(window, ctx); }, ctx));
  return copy.Finish();
}

}  // namespace pitr
