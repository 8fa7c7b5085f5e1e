#include "core/report/verify_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/base/describe_size.h"
#include "core/base/json_page.h"
#include "core/pg/timestamp.h"
#include "core/report/json_values.h"
#include "core/verify/finding_json.h"

namespace pitr {
namespace {

using Items = std::vector<std::pair<std::string, std::string>>;

std::string Percent(double percent) {
  char text[32];
  std::snprintf(text, sizeof text, "%g%%", percent);
  return text;
}

Coverage SumOfBackups(const VerifyRecord& record) {
  Coverage sum;
  for (const auto& [label, coverage] : record.backups) {
    sum.objects += coverage.objects;
    sum.objects_read += coverage.objects_read;
    sum.bytes += coverage.bytes;
    sum.bytes_read += coverage.bytes_read;
  }
  return sum;
}

std::string ModeText(const VerifyRequest& request) {
  if (request.mode == VerifyMode::kFull) return "full";
  if (request.mode == VerifyMode::kQuick) return "quick: lists, sizes, manifests and file maps; no data was read";
  return "sample of " + Percent(request.sample_percent) + ", seed " + std::to_string(request.seed.value_or(0));
}

std::string ScopeText(const VerifyRequest& request) {
  if (request.scope == VerifyScope::kBackup) return "backup " + request.label + " and the WAL it needs";
  return request.scope == VerifyScope::kWal ? "WAL" : "everything";
}

std::string CoverageText(const Coverage& coverage) {
  return DescribeBytes(coverage.bytes_read) + " of " + DescribeBytes(coverage.bytes) + " read, in " +
         std::to_string(coverage.objects_read) + " of " + DescribeCount(coverage.objects, "object", "objects");
}

std::string CountsText(const FindingCounts& counts) {
  if (counts == FindingCounts{}) return "nothing wrong";
  std::string text;
  const auto add = [&](uint64_t count, const char* one, const char* many) {
    if (count > 0) text += (text.empty() ? "" : ", ") + DescribeCount(count, one, many);
  };
  add(counts.damage, "damage", "damages");
  add(counts.unchecked, "object that could not be read", "objects that could not be read");
  add(counts.warnings, "warning", "warnings");
  return text;
}

std::string FindingText(const Finding& finding, size_t width) {
  std::string text =
      "\n" + std::string(SeverityName(finding.severity)) + ", " + finding.problem + ": " + finding.object;
  if (finding.end != 0) text += ", bytes " + std::to_string(finding.begin) + " to " + std::to_string(finding.end);
  text += "\n  " + finding.detail + "\n";
  Items items;
  if (!finding.labels.empty()) items.emplace_back("backups", DescribeList(finding.labels));
  if (!finding.files.empty()) {
    std::string files = DescribeList(finding.files);
    if (finding.file_count > finding.files.size())
      files += " and " + std::to_string(finding.file_count - finding.files.size()) + " more";
    items.emplace_back("files", std::move(files));
  }
  if (!finding.hurts.empty()) items.emplace_back("hurts", finding.hurts);
  if (!finding.hint.empty()) items.emplace_back("what to do", finding.hint);
  return text + AlignItems(items, 2, width);
}

// "12.3 s, 1.2 GB read at 104.2 MB/s"
std::string EffortText(const VerifyReport& report) {
  const std::string rate = DescribeRate(report.bytes_read, report.millis), took = DescribeMillis(report.millis);
  return rate.empty() ? took : took + ", " + DescribeBytes(report.bytes_read) + " read at " + rate;
}

OrderedJson CoverageJson(const Coverage& coverage) {
  return {{"objects", coverage.objects},
          {"objects_read", coverage.objects_read},
          {"bytes", coverage.bytes},
          {"bytes_read", coverage.bytes_read}};
}

}  // namespace

std::string DescribeVerify(const VerifyRecord& record) {
  const Coverage packs = SumOfBackups(record);
  std::string what = std::string(VerifyModeName(record.request.mode));
  if (record.request.mode == VerifyMode::kSample) what += " of " + Percent(record.request.sample_percent);
  return what + ", " + ScopeText(record.request) + ": " + DescribeCount(record.backups.size(), "backup", "backups") +
         ", " + DescribeCount(record.wal.objects, "WAL file", "WAL files") + ", " +
         DescribeBytes(packs.bytes_read + record.wal.bytes_read) + " read; " + CountsText(record.counts);
}

std::string VerifyText(const VerifyReport& report, size_t width) {
  const VerifyRecord& record = report.record;
  Items items = {{"repository", report.repository},
                 {"scope", ScopeText(record.request)},
                 {"mode", ModeText(record.request)},
                 {"begun", DescribeToSecond(record.started_micros)},
                 {"ended", DescribeToSecond(record.ended_micros)}};
  for (const auto& [label, coverage] : record.backups) items.emplace_back("backup " + label, CoverageText(coverage));
  if (record.wal.objects > 0) items.emplace_back("WAL", CoverageText(record.wal));
  if (record.extents > 0) items.emplace_back("checksums", std::to_string(record.extents) + " pieces of files compared");
  if (record.unreferenced_bytes > 0)
    items.emplace_back("not looked at",
                       DescribeBytes(record.unreferenced_bytes) + (record.request.scope == VerifyScope::kBackup
                                                                       ? " of packs that the backup does not refer to"
                                                                       : " of packs that no backup refers to"));
  if (report.millis > 0) items.emplace_back("took", EffortText(report));
  for (const std::string& note : report.notes) items.emplace_back("note", note);
  std::string text = AlignItems(items, 0, width);
  for (const Finding& finding : record.findings) text += FindingText(finding, width);
  const FindingCounts listed = CountFindings(record.findings);
  if (!(listed == record.counts)) text += "\nThere are more findings than these.\n";
  return text + "\nresult: " + std::string(VerifyOutcomeName(report.outcome())) + " (" + CountsText(record.counts) +
         ")\n";
}

OrderedJson VerifyJson(const VerifyReport& report) {
  const VerifyRecord& record = report.record;
  OrderedJson json = {{"result", VerifyOutcomeName(report.outcome())},
                      {"repository", report.repository},
                      {"run", record.run},
                      {"scope", VerifyScopeName(record.request.scope)},
                      {"mode", VerifyModeName(record.request.mode)},
                      {"begun", JsonTime(record.started_micros)},
                      {"ended", JsonTime(record.ended_micros)},
                      {"continued", report.continued},
                      {"milliseconds", report.millis},
                      {"bytes_read", report.bytes_read},
                      {"label", nullptr},
                      {"sample_percent", nullptr},
                      {"seed", nullptr}};
  if (record.request.scope == VerifyScope::kBackup) json["label"] = record.request.label;
  if (record.request.mode == VerifyMode::kSample) {
    json["sample_percent"] = record.request.sample_percent;
    json["seed"] = record.request.seed.value_or(0);
  }
  json["damage"] = record.counts.damage;
  json["unchecked"] = record.counts.unchecked;
  json["warnings"] = record.counts.warnings;
  json["backups"] = OrderedJson::object();
  for (const auto& [label, coverage] : record.backups) json["backups"][label] = CoverageJson(coverage);
  json["wal"] = CoverageJson(record.wal);
  json["extents"] = record.extents;
  json["unreferenced_bytes"] = record.unreferenced_bytes;
  json["notes"] = report.notes;
  json["findings"] = OrderedJson::array();
  for (const Finding& finding : record.findings) json["findings"].push_back(OrderedJson(EncodeFinding(finding)));
  return json;
}

}  // namespace pitr
