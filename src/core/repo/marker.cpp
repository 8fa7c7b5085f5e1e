#include "core/repo/marker.h"

#include <algorithm>

#include "core/base/json.h"

namespace pitr {
namespace {

constexpr size_t kRepositoryIdDigits = 32;

Result<RepositoryMarker> DecodeFields(const Json& json) {
  RepositoryMarker marker;
  PITR_ASSIGN(const uint64_t version, JsonUint(json, "pg_pitr_repository", INT32_MAX));
  if (version > kFormatVersion)
    return Status(Code::kInvalidArgument, "the repository has format version " + std::to_string(version) +
                                              ", this pg_pitr knows up to " + std::to_string(kFormatVersion))
        .WithHint("Install a newer pg_pitr.");
  if (version == 0) return Status(Code::kCorruption, "field \"pg_pitr_repository\" is out of range");
  marker.format_version = static_cast<int>(version);
  PITR_ASSIGN(marker.cluster.system_id.value, JsonUintText(json, "system_identifier"));
  PITR_ASSIGN(marker.cluster.segment_size_bytes, JsonUint(json, "segment_size", UINT32_MAX));
  if (!IsValidSegmentSize(marker.cluster.segment_size_bytes))
    return Status(Code::kCorruption, "field \"segment_size\" is not a power of two from 1 MiB to 1 GiB");
  PITR_ASSIGN(const uint64_t major, JsonUint(json, "pg_major", 1000));
  marker.cluster.pg_major = static_cast<int>(major);
  PITR_ASSIGN(marker.cluster_name, JsonString(json, "cluster_name"));
  PITR_ASSIGN(marker.repository_id, JsonString(json, "repository_id"));
  if (marker.repository_id.size() != kRepositoryIdDigits || !FromHex(marker.repository_id))
    return Status(Code::kCorruption, "field \"repository_id\" is not 32 hexadecimal digits");
  PITR_ASSIGN(marker.encrypted, JsonBool(json, "encrypted"));
  PITR_ASSIGN(marker.conditional_create, JsonBool(json, "conditional_create"));
  PITR_ASSIGN(marker.created_micros, JsonInt(json, "created"));
  return marker;
}

}  // namespace

std::string EncodeMarker(const RepositoryMarker& marker) {
  return JsonText({{"pg_pitr_repository", marker.format_version},
                   {"system_identifier", std::to_string(marker.cluster.system_id.value)},
                   {"segment_size", marker.cluster.segment_size_bytes},
                   {"pg_major", marker.cluster.pg_major},
                   {"cluster_name", marker.cluster_name},
                   {"repository_id", marker.repository_id},
                   {"encrypted", marker.encrypted},
                   {"conditional_create", marker.conditional_create},
                   {"created", marker.created_micros}});
}

Result<RepositoryMarker> DecodeMarker(std::string_view text) {
  auto json = ParseJson(text);
  if (!json.ok()) return std::move(json).status().Annotate("marker");
  auto marker = DecodeFields(json.value());
  if (!marker.ok()) return std::move(marker).status().Annotate("marker");
  return marker;
}

}  // namespace pitr
