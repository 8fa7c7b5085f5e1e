#include "core/verify/pack_frames.h"

#include <algorithm>
#include <tuple>

namespace pitr {
namespace {

auto Order(const KnownFrame& frame) {
  return std::tuple(frame.pack, frame.offset, frame.stored_bytes, frame.plain_bytes);
}
auto Order(const KnownExtent& extent) {
  return std::tuple(extent.pack, extent.offset, extent.frame_offset, extent.length, extent.check);
}

template <class T>
void SortOnce(std::vector<T>& list) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return Order(a) < Order(b); });
  list.erase(std::unique(list.begin(), list.end(), [](const T& a, const T& b) { return Order(a) == Order(b); }),
             list.end());
}

// A frame of the page that lies in one of the packs.
struct Numbered {
  uint32_t number;
  uint32_t pack;
  uint64_t offset;
};

Status CollectFrom(const Repository& repository, const CheckedPacks& table, const TabledPage& page, size_t first,
                   size_t end, PackFrames& known, const OpContext& ctx) {
  std::vector<Numbered> numbered;
  uint32_t number = 0;
  FileMapSink sink;
  sink.frame = [&](const MappedFrame& frame) {
    if (frame.pack >= first && frame.pack < end) {
      numbered.push_back({number, frame.pack, frame.ref.offset});
      known.frames.push_back({frame.pack, frame.ref.stored_bytes, frame.ref.plain_bytes, frame.ref.offset});
    }
    ++number;
    return Status::Ok();
  };
  sink.file = [&](MappedFile&& file) {
    for (const Extent& extent : file.extents) {
      const auto at = std::lower_bound(numbered.begin(), numbered.end(), extent.frame,
                                       [](const Numbered& a, uint32_t wanted) { return a.number < wanted; });
      if (extent.checked && at != numbered.end() && at->number == extent.frame)
        known.extents.push_back({at->pack, extent.frame_offset, at->offset, extent.length, extent.check});
    }
    return Status::Ok();
  };
  Status read = StreamTabledPage(repository, table, page, std::move(sink), ctx);
  // It was there when the verification began: its backups have been deleted since.
  return read.code() == Code::kNotFound ? Status::Ok() : read;
}

}  // namespace

Status StreamTabledPage(const Repository& repository, const CheckedPacks& table, const TabledPage& page,
                        FileMapSink sink, const OpContext& ctx) {
  // Those of the page alone: with all of the table each page would cost as much as the table.
  std::vector<PackEntry> packs;
  MapPage of_packs = page.page;
  for (uint32_t& pack : of_packs.packs) {
    packs.push_back({table.packs[pack].key, table.packs[pack].size});
    pack = static_cast<uint32_t>(packs.size() - 1);
  }
  FileMapSink to_table = sink;
  to_table.frame = [&](const MappedFrame& frame) {
    return sink.frame ? sink.frame({page.page.packs[frame.pack], frame.ref}) : Status::Ok();
  };
  return StreamMapPage(repository, packs, of_packs, std::move(to_table), ctx);
}

size_t EndOfWindow(const CheckedPacks& table, size_t first, uint64_t max_extents) {
  uint64_t extents = 0;
  size_t end = first;
  while (end < table.packs.size() && (end == first || extents + table.packs[end].extents <= max_extents))
    extents += table.packs[end++].extents;
  return end;
}

Result<PackFrames> CollectFrames(const Repository& repository, const CheckedPacks& table, size_t first, size_t end,
                                 const OpContext& ctx) {
  PackFrames known;
  for (const TabledPage& page : table.pages) {
    const bool here = std::any_of(page.page.packs.begin(), page.page.packs.end(),
                                  [&](uint32_t pack) { return pack >= first && pack < end; });
    if (page.mapped && here) PITR_TRY(CollectFrom(repository, table, page, first, end, known, ctx));
  }
  SortOnce(known.frames);
  SortOnce(known.extents);
  return known;
}

std::vector<PackRead> PlanReads(const CheckedPacks& table, const PackFrames& known) {
  std::vector<PackRead> reads;
  for (size_t i = 0; i < known.frames.size(); ++i) {
    const KnownFrame& frame = known.frames[i];
    if (frame.offset + frame.stored_bytes > table.packs[frame.pack].stored.value_or(0)) continue;
    AddToReads(reads, i, frame.pack, {frame.offset, frame.stored_bytes, frame.plain_bytes});
  }
  return reads;
}

}  // namespace pitr
