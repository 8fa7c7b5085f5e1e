// A run is a byte of flags for each extent and what they say follows it, as numbers of 7 bits a byte, lowest first.
// Where a piece of a file and its place in a frame can be foretold from the one before nothing follows: parts of one
// frame lie in it as they do in the file, and changed blocks behind each other. So these two kinds, which alternate,
// are each compared with the last of their own kind.
#include "core/backup/extents/packed_extents.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "core/pg/page.h"

namespace pitr {
namespace {

enum Flag : uint8_t {
  kChecked = 1,
  kGap = 2,            // since the end of the extent before
  kLengthInBytes = 4,  // instead of pages, as in the next two
  kGapInBytes = 8,
  kPlaceInBytes = 16,
  kOtherFrame = 32,  // how many frames further, forth or back
  kOtherPlace = 64   // in the frame
};

constexpr size_t kChunkBytes = size_t{256} << 10;
constexpr size_t kLargeRunBytes = kChunkBytes / 16;  // has memory of its own, so that a chunk is filled well

void AppendNumber(uint64_t value, Bytes& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value | 0x80));
  out.push_back(static_cast<uint8_t>(value));
}

uint64_t ReadNumber(const uint8_t*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *at++;
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
}

// Small numbers of either sign.
uint64_t Folded(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t Unfolded(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

// What both sides know when they come to an extent.
struct Before {
  uint64_t end = 0;                 // of the extent before
  std::array<Extent, 2> of_kind{};  // the last without and the last with a check

  Extent& Last(bool checked) { return of_kind[checked ? 1 : 0]; }
  // Where an extent would be in its frame.
  static uint32_t PlaceOf(const Extent& extent, const Extent& last) {
    if (extent.frame != last.frame)
      return extent.checked ? 0 : static_cast<uint32_t>(extent.file_offset % kDataFramePlainBytes);
    return last.frame_offset +
           (extent.checked ? last.length : static_cast<uint32_t>(extent.file_offset - last.file_offset));
  }
  void Take(const Extent& extent) {
    end = extent.end();
    Last(extent.checked) = extent;
  }
};

}  // namespace

uint8_t* PackedExtents::Allocate(size_t bytes) {
  const auto chunk = [&](size_t size) {
    chunks_.push_back(std::make_unique_for_overwrite<uint8_t[]>(size));
    held_bytes_ += size;
    return chunks_.back().get();
  };
  if (bytes >= kLargeRunBytes) return chunk(bytes);
  if (bytes > free_bytes_) {
    free_ = chunk(kChunkBytes);
    free_bytes_ = kChunkBytes;
  }
  assert(free_ != nullptr && bytes <= free_bytes_);
  uint8_t* at = free_;
  free_ += bytes;
  free_bytes_ -= bytes;
  return at;
}

PackedExtents::Run PackedExtents::Add(std::span<const Extent> extents) {
  text_.clear();
  Before before;
  for (const Extent& extent : extents) {
    const Extent& last = before.Last(extent.checked);
    assert(extent.file_offset >= before.end);
    const uint64_t gap = extent.file_offset - before.end;
    const int64_t frames = int64_t{extent.frame} - int64_t{last.frame};
    const bool other_place = extent.frame_offset != Before::PlaceOf(extent, last);
    const size_t flags_at = text_.size();
    text_.push_back(0);
    unsigned flags = (extent.checked ? kChecked : 0) | (gap != 0 ? kGap : 0) | (frames != 0 ? kOtherFrame : 0) |
                     (other_place ? kOtherPlace : 0);
    const auto append_size = [&](uint64_t bytes, Flag in_bytes) {
      const bool pages = bytes % kPageSize == 0;
      if (!pages) flags |= in_bytes;
      AppendNumber(pages ? bytes / kPageSize : bytes, text_);
    };
    if (gap != 0) append_size(gap, kGapInBytes);
    append_size(extent.length, kLengthInBytes);
    if (frames != 0) AppendNumber(Folded(frames), text_);
    if (other_place) append_size(extent.frame_offset, kPlaceInBytes);
    text_[flags_at] = static_cast<uint8_t>(flags);
    if (extent.checked) AppendLe(text_, extent.check);
    before.Take(extent);
  }
  Run run{nullptr, static_cast<uint32_t>(extents.size())};
  if (extents.empty()) return run;
  uint8_t* at = Allocate(text_.size());
  std::memcpy(at, text_.data(), text_.size());
  run.at = at;
  return run;
}

void PackedExtents::Read(Run run, FileSpan span, std::vector<Extent>& out) {
  assert(run.at != nullptr || run.count == 0);
  Before before;
  const uint8_t* at = run.at;
  for (uint32_t i = 0; i < run.count; i++) {
    const uint8_t flags = *at++;
    Extent extent;
    extent.checked = (flags & kChecked) != 0;
    const Extent& last = before.Last(extent.checked);
    const auto read_size = [&](Flag in_bytes) { return ReadNumber(at) * ((flags & in_bytes) != 0 ? 1 : kPageSize); };
    extent.file_offset = before.end + ((flags & kGap) != 0 ? read_size(kGapInBytes) : 0);
    if (extent.file_offset >= span.to) return;
    extent.length = static_cast<uint32_t>(read_size(kLengthInBytes));
    extent.frame = last.frame;
    if ((flags & kOtherFrame) != 0)
      extent.frame = static_cast<uint32_t>(int64_t{last.frame} + Unfolded(ReadNumber(at)));
    extent.frame_offset =
        (flags & kOtherPlace) != 0 ? static_cast<uint32_t>(read_size(kPlaceInBytes)) : Before::PlaceOf(extent, last);
    if (extent.checked) {
      extent.check = LoadLe<uint64_t>(at);
      at += sizeof extent.check;
    }
    if (extent.end() > span.from) out.push_back(extent);
    before.Take(extent);
  }
}

}  // namespace pitr
