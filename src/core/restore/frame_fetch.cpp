#include "core/restore/frame_fetch.h"

#include <xxhash.h>
#include <cassert>

#include <algorithm>

#include "core/base/parallel_for.h"
#include "core/restore/backup_map.h"

namespace pitr {

struct FrameFetcher::Worker {
  explicit Worker(const RepositoryKey* key) : decoder(key) {}
  ObjectDecoder decoder;
  std::optional<uint32_t> open_pack;
  std::optional<uint32_t> decoded;  // the frame in `plain`
  Bytes stored;
  Bytes plain;
};

std::vector<PackRead> PlanFetches(const FileMap& map, const std::vector<NeededExtent>& needed, uint64_t range_bytes,
                                  uint64_t gap_bytes) {
  std::vector<PackRead> reads;
  for (size_t i = 0; i < needed.size(); ++i) {
    const MappedFrame& frame = map.frames[map.files[needed[i].file].extents[needed[i].extent].frame];
    AddToReads(reads, i, frame.pack, frame.ref, range_bytes, gap_bytes);
  }
  return reads;
}

FrameFetcher::FrameFetcher(const Repository& repository, const BackupManifest& backup, int jobs, Progress& progress)
    : repository_(repository), backup_(backup), progress_(progress) {
  for (int i = 0; i < std::max(jobs, 1); ++i) workers_.push_back(std::make_unique<Worker>(repository.key()));
}

FrameFetcher::~FrameFetcher() = default;

Status FrameFetcher::OpenPack(uint32_t pack, Worker& worker, const OpContext& ctx) {
  if (worker.open_pack == pack) return Status::Ok();
  if (pack >= backup_.packs.size())
    return {Code::kCorruption, "the file map names a pack that the manifest does not have"};
  const std::string& key = backup_.packs[pack].key;
  Bytes header;
  {
    // Held while reading: the workers that want the same header need not ask again.
    std::lock_guard lock(mutex_);
    auto known = headers_.find(pack);
    if (known == headers_.end()) {
      PITR_ASSIGN(Bytes read, GetRange(repository_.store(), key, 0, kObjectHeaderBytes, ctx));
      known = headers_.emplace(pack, std::move(read)).first;
    }
    header = known->second;
  }
  worker.open_pack.reset();
  PITR_TRY(worker.decoder.Open(ObjectKind::kPack, key, header));
  worker.open_pack = pack;
  return Status::Ok();
}

Status FrameFetcher::Read(const PackRead& range, Worker& worker, const OpContext& ctx) {
  PITR_TRY(OpenPack(range.pack, worker, ctx));
  worker.stored.clear();
  worker.stored.reserve(range.end - range.begin);
  const std::string& key = backup_.packs[range.pack].key;
  const ByteRange bytes{range.begin, range.end - range.begin};
  PITR_TRY(repository_.store().Get(
      key, bytes,
      [&](ByteView piece) {
        worker.stored.insert(worker.stored.end(), piece.begin(), piece.end());
        progress_.bytes_stored.fetch_add(piece.size(), std::memory_order_relaxed);
        return Status::Ok();
      },
      ctx));
  if (worker.stored.size() != bytes.length)
    return {Code::kCorruption, "reading \"" + key + "\" gave another number of bytes than was asked for"};
  fetched_.fetch_add(bytes.length, std::memory_order_relaxed);
  return Status::Ok();
}

// The frame of `needed`, unless it is there already, and whether the extent in it is right. `begin`: of what was read.
Status FrameFetcher::Decode(const Wanted& wanted, const NeededExtent& needed, uint64_t begin, Worker& worker) {
  const MappedFile& file = wanted.map.files[needed.file];
  const Extent& extent = file.extents[needed.extent];
  if (worker.decoded != extent.frame) {
    const FrameRef& ref = wanted.map.frames[extent.frame].ref;
    worker.decoded.reset();
    worker.plain.resize(ref.plain_bytes);
    assert(ref.offset >= begin && ref.offset - begin + ref.stored_bytes <= worker.stored.size());
    const ByteView frame = ByteView(worker.stored).subspan(ref.offset - begin, ref.stored_bytes);
    PITR_TRY(worker.decoder.DecodeFrame(ref.offset, frame, worker.plain));
    worker.decoded = extent.frame;
  }
  assert(uint64_t{extent.frame_offset} + extent.length <= worker.plain.size());
  const ByteView bytes = ByteView(worker.plain).subspan(extent.frame_offset, extent.length);
  if (extent.checked && XXH3_64bits(bytes.data(), bytes.size()) != extent.check)
    return {Code::kCorruption, "the backup's bytes of file \"" + file.path + "\" at offset " +
                                   std::to_string(extent.file_offset) + " do not have the checksum in its file map"};
  return Status::Ok();
}

Status FrameFetcher::FetchOne(const PackRead& range, const Wanted& wanted, Worker& worker, int number,
                              const OpContext& ctx) {
  worker.decoded.reset();
  if (Status read = Read(range, worker, ctx); !read.ok()) return OfDamagedBackup(std::move(read), backup_.label);
  for (size_t i = range.first; i < range.first + range.count; ++i) {
    const NeededExtent& needed = wanted.extents[i];
    if (Status decoded = Decode(wanted, needed, range.begin, worker); !decoded.ok())
      return OfDamagedBackup(std::move(decoded), backup_.label);
    const Extent& extent = wanted.map.files[needed.file].extents[needed.extent];
    PITR_TRY(wanted.write(needed, extent, ByteView(worker.plain).subspan(extent.frame_offset, extent.length), number));
    progress_.bytes_done.fetch_add(extent.length, std::memory_order_relaxed);
  }
  return Status::Ok();
}

Status FrameFetcher::Fetch(const FileMap& map, const std::vector<NeededExtent>& needed, const Write& write,
                           const OpContext& ctx) {
  const std::vector<PackRead> ranges = PlanFetches(map, needed);
  const Wanted wanted{map, needed, write};
  return ParallelFor(static_cast<int>(workers_.size()), ranges.size(), ctx, [&](size_t index, int worker) {
    return FetchOne(ranges[index], wanted, *workers_[static_cast<size_t>(worker)], worker, ctx);
  });
}

}  // namespace pitr
