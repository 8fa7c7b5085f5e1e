#include "core/backup/copy/reference_check.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/backup/data/page_check.h"
#include "core/base/hash.h"
#include "core/pg/page.h"
#include "core/pg/page_hints.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr size_t kMaxFindings = 1000;
constexpr int64_t kPauseMillis = 10;

// The meta page of an SP-GiST index: PostgreSQL writes into it where pages have room, without logging that
// (SpGistUpdateMetaPage). Its special space is flags, two counts and the page identifier.
bool IsSpGistMetaPage(ByteView page) {
  constexpr size_t kSpecial = kPageSize - 8;
  constexpr uint16_t kMeta = 1, kSpGistPage = 0xFF82;
  return (LoadLe<uint16_t>(&page[kSpecial]) & kMeta) != 0 && LoadLe<uint16_t>(&page[kSpecial + 6]) == kSpGistPage;
}

}  // namespace

void ReferenceFindings::Add(const std::string& path, uint32_t block) {
  std::lock_guard lock(mutex_);
  count_++;
  if (blocks_.size() < kMaxFindings) blocks_.push_back({path, block});
}

Status ReferenceFindings::ToStatus(const ChangeOrigin& source, const std::string& parent_label) const {
  std::lock_guard lock(mutex_);
  if (count_ == 0) return Status::Ok();
  std::string list;
  for (size_t i = 0; i < std::min(blocks_.size(), kPagesInMessage); i++)
    list += (i == 0 ? "" : ", ") + ("\"" + blocks_[i].path + "\" block " + std::to_string(blocks_[i].block));
  if (count_ > kPagesInMessage) list += " and " + std::to_string(count_ - kPagesInMessage) + " more";
  return Status(Code::kCorruption, std::to_string(count_) + (count_ == 1 ? " block differs" : " blocks differ") +
                                       " from backup \"" + parent_label + "\" although the change source (" +
                                       std::string(ChangeKindName(source.kind)) + ") calls " +
                                       (count_ == 1 ? "it" : "them") + " unchanged")
      .WithDetail("Files and blocks in them: " + list + ".")
      .WithHint("Take a full backup, or set pg_pitr.change_source to full_read, and report this as a bug of pg_pitr.");
}

// A page of ours may have been changed since the backup began, or differ in hints that are not logged.
bool ReferenceChecker::Excused(ByteView found, ByteView wanted) const {
  if (found.size() != kPageSize || VerifyPageHeader(found) != PageVerdict::kOk) return false;
  const Lsn lsn = ReadPageHeader(found).lsn;
  if (lsn >= start_) return true;
  if (lsn != ReadPageHeader(wanted).lsn) return false;
  return IsSpGistMetaPage(found) || (plan_.hints_may_differ && DifferInHintsOnly(found, wanted));
}

Status ReferenceChecker::CheckBlocks(const FilePiece& piece, FileSpan span, ByteView wanted,
                                     ReferenceFindings& findings, const OpContext& ctx) {
  const ByteView found = piece.BytesOf(span);
  const uint64_t offset = span.from;
  std::array<uint8_t, kPageSize> again;
  for (size_t at = 0; at < found.size();) {
    const size_t length = std::min<size_t>(kPageSize - (offset + at) % kPageSize, found.size() - at);
    const ByteView expected = wanted.subspan(at, length);
    ByteView page = found.subspan(at, length);
    for (int attempt = 0; !std::ranges::equal(page, expected) && !Excused(page, expected); attempt++) {
      PITR_TRY(ctx.Check());
      if (attempt == kPageRereads) {
        findings.Add(piece.path, static_cast<uint32_t>((offset + at) / kPageSize));
        break;
      }
      ctx.clock->SleepMillis(kPauseMillis);
      const ssize_t got = pread(piece.fd, again.data(), length, static_cast<off_t>(offset + at));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        return FileError(errno, "reading \"" + piece.path + "\" again at offset " + std::to_string(offset + at));
      if (got < static_cast<ssize_t>(length)) break;  // truncated meanwhile; WAL says so
      page = ByteView(again).first(length);
    }
    at += length;
  }
  return Status::Ok();
}

Status ReferenceChecker::Check(const FilePiece& piece, FileSpan part, std::span<const Extent> references,
                               ReferenceFindings& findings, const OpContext& ctx) {
  uint64_t at = part.from;
  const auto check_hole = [&](uint64_t to) -> Status {
    if (at >= to) return Status::Ok();
    zeroes_.assign(to - at, 0);
    return CheckBlocks(piece, {at, to}, zeroes_, findings, ctx);
  };
  for (const Extent& extent : references) {
    PITR_TRY(check_hole(extent.file_offset));
    at = extent.end();
    const FileSpan span{extent.file_offset, extent.end()};
    if (extent.checked && Xxh3Of(piece.BytesOf(span)) == extent.check) continue;
    const MappedFrame& frame = plan_.parent->frames()[extent.frame];
    PITR_ASSIGN(const ByteView plain, frames_.Read(plan_.parent->manifest().packs[frame.pack].key, frame.ref, ctx));
    PITR_TRY(CheckBlocks(piece, span, plain.subspan(extent.frame_offset, extent.length), findings, ctx));
  }
  return check_hole(part.to);
}

}  // namespace pitr
