#include "core/repo/wal/wal_check.h"

namespace pitr {

Result<WalFileName> CheckWalName(const Repository& repository, const std::string& name) {
  std::optional<WalFileName> parsed = ParseWalFileName(name, repository.segment_size());
  if (parsed) return *parsed;
  return Status(Code::kInvalidArgument, "\"" + name + "\" is not the name of a WAL file with segments of " +
                                            std::to_string(repository.segment_size() >> 20) + " MB");
}

uint64_t MaxWalFileBytes(const Repository& repository, const WalFileName& name) {
  return IsSegmentFile(name) ? repository.segment_size() : kMaxWalTextBytes;
}

Status CheckWalContent(const Repository& repository, const WalFileName& name, ByteView first_bytes,
                       uint64_t size_bytes) {
  if (!IsSegmentFile(name)) {
    if (size_bytes == 0) return {Code::kCorruption, "the file is empty"};
    if (size_bytes <= kMaxWalTextBytes) return Status::Ok();
    return {Code::kConflict, "the file has " + std::to_string(size_bytes) + " bytes, which is too large for its kind"};
  }
  const uint32_t segment_size = repository.segment_size();
  if (size_bytes != segment_size)
    return {Code::kConflict,
            "the file has " + std::to_string(size_bytes) + " bytes, a segment has " + std::to_string(segment_size)};
  PITR_ASSIGN(const SegmentHeader header, CheckSegmentHeader(first_bytes));
  Status status =
      CheckSegmentIs(header, repository.marker().cluster.system_id, name.timeline, name.segment, segment_size);
  if (status.ok()) return status;
  // Whichever field it is: this is not the file that the name stands for.
  return Status(Code::kConflict, status.message())
      .WithDetail(status.detail())
      .WithHint(
          "The file belongs to another cluster, timeline or position. Check that pg_wal and pg_pitr.repository belong "
          "together.");
}

}  // namespace pitr
