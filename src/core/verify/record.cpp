#include "core/verify/record.h"

#include <algorithm>
#include <set>

#include "core/base/json.h"
#include "core/pg/wal_name.h"
#include "core/verify/finding_json.h"

namespace pitr {
namespace {

constexpr uint64_t kRecordVersion = 1;

Json EncodeCoverage(const Coverage& coverage) {
  return {{"objects", coverage.objects},
          {"objects_read", coverage.objects_read},
          {"bytes", coverage.bytes},
          {"bytes_read", coverage.bytes_read}};
}

Result<Coverage> DecodeCoverage(const Json& json) {
  Coverage coverage;
  PITR_ASSIGN(coverage.objects, JsonUint(json, "objects"));
  PITR_ASSIGN(coverage.objects_read, JsonUint(json, "objects_read"));
  PITR_ASSIGN(coverage.bytes, JsonUint(json, "bytes"));
  PITR_ASSIGN(coverage.bytes_read, JsonUint(json, "bytes_read"));
  return coverage;
}

Status DecodeRequest(const Json& json, VerifyRequest& request) {
  PITR_ASSIGN(const std::string scope, JsonString(json, "scope"));
  PITR_ASSIGN(const std::string mode, JsonString(json, "mode"));
  for (VerifyScope known : {VerifyScope::kBackup, VerifyScope::kWal})
    if (scope == VerifyScopeName(known)) request.scope = known;
  for (VerifyMode known : {VerifyMode::kSample, VerifyMode::kQuick})
    if (mode == VerifyModeName(known)) request.mode = known;
  if (scope != VerifyScopeName(request.scope) || mode != VerifyModeName(request.mode))
    return {Code::kCorruption, "field \"scope\" or \"mode\" is not known"};
  if (request.scope == VerifyScope::kBackup) { PITR_ASSIGN(request.label, JsonString(json, "label")); }
  if (request.mode != VerifyMode::kSample) return Status::Ok();
  const auto percent = json.find("sample_percent");
  if (percent == json.end() || !percent->is_number()) return {Code::kCorruption, "field \"sample_percent\" is missing"};
  request.sample_percent = percent->get<double>();
  PITR_ASSIGN(request.seed, JsonUintText(json, "seed"));
  return Status::Ok();
}

Status DecodeParts(const Json& json, VerifyRecord& record) {
  PITR_ASSIGN(const Json* backups, JsonObject(json, "backups"));
  for (const auto& [label, coverage] : backups->items()) {
    PITR_ASSIGN(record.backups[label], DecodeCoverage(coverage));
  }
  PITR_ASSIGN(const Json* wal, JsonObject(json, "wal"));
  PITR_ASSIGN(record.wal, DecodeCoverage(*wal));
  PITR_ASSIGN(const Json* newest, JsonArray(json, "newest_wal"));
  for (const Json& name : *newest) {
    const auto parsed = name.is_string() ? ParseWalFileName(name.get<std::string>(), 1U << 20) : std::nullopt;
    if (!parsed) return {Code::kCorruption, "field \"newest_wal\" is not a list of segments"};
    record.newest_wal[parsed->timeline.value] = name.get<std::string>();
  }
  PITR_ASSIGN(const Json* findings, JsonArray(json, "findings"));
  for (const Json& finding : *findings) {
    PITR_ASSIGN(Finding decoded, DecodeFinding(finding));
    record.findings.push_back(std::move(decoded));
  }
  PITR_ASSIGN(record.counts.damage, JsonUint(json, "damage"));
  PITR_ASSIGN(record.counts.unchecked, JsonUint(json, "unchecked"));
  PITR_ASSIGN(record.counts.warnings, JsonUint(json, "warnings"));
  return Status::Ok();
}

Result<VerifyRecord> DecodeFields(const Json& json) {
  VerifyRecord record;
  PITR_ASSIGN(const uint64_t version, JsonUint(json, "pg_pitr_verify"));
  if (version > kRecordVersion)
    return Status(Code::kInvalidArgument, "it is of a newer version").WithHint("Install a newer pg_pitr.");
  PITR_ASSIGN(const uint64_t run, JsonUint(json, "run", UINT32_MAX));
  record.run = static_cast<uint32_t>(run);
  PITR_TRY(DecodeRequest(json, record.request));
  PITR_ASSIGN(record.by, JsonString(json, "by"));
  PITR_ASSIGN(record.started_micros, JsonInt(json, "started_micros"));
  PITR_ASSIGN(record.ended_micros, JsonInt(json, "ended_micros"));
  PITR_ASSIGN(record.finished, JsonBool(json, "finished"));
  PITR_ASSIGN(record.extents, JsonUint(json, "extents"));
  PITR_ASSIGN(record.unreferenced_bytes, JsonUint(json, "unreferenced_bytes"));
  PITR_TRY(DecodeParts(json, record));
  if (record.finished) return record;
  PITR_ASSIGN(record.stopped, JsonBool(json, "stopped"));
  PITR_ASSIGN(record.pack_done, JsonString(json, "pack_done"));
  PITR_ASSIGN(record.pack_done_end, JsonUint(json, "pack_done_end"));
  PITR_ASSIGN(record.wal_done, JsonString(json, "wal_done"));
  return record;
}

}  // namespace

std::string_view VerifyScopeName(VerifyScope scope) {
  return scope == VerifyScope::kAll ? "all" : scope == VerifyScope::kBackup ? "backup" : "wal";
}

std::string_view VerifyModeName(VerifyMode mode) {
  return mode == VerifyMode::kFull ? "full" : mode == VerifyMode::kSample ? "sample" : "quick";
}

bool VerifyRequest::SameAs(const VerifyRequest& other) const {
  if (scope != other.scope || label != other.label || mode != other.mode) return false;
  if (mode != VerifyMode::kSample) return true;
  return sample_percent == other.sample_percent && (!seed || seed == other.seed);
}

std::string EncodeRecord(const VerifyRecord& record) {
  const VerifyRequest& request = record.request;
  Json json = {{"pg_pitr_verify", kRecordVersion},
               {"run", record.run},
               {"scope", VerifyScopeName(request.scope)},
               {"mode", VerifyModeName(request.mode)},
               {"by", record.by},
               {"started_micros", record.started_micros},
               {"ended_micros", record.ended_micros},
               {"finished", record.finished},
               {"extents", record.extents},
               {"unreferenced_bytes", record.unreferenced_bytes},
               {"wal", EncodeCoverage(record.wal)},
               {"damage", record.counts.damage},
               {"unchecked", record.counts.unchecked},
               {"warnings", record.counts.warnings}};
  if (request.scope == VerifyScope::kBackup) json["label"] = request.label;
  if (request.mode == VerifyMode::kSample) {
    json["sample_percent"] = request.sample_percent;
    json["seed"] = std::to_string(request.seed.value_or(0));
  }
  json["backups"] = Json::object();
  for (const auto& [label, coverage] : record.backups) json["backups"][label] = EncodeCoverage(coverage);
  json["newest_wal"] = Json::array();
  for (const auto& [timeline, name] : record.newest_wal) json["newest_wal"].push_back(name);
  json["findings"] = Json::array();
  for (const Finding& finding : record.findings) json["findings"].push_back(EncodeFinding(finding));
  if (!record.finished) {
    json["stopped"] = record.stopped;
    json["pack_done"] = record.pack_done;
    json["pack_done_end"] = record.pack_done_end;
    json["wal_done"] = record.wal_done;
  }
  return JsonText(json);
}

Result<VerifyRecord> DecodeRecord(std::string_view text) {
  PITR_ASSIGN(const Json json, ParseJson(text));
  return DecodeFields(json);
}

const VerifyRecord* NewestResult(const std::vector<VerifyRecord>& results, std::string_view label) {
  for (auto result = results.rbegin(); result != results.rend(); ++result)
    if (label.empty() || result->backups.contains(std::string(label))) return &*result;
  return nullptr;
}

std::vector<uint32_t> SuperfluousResults(const std::vector<VerifyRecord>& results,
                                         const std::vector<std::string>& labels) {
  std::map<VerifyMode, size_t> kept;
  std::map<VerifyMode, std::set<std::string>> wanted;
  for (VerifyMode mode : {VerifyMode::kFull, VerifyMode::kSample, VerifyMode::kQuick})
    wanted[mode] = {labels.begin(), labels.end()};
  std::vector<uint32_t> superfluous;
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    const VerifyMode mode = result->request.mode;
    bool newest_of_some = false;
    for (const auto& [label, coverage] : result->backups) newest_of_some |= wanted[mode].erase(label) > 0;
    if (kept[mode] < kResultsKept || newest_of_some) {
      ++kept[mode];
    } else {
      superfluous.push_back(result->run);
    }
  }
  return superfluous;
}

}  // namespace pitr
