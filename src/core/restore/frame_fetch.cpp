#include "core/restore/frame_fetch.h"

#include <xxhash.h>

#include <algorithm>

#include "core/base/parallel_for.h"

namespace pitr {

struct FrameFetcher::Worker {
  explicit Worker(const RepositoryKey* key) : decoder(key) {}
  ObjectDecoder decoder;
  std::optional<uint32_t> open_pack;
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

Status FrameFetcher::OpenPack(uint32_t pack, Worker& worker, const OpContext& ctx) {
  if (worker.open_pack == pack) return Status::Ok();
  if (pack >= packs_.size()) return {Code::kCorruption, "the file map names a pack that the manifest does not have"};
  const std::string& key = packs_[pack].key;
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

Status FrameFetcher::WriteExtents(const PackRead& range, const std::vector<NeededExtent>& needed, Worker& worker,
                                  int number, const Write& write) {
  std::optional<uint32_t> decoded;
  for (size_t i = range.first; i < range.first + range.count; ++i) {
    const MappedFile& file = map_.files[needed[i].file];
    const Extent& extent = file.extents[needed[i].extent];
    const FrameRef& ref = map_.frames[extent.frame].ref;
    if (decoded != extent.frame) {
      worker.plain.resize(ref.plain_bytes);
      const ByteView frame = ByteView(worker.stored).subspan(ref.offset - range.begin, ref.stored_bytes);
      PITR_TRY(worker.decoder.DecodeFrame(ref.offset, frame, worker.plain));
      decoded = extent.frame;
    }
    const ByteView bytes = ByteView(worker.plain).subspan(extent.frame_offset, extent.length);
    if (extent.checked && XXH3_64bits(bytes.data(), bytes.size()) != extent.check)
      return {Code::kCorruption, "the backup's bytes of file \"" + file.path + "\" at offset " +
                                     std::to_string(extent.file_offset) + " do not have the checksum in its file map"};
    PITR_TRY(write(needed[i], extent, bytes, number));
    progress_.bytes_done.fetch_add(extent.length, std::memory_order_relaxed);
  }
  return Status::Ok();
}

Status FrameFetcher::FetchOne(const PackRead& range, const std::vector<NeededExtent>& needed, Worker& worker,
                              int number, const Write& write, const OpContext& ctx) {
  PITR_TRY(OpenPack(range.pack, worker, ctx));
  worker.stored.clear();
  worker.stored.reserve(range.end - range.begin);
  const ByteRange bytes{range.begin, range.end - range.begin};
  PITR_TRY(repository_.store().Get(
      packs_[range.pack].key, bytes,
      [&](ByteView piece) {
        worker.stored.insert(worker.stored.end(), piece.begin(), piece.end());
        progress_.bytes_stored.fetch_add(piece.size(), std::memory_order_relaxed);
        return Status::Ok();
      },
      ctx));
  if (worker.stored.size() != bytes.length)
    return {Code::kCorruption,
            "reading \"" + packs_[range.pack].key + "\" gave another number of bytes than was asked for"};
  fetched_.fetch_add(bytes.length, std::memory_order_relaxed);
  return WriteExtents(range, needed, worker, number, write);
}

Status FrameFetcher::Fetch(const std::vector<NeededExtent>& needed, int jobs, const Write& write,
                           const OpContext& ctx) {
  const std::vector<PackRead> ranges = PlanFetches(map_, needed);
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < std::max(jobs, 1); ++i) workers.push_back(std::make_unique<Worker>(repository_.key()));
  return ParallelFor(jobs, ranges.size(), ctx, [&](size_t index, int worker) {
    return FetchOne(ranges[index], needed, *workers[static_cast<size_t>(worker)], worker, write, ctx);
  });
}

}  // namespace pitr
