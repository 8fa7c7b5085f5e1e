#include "core/backup/data/page_check.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/pg/page.h"
#include "core/pg/relation_file.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr int64_t kMaxPauseMillis = 64;
constexpr size_t kMaxNewer = 10000;

bool IsBefore(const PageError& a, const PageError& b) { return a.path != b.path ? a.path < b.path : a.block < b.block; }

uint32_t SegmentOfFile(const std::string& path) {
  const auto name = ParseRelationFileName(std::string_view(path).substr(path.rfind('/') + 1));
  return name ? name->segment : 0;
}

}  // namespace

void PageFindings::AddBad(const std::string& path, uint32_t block) {
  std::lock_guard lock(mutex_);
  count_++;
  if (errors_.size() < kMaxPageErrors) errors_.push_back({path, block});
}

void PageFindings::AddNewer(const std::string& path, uint32_t block, Lsn lsn) {
  std::lock_guard lock(mutex_);
  const auto later = [](const Newer& a, const Newer& b) { return a.lsn > b.lsn; };
  newer_.push_back({{path, block}, lsn});
  std::push_heap(newer_.begin(), newer_.end(), later);
  if (newer_.size() <= kMaxNewer) return;
  // The earliest is the least suspicious.
  std::pop_heap(newer_.begin(), newer_.end(), later);
  newer_.pop_back();
}

void PageFindings::Settle(Lsn stop) {
  std::vector<Newer> newer;
  {
    std::lock_guard lock(mutex_);
    newer.swap(newer_);
  }
  for (const Newer& page : newer)
    if (page.lsn > stop) AddBad(page.page.path, page.page.block);
}

std::vector<PageError> PageFindings::errors() const {
  std::lock_guard lock(mutex_);
  std::vector<PageError> errors = errors_;
  std::sort(errors.begin(), errors.end(), IsBefore);
  return errors;
}

uint64_t PageFindings::count() const {
  std::lock_guard lock(mutex_);
  return count_;
}

Status PageFindings::ToStatus() const {
  const std::vector<PageError> bad = errors();
  const uint64_t total = count();
  if (total == 0) return Status::Ok();
  std::string list;
  for (size_t i = 0; i < std::min(bad.size(), kPagesInMessage); i++)
    list += (i == 0 ? "" : ", ") + ("\"" + bad[i].path + "\" block " + std::to_string(bad[i].block));
  if (total > kPagesInMessage) list += " and " + std::to_string(total - kPagesInMessage) + " more";
  return Status(Code::kCorruption,
                total == 1 ? "1 page fails its checksum" : std::to_string(total) + " pages fail their checksum")
      .WithDetail("Files and blocks in them: " + list + ".")
      .WithHint(
          "The data files of the running server are damaged. Find out what belongs to these files with "
          "pg_filenode_relation() and "
          "check the hardware; earlier backups may hold the pages undamaged. A backup of the rest can be "
          "taken by allowing page errors.");
}

Status PageChecker::Check(int fd, const std::string& path, uint64_t offset, std::span<uint8_t> bytes,
                          std::vector<uint32_t>& bad, const OpContext& ctx) {
  const uint32_t segment = SegmentOfFile(path);
  for (size_t at = 0; at + kPageSize <= bytes.size(); at += kPageSize) {
    const std::span<uint8_t> page = bytes.subspan(at, kPageSize);
    const auto block = static_cast<uint32_t>((offset + at) / kPageSize);
    if (VerifyPage(page, BlockInRelation(segment, block)) != PageVerdict::kBad) continue;
    PITR_ASSIGN(const bool right, Reread(fd, path, offset + at, segment, page, ctx));
    if (!right) bad.push_back(block);
  }
  return Status::Ok();
}

Result<bool> PageChecker::Reread(int fd, const std::string& path, uint64_t offset, uint32_t segment,
                                 std::span<uint8_t> page, const OpContext& ctx) {
  const auto block = static_cast<uint32_t>(offset / kPageSize);
  std::array<uint8_t, kPageSize> again;
  int64_t pause_millis = 1;
  for (int attempt = 0; attempt < kPageRereads; attempt++) {
    PITR_TRY(ctx.Check());
    const ssize_t got = pread(fd, again.data(), again.size(), static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return FileError(errno, "reading \"" + path + "\" again at offset " + std::to_string(offset));
    }
    if (static_cast<size_t>(got) < again.size()) return true;  // truncated meanwhile; WAL says so
    std::copy(again.begin(), again.end(), page.begin());
    if (VerifyPage(page, BlockInRelation(segment, block)) != PageVerdict::kBad) return true;
    if (const Lsn lsn = ReadPageHeader(page).lsn; lsn > start_) {
      findings_.AddNewer(path, block, lsn);
      return false;
    }
    ctx.clock->SleepMillis(pause_millis);
    pause_millis = std::min(pause_millis * 2, kMaxPauseMillis);
  }
  findings_.AddBad(path, block);
  return false;
}

}  // namespace pitr
