#include "core/repo/marker.h"

#include <algorithm>

#include "core/repo/envelope/json_fields.h"

namespace pitr {
namespace {

constexpr size_t kRepositoryIdDigits = 32;

Result<RepositoryMarker> DecodeFields(const JsonFields& fields) {
  RepositoryMarker marker;
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_repository", INT32_MAX, version));
  if (version > kFormatVersion)
    return Status(Code::kInvalidArgument, "the repository has format version " + std::to_string(version) +
                                              ", this pg_pitr knows up to " + std::to_string(kFormatVersion))
        .WithHint("Install a newer pg_pitr.");
  if (version == 0) return fields.Wrong("pg_pitr_repository", "a version");
  marker.format_version = static_cast<int>(version);
  PITR_TRY(fields.UnsignedText("system_identifier", marker.cluster.system_id.value));
  PITR_TRY(fields.Unsigned32("segment_size", marker.cluster.segment_size_bytes));
  if (!IsValidSegmentSize(marker.cluster.segment_size_bytes))
    return fields.Wrong("segment_size", "a power of two from 1 MiB to 1 GiB");
  uint64_t major = 0;
  PITR_TRY(fields.Unsigned("pg_major", 1000, major));
  marker.cluster.pg_major = static_cast<int>(major);
  PITR_TRY(fields.Text("cluster_name", marker.cluster_name));
  PITR_TRY(fields.Text("repository_id", marker.repository_id));
  if (marker.repository_id.size() != kRepositoryIdDigits || !FromHex(marker.repository_id))
    return fields.Wrong("repository_id", "32 hexadecimal digits");
  PITR_TRY(fields.Bool("encrypted", marker.encrypted));
  PITR_TRY(fields.Bool("conditional_create", marker.conditional_create));
  PITR_TRY(fields.Signed("created", marker.created_micros));
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
  PITR_ASSIGN(const Json json, ParseJsonObject(text, "marker"));
  return DecodeFields(JsonFields(json, "marker"));
}

std::string HowToWriteAgain(std::string_view what) {
  return "Write " + std::string(what) +
         " again: pg_pitr key import FILE, with a recovery kit (pg_pitr key export wrote "
         "it) or " +
         kRecoveryKitFile + " of the data directory of the server that archives here.";
}

}  // namespace pitr
