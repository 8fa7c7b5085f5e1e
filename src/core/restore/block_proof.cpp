#include "core/restore/block_proof.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/base/parallel_for.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

// Positions in `needed` of one pack's extents.
struct Group {
  uint32_t pack = 0;
  std::vector<size_t> extents;
};

std::vector<Group> GroupByPack(const FileMap& map, const std::vector<NeededExtent>& needed) {
  std::vector<Group> groups;
  for (size_t i = 0; i < needed.size(); i++) {
    const Extent& extent = map.files[needed[i].file].extents[needed[i].extent];
    if (extent.checked || !needed[i].held) continue;
    const uint32_t pack = map.frames[extent.frame].pack;
    if (groups.empty() || groups.back().pack != pack) groups.push_back({pack, {}});
    groups.back().extents.push_back(i);
  }
  return groups;
}

// Fewer bytes than asked for where the file ends.
Result<size_t> ReadUpTo(int fd, uint64_t offset, std::span<uint8_t> out, const std::string& where) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading \"" + where + "\"");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

class Prover {
 public:
  Prover(const ClusterTree& tree, const FileMap& map, const std::vector<NeededExtent>& needed)
      : tree_(tree), map_(map), needed_(needed), proven_(needed.size(), 0) {}

  Status ProveGroup(const Group& group, const BlockChecks& checks, const OpContext& ctx) {
    uint32_t open = UINT32_MAX;
    UniqueFd fd;
    Bytes bytes;
    for (const size_t i : group.extents) {
      PITR_TRY(ctx.Check());
      const MappedFile& file = map_.files[needed_[i].file];
      const Extent& extent = file.extents[needed_[i].extent];
      if (open != needed_[i].file) {
        PITR_ASSIGN(fd, tree_.OpenFile(file.path, O_RDONLY));
        open = needed_[i].file;
      }
      bytes.resize(extent.length);
      PITR_ASSIGN(const size_t got, ReadUpTo(fd.get(), extent.file_offset, bytes, tree_.Locate(file.path)));
      compared_.fetch_add(got, std::memory_order_relaxed);
      proven_[i] = got == bytes.size() && checks.Prove(map_.frames[extent.frame].ref, extent.frame_offset, bytes);
    }
    return Status::Ok();
  }

  bool proven(size_t i) const { return proven_[i] != 0; }
  uint64_t compared() const { return compared_.load(); }

 private:
  const ClusterTree& tree_;
  const FileMap& map_;
  const std::vector<NeededExtent>& needed_;
  std::vector<uint8_t> proven_;  // each by the one thread that has its pack
  std::atomic<uint64_t> compared_{0};
};

}  // namespace

Status ProveUnchecked(const ClusterTree& tree, const FileMap& map, int jobs, KnownChecks& known, Progress& progress,
                      PreparedFiles& prepared, const OpContext& ctx) {
  const std::vector<Group> groups = GroupByPack(map, prepared.needed);
  if (groups.empty()) return Status::Ok();
  Prover prover(tree, map, prepared.needed);
  PITR_TRY(ParallelFor(jobs, groups.size(), ctx, [&](size_t i, int) -> Status {
    PITR_ASSIGN(const auto checks, known.Of(groups[i].pack, ctx));
    return checks->empty() ? Status::Ok() : prover.ProveGroup(groups[i], *checks, ctx);
  }));
  std::vector<NeededExtent> left;
  for (size_t i = 0; i < prepared.needed.size(); i++) {
    const NeededExtent& needed = prepared.needed[i];
    if (prover.proven(i)) {
      progress.bytes_done.fetch_add(map.files[needed.file].extents[needed.extent].length, std::memory_order_relaxed);
    } else {
      left.push_back(needed);
    }
  }
  prepared.needed = std::move(left);
  prepared.bytes_compared += prover.compared();
  return Status::Ok();
}

}  // namespace pitr
