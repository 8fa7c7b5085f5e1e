#include "core/repo/wal/wal_compare.h"

#include <algorithm>
#include <optional>

#include "core/pg/wal_extent.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_check.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/store/absence.h"

namespace pitr {
namespace {

struct WalComparison {
  uint64_t limit = UINT64_MAX;  // bytes to compare
  uint64_t stored_object_bytes = 0;
  uint64_t stored_plain_bytes = 0;
  std::optional<uint64_t> first_difference;  // among the bytes both have
  FirstBytes stored_first;
};

// Raises `comparison` by the next plain bytes of the stored file.
Status CompareNext(ByteView stored, const WalSource& source, Bytes& local, WalComparison& comparison) {
  comparison.stored_first.Take(stored);
  const uint64_t offset = comparison.stored_plain_bytes;
  comparison.stored_plain_bytes += stored.size();
  const uint64_t end = std::min(comparison.limit, source.size_bytes());
  if (comparison.first_difference || offset >= end) return Status::Ok();  // only its size is still of interest
  local.resize(std::min<uint64_t>(stored.size(), end - offset));
  PITR_TRY(source.ReadAt(offset, local));
  const auto differs = std::mismatch(local.begin(), local.end(), stored.begin());
  if (differs.first != local.end())
    comparison.first_difference = offset + static_cast<uint64_t>(differs.first - local.begin());
  return Status::Ok();
}

std::string DescribeHeader(const char* which, ByteView first_bytes) {
  auto header = CheckSegmentHeader(first_bytes);
  if (!header.ok()) return std::string(which) + " has no WAL segment header.";
  return std::string(which) + " is of system identifier " + std::to_string(header.value().system_id.value) +
         ", timeline " + std::to_string(header.value().timeline.value) + ", position " +
         header.value().start.ToString() + ".";
}

Status Different(const std::string& key, const WalSource& source, const WalComparison& comparison) {
  std::string detail = "The stored file has " + std::to_string(comparison.stored_plain_bytes) +
                       " bytes, the local one has " + std::to_string(source.size_bytes()) + "; they differ from byte " +
                       std::to_string(comparison.first_difference.value_or(
                           std::min(comparison.stored_plain_bytes, source.size_bytes()))) +
                       " on.";
  std::array<uint8_t, kLongWalPageHeaderSize> first{};
  const bool segment = source.size_bytes() >= first.size() && IsValidSegmentSize(source.size_bytes());
  if (segment && source.ReadAt(0, first).ok())
    detail += " " + DescribeHeader("The stored one", comparison.stored_first.view()) + " " +
              DescribeHeader("The local one", first);
  return Status(Code::kConflict, "another file with different content is stored as \"" + key + "\"; it was left alone")
      .WithDetail(std::move(detail))
      .WithHint(
          "Two servers seem to write to one repository: a former primary that still runs, a copy of this cluster, or "
          "one restored to an "
          "earlier state without a new timeline. Stop the wrong one, or give it a repository of its own.");
}

}  // namespace

Result<uint64_t> CompareWithStored(const Repository& repository, const StoredWal& stored, const WalSource& source,
                                   const OpContext& ctx) {
  const std::string& key = stored.key;
  WalComparison comparison;
  comparison.limit = stored.first_bytes.value_or(UINT64_MAX);
  Bytes local;
  ObjectStreamReader reader(stored.kind, key, repository.key(),
                            [&](ByteView plain) { return CompareNext(plain, source, local, comparison); });
  Status status = repository.store().Get(
      key, {},
      [&](ByteView piece) {
        comparison.stored_object_bytes += piece.size();
        return reader.Feed(piece);
      },
      ctx);
  if (status.code() == Code::kNotFound) {
    PITR_ASSIGN(const bool there, IsThere(repository.store(), key, ctx));
    if (there)
      return Status(Code::kUnavailable, "the store has object \"" + key + "\" and says that it does not exist");
    return Status(Code::kNotFound, "object \"" + key + "\" is not in the repository");
  }
  if (status.ok()) status = reader.Finish().status();
  if (!status.ok())
    return std::move(status).Annotate("an object of this name is stored and was left alone, but it cannot be compared");
  PITR_TRY(source.CheckUnchanged());
  const bool as_long = stored.first_bytes ? comparison.stored_plain_bytes >= *stored.first_bytes
                                          : comparison.stored_plain_bytes == source.size_bytes();
  if (comparison.first_difference || !as_long) return Different(key, source, comparison);
  // Who asks whether it is stored will rely on it.
  PITR_TRY(repository.store().Settle({key}, ctx));
  return comparison.stored_object_bytes;
}

Status ExplainDifference(const Repository& repository, const WalFileName& name, const WalSource& source,
                         Status difference, const OpContext& ctx) {
  const uint32_t segment_size = repository.segment_size();
  const Lsn start = SegmentStart(name.segment, segment_size);
  const std::string segment = SegmentFileName(name.timeline, name.segment, segment_size);
  if (name.kind != WalFileKind::kSegment || difference.code() != Code::kConflict) return difference;
  auto stored = FetchWalBytes(repository, segment, ctx);
  if (!stored.ok()) return difference;
  SegmentPageSource pages(segment_size, [&](SegmentNo no) -> Result<ByteView> {
    return no == name.segment ? ByteView(stored.value()) : ByteView();
  });
  auto extent = FindWalExtent(pages, start, segment_size, TornRecord::kDamage);
  if (!extent.ok() || extent.value().whole) return difference;
  const size_t end = extent.value().end.value - start.value;
  Bytes local(end);
  if (!source.ReadAt(0, local).ok() || !std::equal(local.begin(), local.end(), stored.value().begin()))
    return difference;
  const std::string key = layout::WalKey(segment);
  return Status(Code::kConflict, "an unfinished copy of this segment is stored as \"" + key + "\"; it was left alone")
      .WithDetail("The stored one ends at " + extent.value().end.ToString() +
                  ". Up to there both are the same; the local one goes on.")
      .WithHint("Everything in the stored object is also in the local file. Delete the object \"" + key +
                "\" from the repository: then the whole segment can be stored.");
}

}  // namespace pitr
