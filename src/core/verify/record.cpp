#include "core/verify/record.h"

#include <algorithm>
#include <set>

#include "core/base/describe_size.h"
#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/envelope/json_fields.h"
#include "core/repo/layout.h"
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

Status DecodeCoverage(const JsonFields& fields, Coverage& coverage) {
  PITR_TRY(fields.Unsigned("objects", coverage.objects));
  PITR_TRY(fields.Unsigned("objects_read", coverage.objects_read));
  PITR_TRY(fields.Unsigned("bytes", coverage.bytes));
  return fields.Unsigned("bytes_read", coverage.bytes_read);
}

Status DecodeRequest(const JsonFields& fields, VerifyRequest& request) {
  std::string scope, mode;
  PITR_TRY(fields.Text("scope", scope));
  PITR_TRY(fields.Text("mode", mode));
  for (VerifyScope known : {VerifyScope::kBackup, VerifyScope::kWal})
    if (scope == VerifyScopeName(known)) request.scope = known;
  for (VerifyMode known : {VerifyMode::kSample, VerifyMode::kQuick})
    if (mode == VerifyModeName(known)) request.mode = known;
  if (scope != VerifyScopeName(request.scope)) return fields.Wrong("scope", "a known scope");
  if (mode != VerifyModeName(request.mode)) return fields.Wrong("mode", "a known mode");
  if (request.scope == VerifyScope::kBackup) PITR_TRY(fields.Text("label", request.label));
  if (request.mode != VerifyMode::kSample) return Status::Ok();
  PITR_TRY(fields.Number("sample_percent", request.sample_percent));
  return fields.UnsignedText("seed", request.seed.emplace());
}

Status DecodeParts(const JsonFields& fields, VerifyRecord& record) {
  PITR_ASSIGN(const JsonFields backups, fields.Object("backups"));
  for (const auto& [label, ignored] : backups.json().items()) {
    PITR_ASSIGN(const JsonFields coverage, backups.Object(label.c_str()));
    PITR_TRY(DecodeCoverage(coverage, record.backups[label]));
  }
  PITR_ASSIGN(const JsonFields wal, fields.Object("wal"));
  PITR_TRY(DecodeCoverage(wal, record.wal));
  std::vector<std::string> newest;
  PITR_TRY(fields.Texts("newest_wal", newest));
  for (std::string& name : newest) {
    const auto parsed = ParseWalFileName(name, 1U << 20);
    if (!parsed) return fields.Wrong("newest_wal", "an array of segments");
    record.newest_wal[parsed->timeline.value] = std::move(name);
  }
  PITR_TRY(fields.EachObject("findings", [&](const JsonFields& finding) -> Status {
    PITR_ASSIGN(Finding decoded, DecodeFinding(finding));
    record.findings.push_back(std::move(decoded));
    return Status::Ok();
  }));
  PITR_TRY(fields.Unsigned("damage", record.counts.damage));
  PITR_TRY(fields.Unsigned("unchecked", record.counts.unchecked));
  PITR_TRY(fields.Unsigned("warnings", record.counts.warnings));
  return Status::Ok();
}

Result<VerifyRecord> DecodeFields(const JsonFields& fields) {
  VerifyRecord record;
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_verify", version));
  if (version > kRecordVersion)
    return Status(Code::kInvalidArgument, "it is of a newer version").WithHint("Install a newer pg_pitr.");
  PITR_TRY(fields.Unsigned32("run", record.run));
  PITR_TRY(DecodeRequest(fields, record.request));
  PITR_TRY(fields.Text("by", record.by));
  PITR_TRY(fields.Signed("started_micros", record.started_micros));
  PITR_TRY(fields.Signed("ended_micros", record.ended_micros));
  PITR_TRY(fields.Bool("finished", record.finished));
  PITR_TRY(fields.Unsigned("extents", record.extents));
  PITR_TRY(fields.Unsigned("unreferenced_bytes", record.unreferenced_bytes));
  PITR_TRY(DecodeParts(fields, record));
  if (record.finished) return record;
  PITR_TRY(fields.Bool("stopped", record.stopped));
  PITR_TRY(fields.Text("pack_done", record.pack_done));
  PITR_TRY(fields.Unsigned("pack_done_end", record.pack_done_end));
  PITR_TRY(fields.Text("wal_done", record.wal_done));
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
  constexpr const char* kWhat = "result of a verification";
  PITR_ASSIGN(const Json json, ParseJsonObject(text, kWhat));
  return DecodeFields(JsonFields(json, kWhat));
}

const VerifyRecord* NewestResult(const std::vector<VerifyRecord>& results, std::string_view label) {
  for (auto result = results.rbegin(); result != results.rend(); ++result)
    if (label.empty() || result->backups.contains(std::string(label))) return &*result;
  return nullptr;
}

namespace {

bool Concerns(const Finding& finding, const std::string& label) {
  return std::find(finding.labels.begin(), finding.labels.end(), label) != finding.labels.end();
}

bool NeedsReading(const Finding& finding) {
  // Pages of file maps are read in every mode.
  const bool data = (finding.object.starts_with(layout::kDataPrefix) && !layout::ParseMapPageKey(finding.object)) ||
                    finding.object.starts_with(layout::kWalPrefix);
  return data && finding.problem != "missing" && finding.problem != "size" && finding.problem != "gap";
}

}  // namespace

StandingDamage FindStandingDamage(const std::vector<VerifyRecord>& results, const std::string& label,
                                  int64_t start_micros, DamageOf of) {
  bool newest = true;
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    if (!result->backups.contains(label) || result->ended_micros < start_micros) continue;
    uint64_t count = 0;
    bool read_all = result->request.mode == VerifyMode::kFull;
    for (const Finding& finding : result->findings) {
      if (!Concerns(finding, label)) continue;
      if (of == DamageOf::kFiles && finding.object.starts_with(layout::kWalPrefix)) continue;
      count += finding.severity == Severity::kDamage && (newest || NeedsReading(finding)) ? 1 : 0;
      read_all &= finding.severity != Severity::kUnchecked;
    }
    if (count > 0) return {&*result, count};
    if (read_all) break;
    newest = false;
  }
  return {};
}

std::string DescribeStandingDamage(const std::vector<VerifyRecord>& results, const std::string& label,
                                   int64_t start_micros, DamageOf of) {
  const StandingDamage damage = FindStandingDamage(results, label, start_micros, of);
  if (damage.result == nullptr) return "";
  return "the " + std::string(VerifyModeName(damage.result->request.mode)) + " verification of " +
         FormatToSecond(damage.result->ended_micros) + " found " + DescribeCount(damage.count, "damage", "damages") +
         " of what it needs";
}

std::vector<uint32_t> SuperfluousResults(const std::vector<VerifyRecord>& results,
                                         const std::vector<std::string>& labels) {
  std::map<VerifyMode, size_t> kept;
  std::map<VerifyMode, std::set<std::string>> wanted;
  for (VerifyMode mode : {VerifyMode::kFull, VerifyMode::kSample, VerifyMode::kQuick})
    wanted[mode] = {labels.begin(), labels.end()};
  std::set<const VerifyRecord*> standing;
  for (const std::string& label : labels)
    standing.insert(FindStandingDamage(results, label, 0, DamageOf::kAnything).result);
  std::vector<uint32_t> superfluous;
  for (auto result = results.rbegin(); result != results.rend(); ++result) {
    const VerifyMode mode = result->request.mode;
    bool newest_of_some = false;
    for (const auto& [label, coverage] : result->backups) newest_of_some |= wanted[mode].erase(label) > 0;
    if (kept[mode] < kResultsKept || newest_of_some || standing.contains(&*result)) {
      ++kept[mode];
    } else {
      superfluous.push_back(result->run);
    }
  }
  return superfluous;
}

}  // namespace pitr
