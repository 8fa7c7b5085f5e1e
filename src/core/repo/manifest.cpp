#include "core/repo/manifest.h"

#include <algorithm>

#include "core/base/sha256.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr const char* kVersionField = "pg_pitr_manifest";
constexpr const char* kWhat = "backup manifest";
constexpr int kManifestVersion = 1;

Status GetLsn(const JsonFields& fields, const char* name, Lsn& out) {
  std::string text;
  PITR_TRY(fields.Text(name, text));
  const auto lsn = Lsn::Parse(text);
  if (!lsn || !lsn->valid()) return fields.Wrong(name, "a WAL location");
  out = *lsn;
  return Status::Ok();
}

Status GetTimeline(const JsonFields& fields, const char* name, Timeline& out) {
  PITR_TRY(fields.Unsigned32(name, out.value));
  return out.valid() ? Status::Ok() : fields.Wrong(name, "a timeline");
}

Status GetType(const JsonFields& fields, BackupType& out) {
  std::string text;
  PITR_TRY(fields.Text("type", text));
  for (const BackupType type : {BackupType::kFull, BackupType::kDiff, BackupType::kIncr}) {
    if (text != BackupTypeName(type)) continue;
    out = type;
    return Status::Ok();
  }
  return fields.Wrong("type", "a known type of backup");
}

Status GetChangeOrigin(const JsonFields& manifest, std::optional<ChangeOrigin>& out) {
  PITR_ASSIGN(const std::optional<JsonFields> fields, manifest.OptionalObject("change_source"));
  if (!fields) return Status::Ok();
  std::string text;
  PITR_TRY(fields->Text("kind", text));
  ChangeOrigin origin;
  PITR_TRY(fields->OptionalText("why", origin.why));
  for (const ChangeKind kind :
       {ChangeKind::kFullRead, ChangeKind::kPageLsn, ChangeKind::kChangeMaps, ChangeKind::kWalSummaries}) {
    if (text != ChangeKindName(kind)) continue;
    origin.kind = kind;
    out = std::move(origin);
    break;
  }
  return Status::Ok();  // for people only: one that this version does not know is left out
}

Status GetCluster(const JsonFields& manifest, ClusterIdentity& out) {
  PITR_ASSIGN(const JsonFields fields, manifest.Object("cluster"));
  // A JSON number of 64 bits does not survive every reader, so the identifier is text, in decimal as PostgreSQL shows
  // it.
  PITR_TRY(fields.UnsignedText("system_id", out.system_id.value));
  if (out.system_id.value == 0) return fields.Wrong("system_id", "a system identifier");
  PITR_TRY(fields.Unsigned32("segment_size", out.segment_size_bytes));
  if (!IsValidSegmentSize(out.segment_size_bytes)) return fields.Wrong("segment_size", "a size of WAL segments");
  uint64_t major = 0;
  PITR_TRY(fields.Unsigned("pg_major", 1000, major));
  out.pg_major = static_cast<int>(major);
  return Status::Ok();
}

// What was in the data directory otherwise than as a plain file or directory, or not in it at all.
Status GetNotPlain(const JsonFields& fields, BackupManifest& out) {
  PITR_TRY(fields.OptionalEachObject("followed", [&](const JsonFields& element) -> Status {
    FollowedLink& link = out.followed.emplace_back();
    PITR_TRY(element.Text("path", link.path));
    return element.Text("target", link.target);
  }));
  PITR_TRY(fields.OptionalEachObject("skipped", [&](const JsonFields& element) -> Status {
    SkippedEntry& entry = out.skipped.emplace_back();
    PITR_TRY(element.Text("path", entry.path));
    PITR_TRY(element.Text("kind", entry.kind));
    PITR_TRY(element.OptionalText("target", entry.target));
    return element.OptionalText("why", entry.why);
  }));
  out.skipped_count = out.skipped.size();
  if (fields.Has("skipped_count")) PITR_TRY(fields.Unsigned("skipped_count", out.skipped_count));
  PITR_TRY(fields.OptionalEachObject("outside", [&](const JsonFields& element) -> Status {
    OutsideFile& file = out.outside.emplace_back();
    PITR_TRY(element.Text("setting", file.setting));
    return element.Text("path", file.path);
  }));
  return fields.OptionalEachObject("settings", [&](const JsonFields& element) -> Status {
    ServerSetting& setting = out.settings.emplace_back();
    PITR_TRY(element.Text("name", setting.name));
    if (!element.Has("value") && !element.Has("value_hex")) return Status::Ok();
    return element.Text("value", setting.value.emplace());
  });
}

void PutNotPlain(const BackupManifest& manifest, Json& document) {
  for (const FollowedLink& link : manifest.followed) {
    Json element = Json::object();
    PutText(element, "path", link.path);
    PutText(element, "target", link.target);
    document["followed"].push_back(std::move(element));
  }
  for (const SkippedEntry& entry : manifest.skipped) {
    Json element = {{"kind", entry.kind}};
    PutText(element, "path", entry.path);
    if (!entry.target.empty()) PutText(element, "target", entry.target);
    PutText(element, "why", entry.why);
    document["skipped"].push_back(std::move(element));
  }
  if (manifest.skipped_count > manifest.skipped.size()) document["skipped_count"] = manifest.skipped_count;
  for (const OutsideFile& file : manifest.outside) {
    Json element = {{"setting", file.setting}};
    PutText(element, "path", file.path);
    document["outside"].push_back(std::move(element));
  }
  for (const ServerSetting& setting : manifest.settings) {
    Json element = {{"name", setting.name}};
    if (setting.value) PutText(element, "value", *setting.value);
    document["settings"].push_back(std::move(element));
  }
}

Status GetLists(const JsonFields& fields, BackupManifest& out) {
  PITR_TRY(fields.OptionalEachObject("tablespaces", [&](const JsonFields& element) -> Status {
    TablespaceEntry entry;
    PITR_TRY(element.Unsigned32("oid", entry.oid));
    PITR_TRY(element.Text("path", entry.path));
    PITR_TRY(element.OptionalBool("in_place", entry.in_place));
    out.tablespaces.push_back(std::move(entry));
    return Status::Ok();
  }));
  PITR_TRY(fields.OptionalEachObject("page_errors", [&](const JsonFields& element) -> Status {
    PageError error;
    PITR_TRY(element.Text("path", error.path));
    PITR_TRY(element.Unsigned32("block", error.block));
    out.page_errors.push_back(std::move(error));
    return Status::Ok();
  }));
  PITR_TRY(GetNotPlain(fields, out));
  return fields.OptionalEachObject("packs", [&](const JsonFields& element) -> Status {
    PackEntry pack;
    PITR_TRY(element.Text("key", pack.key));
    if (!CheckKey(pack.key).ok()) return element.Wrong("key", "the key of an object");
    PITR_TRY(element.Unsigned("size", pack.size_bytes));
    out.packs.push_back(std::move(pack));
    return Status::Ok();
  });
}

Status GetAnnotations(const JsonFields& manifest, std::map<std::string, std::string>& out) {
  PITR_ASSIGN(const std::optional<JsonFields> fields, manifest.OptionalObject("annotations"));
  if (!fields) return Status::Ok();
  for (const auto& [name, value] : fields->json().items()) {
    if (!value.is_string()) return manifest.Wrong("annotations", "an object of strings");
    out[name] = value.get_ref<const std::string&>();
  }
  return Status::Ok();
}

Status GetFileMap(const JsonFields& manifest, BackupManifest& out) {
  PITR_ASSIGN(const JsonFields fields, manifest.Object("file_map"));
  PITR_TRY(fields.Text("key", out.file_map_key));
  if (out.file_map_key != layout::BackupKey(out.label, layout::BackupObject::kFiles))
    return fields.Wrong("key", "the key of this backup's file map");
  PITR_TRY(fields.Unsigned("size", out.file_map_bytes));
  PITR_TRY(fields.Text("sha256", out.file_map_sha256));
  if (!IsSha256Hex(out.file_map_sha256)) return fields.Wrong("sha256", "a SHA-256 in lower-case hexadecimal");
  PITR_TRY(fields.Unsigned("page_bytes", out.map_page_bytes));
  uint64_t pages = 0;
  return fields.OptionalEachObject("pages", [&](const JsonFields& element) -> Status {
    MapPageRun& run = out.map_pages.emplace_back();
    PITR_TRY(element.Text("label", run.label));
    if (!layout::IsValidLabel(run.label)) return element.Wrong("label", "the label of a backup");
    PITR_TRY(element.Unsigned32("first", run.first));
    PITR_TRY(element.Unsigned32("last", run.last));
    if (run.first == 0 || run.last < run.first || (pages += run.size()) > kMaxMapPages)
      return element.Wrong("last", "the last of some pages");
    return Status::Ok();
  });
}

Status GetTimes(const JsonFields& fields, BackupManifest& out) {
  PITR_TRY(fields.Signed("start_micros", out.start_micros));
  PITR_TRY(fields.Signed("stop_micros", out.stop_micros));
  PITR_TRY(GetTimeline(fields, "timeline", out.timeline));
  PITR_TRY(GetTimeline(fields, "stop_timeline", out.stop_timeline));
  PITR_TRY(GetLsn(fields, "start_lsn", out.start_lsn));
  PITR_TRY(GetLsn(fields, "checkpoint_lsn", out.checkpoint_lsn));
  PITR_TRY(GetLsn(fields, "stop_lsn", out.stop_lsn));
  if (out.stop_lsn < out.start_lsn) return fields.Wrong("stop_lsn", "after \"start_lsn\"");
  return Status::Ok();
}

}  // namespace

std::string_view BackupTypeName(BackupType type) {
  switch (type) {
    case BackupType::kFull:
      return "full";
    case BackupType::kDiff:
      return "diff";
    case BackupType::kIncr:
      return "incr";
  }
  return "full";
}

std::string_view ChangeKindName(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kFullRead:
      return "full read";
    case ChangeKind::kPageLsn:
      return "page LSN";
    case ChangeKind::kChangeMaps:
      return "change maps";
    case ChangeKind::kWalSummaries:
      return "WAL summaries";
  }
  return "full read";
}

bool IsSha256Hex(std::string_view text) {
  const auto digest = FromHex(text);
  return digest && digest->size() == Sha256Digest().size() && ToHex(*digest) == text;
}

void ForEachMapPage(const BackupManifest& manifest, const std::function<void(std::string key)>& each) {
  for (const MapPageRun& run : manifest.map_pages)
    for (uint64_t number = run.first; number <= run.last; number++)
      each(layout::MapPageKey(run.label, static_cast<uint32_t>(number)));
}

void ForEachDataObject(const BackupManifest& manifest, const std::function<void(std::string key)>& each) {
  ForEachMapPage(manifest, each);
  for (const PackEntry& pack : manifest.packs) each(pack.key);
}

Timeline StopTimeline(const BackupManifest& manifest) {
  return manifest.stop_timeline.valid() ? manifest.stop_timeline : manifest.timeline;
}

SegmentNo FirstSegment(const BackupManifest& manifest) {
  return SegmentOf(manifest.start_lsn, manifest.cluster.segment_size_bytes);
}

SegmentNo LastSegment(const BackupManifest& manifest) {
  // The stop position is where the backup-end record ends: when that is a segment's first byte, the record is in the
  // one before.
  return SegmentBefore(manifest.stop_lsn, manifest.cluster.segment_size_bytes);
}

std::string EncodeManifest(const BackupManifest& manifest) {
  Json document = {{kVersionField, manifest.version},
                   {"label", manifest.label},
                   {"type", std::string(BackupTypeName(manifest.type))},
                   {"cluster",
                    {{"system_id", std::to_string(manifest.cluster.system_id.value)},
                     {"segment_size", manifest.cluster.segment_size_bytes},
                     {"pg_major", manifest.cluster.pg_major}}},
                   {"server_version", manifest.server_version},
                   {"tool_version", manifest.tool_version},
                   {"start_micros", manifest.start_micros},
                   {"stop_micros", manifest.stop_micros},
                   {"timeline", manifest.timeline.value},
                   {"stop_timeline", manifest.stop_timeline.value},
                   {"start_lsn", manifest.start_lsn.ToString()},
                   {"checkpoint_lsn", manifest.checkpoint_lsn.ToString()},
                   {"stop_lsn", manifest.stop_lsn.ToString()},
                   {"database_bytes", manifest.database_bytes},
                   {"stored_bytes", manifest.stored_bytes},
                   {"file_count", manifest.file_count},
                   {"encrypted", manifest.encrypted},
                   {"data_checksums", manifest.data_checksums},
                   {"file_map",
                    {{"key", manifest.file_map_key},
                     {"size", manifest.file_map_bytes},
                     {"sha256", manifest.file_map_sha256},
                     {"page_bytes", manifest.map_page_bytes},
                     {"pages", Json::array()}}}};
  for (const MapPageRun& run : manifest.map_pages)
    document["file_map"]["pages"].push_back({{"label", run.label}, {"first", run.first}, {"last", run.last}});
  if (!manifest.parent_label.empty()) {
    document["parent"] = manifest.parent_label;
    document["chain_length"] = manifest.chain_length;
  }
  if (manifest.change_origin)
    document["change_source"] = {{"kind", std::string(ChangeKindName(manifest.change_origin->kind))},
                                 {"why", manifest.change_origin->why}};
  if (manifest.fetch_bytes != 0) document["fetch_bytes"] = manifest.fetch_bytes;
  if (!manifest.boot_id.empty()) document["boot_id"] = manifest.boot_id;
  PutText(document, "backup_label", manifest.backup_label);
  PutText(document, "tablespace_map", manifest.tablespace_map);
  if (!manifest.history.empty()) PutText(document, "history", manifest.history);
  Json& tablespaces = document["tablespaces"] = Json::array();
  for (const TablespaceEntry& entry : manifest.tablespaces) {
    Json element = {{"oid", entry.oid}, {"in_place", entry.in_place}};
    PutText(element, "path", entry.path);
    tablespaces.push_back(std::move(element));
  }
  Json& errors = document["page_errors"] = Json::array();
  for (const PageError& error : manifest.page_errors) {
    Json element = {{"block", error.block}};
    PutText(element, "path", error.path);
    errors.push_back(std::move(element));
  }
  PutNotPlain(manifest, document);
  Json& annotations = document["annotations"] = Json::object();
  for (const auto& [name, value] : manifest.annotations) annotations[name] = value;
  Json& packs = document["packs"] = Json::array();
  for (const PackEntry& pack : manifest.packs) packs.push_back({{"key", pack.key}, {"size", pack.size_bytes}});
  return JsonText(document);
}

Result<BackupManifest> DecodeManifest(std::string_view text) {
  PITR_ASSIGN(const Json document, ParseJsonObject(text, kWhat));
  const JsonFields fields(document, kWhat);
  BackupManifest out;
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned(kVersionField, INT32_MAX, version));
  if (version == 0) return fields.Wrong(kVersionField, "a version");
  if (version > kManifestVersion)
    return Status(Code::kInvalidArgument, "backup manifest has version " + std::to_string(version) +
                                              ", this program reads up to version " + std::to_string(kManifestVersion))
        .WithHint("Use a newer pg_pitr to read this backup.");
  out.version = static_cast<int>(version);
  PITR_TRY(fields.Text("label", out.label));
  if (!layout::IsValidLabel(out.label)) return fields.Wrong("label", "the label of a backup");
  PITR_TRY(GetType(fields, out.type));
  PITR_TRY(fields.OptionalText("parent", out.parent_label));
  if (!out.parent_label.empty() && !layout::IsValidLabel(out.parent_label))
    return fields.Wrong("parent", "the label of a backup");
  if (!out.parent_label.empty()) PITR_TRY(fields.Unsigned32("chain_length", out.chain_length));
  PITR_TRY(GetChangeOrigin(fields, out.change_origin));
  if (fields.Has("fetch_bytes")) PITR_TRY(fields.Unsigned("fetch_bytes", out.fetch_bytes));
  PITR_TRY(fields.OptionalText("boot_id", out.boot_id));
  PITR_TRY(fields.OptionalText("history", out.history));
  PITR_TRY(GetCluster(fields, out.cluster));
  PITR_TRY(fields.Text("server_version", out.server_version));
  PITR_TRY(fields.OptionalText("tool_version", out.tool_version));
  PITR_TRY(GetTimes(fields, out));
  PITR_TRY(fields.Text("backup_label", out.backup_label));
  PITR_TRY(fields.OptionalText("tablespace_map", out.tablespace_map));
  PITR_TRY(fields.Unsigned("database_bytes", out.database_bytes));
  PITR_TRY(fields.Unsigned("stored_bytes", out.stored_bytes));
  PITR_TRY(fields.Unsigned("file_count", out.file_count));
  PITR_TRY(fields.Bool("encrypted", out.encrypted));
  PITR_TRY(fields.OptionalBool("data_checksums", out.data_checksums));
  PITR_TRY(GetLists(fields, out));
  PITR_TRY(GetAnnotations(fields, out.annotations));
  PITR_TRY(GetFileMap(fields, out));
  return out;
}

}  // namespace pitr
