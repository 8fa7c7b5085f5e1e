// Which parts of a file an increment stores, and how what it does not store refers to the parent's frames. Pure.
//
// Everything works on one range of the file of which the bytes are at hand. What is not to be stored is either covered
// by extents of the parent or zero, there and here.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/pg/lsn.h"
#include "core/repo/maps/file_map.h"

namespace pitr {

// Bytes [from, to) of a file.
struct FileSpan {
  uint64_t from = 0;
  uint64_t to = 0;
  bool operator==(const FileSpan&) const = default;
};

// Those of `extents` (ascending) that have bytes in `span`.
std::span<const Extent> ExtentsWithin(std::span<const Extent> extents, FileSpan span);

// What is not proven equal to the parent's by the checksums of extents that lie wholly in the range, or by being zero
// where the parent has nothing. `offset`: of `bytes` in the file. Ascending, neither touching nor empty.
std::vector<FileSpan> DifferingSpans(std::span<const Extent> extents, uint64_t offset, ByteView bytes);

// Of `differing`, what page LSNs say is to be stored: pages changed at `start` or later, and whatever cannot be
// judged: a page that is new, not sane, never logged (an LSN before `first_logged`), in `bad_blocks` (of the file,
// ascending), not covered by `extents`, or incomplete. `offset` is a multiple of the page size. A span that is almost
// wholly to be stored is stored wholly.
struct PageLsnRule {
  Lsn start;         // of the parent backup
  Lsn first_logged;  // no WAL record of this cluster ends before
};
std::vector<FileSpan> NewerSpans(const std::vector<FileSpan>& differing, std::span<const Extent> extents,
                                 uint64_t offset, ByteView bytes, const PageLsnRule& rule,
                                 std::span<const uint32_t> bad_blocks);

// Blocks of a set, and all from `all_from` on, as spans cut to [range.from, range.to).
std::vector<FileSpan> BlockSpans(const std::vector<uint32_t>& blocks, uint32_t all_from, FileSpan range);

// The parts common to both; each ascending and without overlap.
std::vector<FileSpan> Intersect(const std::vector<FileSpan>& a, const std::vector<FileSpan>& b);

// What a stretch of a file is put together from at the most: a stretch is what backups cut files into, as long as a
// frame. It bounds the memory that file maps take and the number of frames that a restore of the stretch needs. Half of
// the blocks changed at random at once make 64; with 1 % changed before each backup a chain of 30 has some 56 in the
// end.
inline constexpr size_t kMaxPiecesPerStretch = 96;

// `stored`, and all of each stretch of `range` that would be of more pieces, counting `stored` and what is left of
// `extents`. A stretch of which nothing is stored is left as it is.
std::vector<FileSpan> BoundPieces(const std::vector<FileSpan>& stored, std::span<const Extent> extents, FileSpan range);

// The rest of `range`.
std::vector<FileSpan> Complement(const std::vector<FileSpan>& spans, FileSpan range);

// References to the parent's frames for `span`. An extent that is taken as a whole keeps its checksum; a part of one
// has none. Appends to `out`.
void ReferTo(std::span<const Extent> extents, FileSpan span, std::vector<Extent>& out);

}  // namespace pitr
