#include "core/backup/extents/block_split.h"

#include <algorithm>
#include <cassert>

#include "core/base/hash.h"
#include "core/pg/page.h"

namespace pitr {
namespace {

// Of a span, in eighths: more than this is stored as one piece, which costs little and keeps the map small.
constexpr uint64_t kAlmostAll = 7;

void Add(std::vector<FileSpan>& spans, FileSpan span) {
  if (span.from >= span.to) return;
  if (!spans.empty() && spans.back().to >= span.from) {
    spans.back().to = std::max(spans.back().to, span.to);
  } else {
    spans.push_back(span);
  }
}

// What is made here: ascending, neither touching nor empty.
[[maybe_unused]] bool AreApart(const std::vector<FileSpan>& spans) {
  return std::all_of(spans.begin(), spans.end(), [](const FileSpan& span) { return span.from < span.to; }) &&
         std::adjacent_find(spans.begin(), spans.end(),
                            [](const FileSpan& a, const FileSpan& b) { return a.to >= b.from; }) == spans.end();
}

bool Covers(std::span<const Extent> extents, FileSpan span) {
  uint64_t at = span.from;
  for (const Extent& extent : ExtentsWithin(extents, span)) {
    if (extent.file_offset > at) return false;
    at = extent.end();
  }
  return at >= span.to;
}

bool MustStore(ByteView page, const PageLsnRule& rule) {
  if (VerifyPageHeader(page) != PageVerdict::kOk) return true;
  const Lsn lsn = ReadPageHeader(page).lsn;
  return lsn >= rule.start || lsn < rule.first_logged;
}

}  // namespace

std::span<const Extent> ExtentsWithin(std::span<const Extent> extents, FileSpan span) {
  const auto first = std::partition_point(extents.begin(), extents.end(),
                                          [&](const Extent& extent) { return extent.end() <= span.from; });
  const auto last =
      std::partition_point(first, extents.end(), [&](const Extent& extent) { return extent.file_offset < span.to; });
  return {first, last};
}

std::vector<FileSpan> DifferingSpans(std::span<const Extent> extents, uint64_t offset, ByteView bytes) {
  std::vector<FileSpan> differing;
  const FileSpan range{offset, offset + bytes.size()};
  uint64_t at = offset;
  const auto uncovered = [&](uint64_t to) {
    if (at < to && !AllZero(bytes.subspan(at - offset, to - at))) Add(differing, {at, to});
  };
  for (const Extent& extent : ExtentsWithin(extents, range)) {
    uncovered(std::max(extent.file_offset, offset));
    const bool whole = extent.file_offset >= range.from && extent.end() <= range.to;
    const FileSpan part{std::max(extent.file_offset, range.from), std::min(extent.end(), range.to)};
    assert(at <= part.from && part.from <= part.to);
    if (!whole || !extent.checked || Xxh3Of(bytes.subspan(part.from - offset, part.to - part.from)) != extent.check)
      Add(differing, part);
    at = part.to;
  }
  uncovered(range.to);
  assert(AreApart(differing));
  return differing;
}

std::vector<FileSpan> NewerSpans(const std::vector<FileSpan>& differing, std::span<const Extent> extents,
                                 uint64_t offset, ByteView bytes, const PageLsnRule& rule,
                                 std::span<const uint32_t> bad_blocks) {
  assert(offset % kPageSize == 0 && std::is_sorted(bad_blocks.begin(), bad_blocks.end()));
  std::vector<FileSpan> newer;
  const uint64_t end = offset + bytes.size();
  for (const FileSpan& span : differing) {
    assert(offset <= span.from && span.to <= end);
    std::vector<FileSpan> here;
    uint64_t stored = 0;
    for (uint64_t at = span.from / kPageSize * kPageSize; at < span.to; at += kPageSize) {
      const FileSpan page{at, std::min<uint64_t>(at + kPageSize, end)};
      const bool whole = page.to - page.from == kPageSize;
      if (whole && !MustStore(bytes.subspan(at - offset, kPageSize), rule) && Covers(extents, page) &&
          !std::binary_search(bad_blocks.begin(), bad_blocks.end(), static_cast<uint32_t>(at / kPageSize)))
        continue;
      Add(here, page);
      stored += page.to - page.from;
    }
    if (stored * 8 >= (span.to - span.from) * kAlmostAll) {
      Add(newer, span);
    } else {
      for (const FileSpan& page : here) Add(newer, page);
    }
  }
  return newer;
}

std::vector<FileSpan> BlockSpans(const std::vector<uint32_t>& blocks, uint32_t all_from, FileSpan range) {
  std::vector<FileSpan> spans;
  const uint64_t first = range.from / kPageSize;
  for (auto at = std::lower_bound(blocks.begin(), blocks.end(), first); at != blocks.end(); ++at) {
    const uint64_t from = uint64_t{*at} * kPageSize;
    if (from >= range.to) break;
    Add(spans, {std::max(from, range.from), std::min(from + kPageSize, range.to)});
  }
  const uint64_t rest = uint64_t{all_from} * kPageSize;
  if (rest < range.to) {
    while (!spans.empty() && spans.back().from >= rest) spans.pop_back();
    Add(spans, {std::max(rest, range.from), range.to});
  }
  assert(AreApart(spans));
  return spans;
}

std::vector<FileSpan> Intersect(const std::vector<FileSpan>& a, const std::vector<FileSpan>& b) {
  std::vector<FileSpan> common;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    Add(common, {std::max(a[i].from, b[j].from), std::min(a[i].to, b[j].to)});
    if (a[i].to < b[j].to) {
      i++;
    } else {
      j++;
    }
  }
  assert(AreApart(common));
  return common;
}

std::vector<FileSpan> BoundPieces(const std::vector<FileSpan>& stored, std::span<const Extent> extents,
                                  FileSpan range) {
  std::vector<FileSpan> bounded;
  std::vector<FileSpan> here;
  auto next = stored.begin();
  for (uint64_t at = range.from; next != stored.end() && at < range.to;) {
    const FileSpan stretch{at, std::min<uint64_t>(at - at % kDataFramePlainBytes + kDataFramePlainBytes, range.to)};
    here.clear();
    for (auto span = next; span != stored.end() && span->from < stretch.to; ++span)
      Add(here, {std::max(span->from, stretch.from), std::min(span->to, stretch.to)});
    while (next != stored.end() && next->to <= stretch.to) ++next;
    size_t pieces = here.size();
    for (const FileSpan& rest : Complement(here, stretch)) pieces += ExtentsWithin(extents, rest).size();
    if (!here.empty() && pieces > kMaxPiecesPerStretch) {
      Add(bounded, stretch);
    } else {
      for (const FileSpan& span : here) Add(bounded, span);
    }
    assert(stretch.to > at);
    at = stretch.to;
  }
  assert(AreApart(bounded));
  return bounded;
}

std::vector<FileSpan> Complement(const std::vector<FileSpan>& spans, FileSpan range) {
  std::vector<FileSpan> rest;
  uint64_t at = range.from;
  for (const FileSpan& span : spans) {
    Add(rest, {at, std::min(span.from, range.to)});
    at = std::max(at, span.to);
  }
  Add(rest, {at, range.to});
  assert(AreApart(rest));
  return rest;
}

void ReferTo(std::span<const Extent> extents, FileSpan span, std::vector<Extent>& out) {
  for (const Extent& extent : ExtentsWithin(extents, span)) {
    if (extent.file_offset >= span.from && extent.end() <= span.to) {
      out.push_back(extent);
      continue;
    }
    const uint64_t from = std::max(extent.file_offset, span.from);
    Extent part = extent;
    part.frame_offset += static_cast<uint32_t>(from - extent.file_offset);
    part.file_offset = from;
    part.length = static_cast<uint32_t>(std::min(extent.end(), span.to) - from);
    assert(part.length > 0 && part.length < extent.length);
    part.checked = false;
    part.check = 0;
    out.push_back(part);
  }
}

}  // namespace pitr
