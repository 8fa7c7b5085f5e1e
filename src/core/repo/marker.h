// pg_pitr.marker: whose repository this is. A repository exists when its marker exists; it is created once and never
// changed. JSON in an object that is neither encrypted nor compressed, so that anybody can see whose it is. Pure
// functions.
#pragma once
#include <string>
#include <string_view>

#include "core/pg/lsn.h"
#include "core/repo/envelope/object_codec.h"

namespace pitr {

// What a cluster is known by; from pg_control or from the server.
struct ClusterIdentity {
  SystemId system_id;
  uint32_t segment_size_bytes = 0;
  int pg_major = 0;
};

// Content of pg_pitr.marker.
struct RepositoryMarker {
  int format_version = kFormatVersion;
  ClusterIdentity cluster;
  std::string cluster_name;   // what the operator calls it; may be empty
  std::string repository_id;  // 32 hex digits, random
  bool encrypted = false;
  bool conditional_create = false;  // what the probe found when the repository was created
  int64_t created_micros = 0;
};

std::string EncodeMarker(const RepositoryMarker& marker);
// kCorruption naming what is missing or wrong; kInvalidArgument with a hint for a newer format.
Result<RepositoryMarker> DecodeMarker(std::string_view json);

// The recovery kit in the data directory of a server that archives (recovery_kit.h).
inline constexpr const char* kRecoveryKitFile = "pg_pitr.kit";
// A sentence for hints: how `what` ("it", "them": marker, key slots) comes back.
std::string HowToWriteAgain(std::string_view what);

}  // namespace pitr
